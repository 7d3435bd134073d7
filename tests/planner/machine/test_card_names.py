"""Names of cards: as the table, people and drivers write them."""

import json

import pytest

from leanrl.config.load import load_config
from leanrl.errors import ConfigError
from leanrl.planner.machine.card_names import cards_called, find_card, recognise_card, size_note
from leanrl.planner.machine.cards import CARDS, GIB
from leanrl.planner.plan import plan_run
from tests.planner.sample_runs import single_card


def spellings(card):
    """The ways in which people write a card's title: "GeForce RTX 4060 Ti 16 GB"."""
    title = card.title if card.title.startswith(("NVIDIA", "AMD")) else f"NVIDIA {card.title}"
    model = " ".join(title.split()[:-2])
    short = model.replace("NVIDIA ", "").replace("GeForce ", "").replace("AMD Instinct ", "").replace(" SXM", "")
    for name in (title, model, short, short.removeprefix("RTX ")):
        yield from (name, name.lower(), name.upper(), name.replace(" ", "-"), f"  {name}  ")
    yield from (short.replace(" ", ""), short.removeprefix("RTX ").replace(" ", "").lower())
    for name in (title, f"{short} {card.memory_gb}GB", f"{short} {card.memory_gb}", f"{short}-{card.memory_gb}g"):
        yield from (name, name.lower())


@pytest.mark.parametrize("card", CARDS.values(), ids=lambda card: card.name)
def test_every_card_by_all_spellings(card):
    """A name without a size may mean several cards of a model; never another model."""
    assert cards_called(card.name) == cards_called(f" {card.name.upper()} ") == [card]
    for name in spellings(card):
        called = cards_called(name)
        assert card in called, name
        assert {other.title.rsplit(" ", 2)[0] for other in called} == {card.title.rsplit(" ", 2)[0]}, name
    assert cards_called(f"{card.title} Laptop GPU") == []


@pytest.mark.parametrize(
    ("name", "smallest", "note"),
    [
        ("A100", "a100-40", "A100 may be a100-40 or a100-80: planned for the smaller, a100-40."),
        ("4060 Ti", "rtx4060ti-8", "4060 Ti may be rtx4060ti-8 or rtx4060ti-16: planned for the smaller, rtx4060ti-8."),
        ("V100", "v100-16", "V100 may be v100-16 or v100-32: planned for the smaller, v100-16."),
        ("a100 80gb", "a100-80", None),
        ("A100-SXM4-80GB", "a100-80", None),
        ("a100 80", "a100-80", None),
        ("4060 ti 16gb", "rtx4060ti-16", None),
        ("RTX 4070 Ti Super", "rtx4070ti-super", None),
        ("RTX_4070S_Ti", "rtx4070ti-super", None),
        ("4070 TiS", "rtx4070ti-super", None),
        ("RTX 4080S", "rtx4080-super", None),
        ("nvidia-tesla-t4", "t4", None),
        ("RTX_6000Ada", "rtx6000-ada", None),
        ("H100", "h100", None),
        ("HGX H100", "h100", None),
        ("h100_nvl", "h100-nvl", None),
        ("H100 PCIe", "h100-pcie", None),
        (None, None, None),
    ],
)
def test_of_several_sizes_the_smaller_is_taken_and_said(name, smallest, note):
    assert size_note(name) == note
    if name is not None:
        assert find_card(name) is CARDS[smallest]


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("rtx390", "rtx3090"),
        ("RTX 4050", "rtx4060"),
        ("a200", "a100-40"),
        ("h800", "h200"),
        ("A10X", "a10"),
        ("l40x", "l40"),
        ("RTX 5090 Ti", "rtx5090"),
    ],
)
def test_a_wrong_name_gets_the_nearest_of_its_series(name, nearest):
    with pytest.raises(ConfigError, match=f"the card '{name}' is not known. Did you mean '{nearest}'"):
        find_card(name)


@pytest.mark.parametrize("name", ["", "  ", "radeon", "16gb", "-", "a" * 500])
def test_a_name_like_no_other(name):
    with pytest.raises(ConfigError) as caught:
        find_card(name)
    assert caught.value.message == f"the card {name!r} is not known."
    assert "leanrl cards" in caught.value.hint


def test_a_size_that_a_card_does_not_come_in():
    with pytest.raises(ConfigError, match=r"'rtx4090 48gb' is not known with that memory; rtx4090 \(24 GB\) is"):
        find_card("rtx4090 48gb")


@pytest.mark.parametrize("name", ["4090", "RTX 4090", "rtx4090", "RTX-4090"])
def test_one_name_on_the_command_line_and_in_a_file(tmp_path, name):
    """YAML reads 4090 as a number."""
    file = tmp_path / "mine.json"
    asked = int(name) if name.isdigit() else name
    file.write_text(json.dumps({"extends": "single-gpu-lora", "hardware": {"gpu": asked}}))
    for config in (
        load_config(file).config,
        load_config("single-gpu-lora", [f"hardware.gpu={name}"]).config,
        single_card("lora", gpu=name),
    ):
        assert config.hardware.gpu == name
        assert plan_run(config).card is CARDS["rtx4090"]


@pytest.mark.parametrize("wrong", [True, 40.9, [4090]])
def test_other_values_in_a_file_are_no_name(tmp_path, wrong):
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"extends": "single-gpu-lora", "hardware": {"gpu": wrong}}))
    with pytest.raises(ConfigError, match=r"hardware.gpu: must be text or null"):
        load_config(file)


@pytest.mark.parametrize(
    ("driver_name", "gib", "card"),
    [
        ("NVIDIA A40", 44.3, "a40"),
        ("NVIDIA A100-SXM4-40GB", 39.4, "a100-40"),
        ("NVIDIA A100-PCIE-40GB", 39.4, "a100-40"),
        ("NVIDIA A100 80GB PCIe", 79.2, "a100-80"),
        ("NVIDIA H100 80GB HBM3", 79.1, "h100"),
        ("NVIDIA H100 PCIe", 79.1, "h100-pcie"),
        ("NVIDIA H100 NVL", 93.1, "h100-nvl"),
        ("NVIDIA H200", 139.8, "h200"),
        ("NVIDIA RTX PRO 6000 Blackwell Workstation Edition", 94.97, "rtxpro6000"),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition", 94.97, "rtxpro6000"),
        ("NVIDIA A10", 22.1, "a10"),
        ("NVIDIA L40", 44.4, "l40"),
        ("NVIDIA B200", 178.35, "b200"),
        ("NVIDIA L4", 22.0, "l4"),
        ("NVIDIA L40S", 44.4, "l40s"),
        ("NVIDIA A10G", 22.1, "a10g"),
        ("NVIDIA RTX A4000", 15.7, "a4000"),
        ("NVIDIA RTX A4500", 19.7, "a4500"),
        ("NVIDIA RTX A5000", 23.7, "a5000"),
        ("NVIDIA RTX A6000", 47.4, "a6000"),
        ("NVIDIA RTX 6000 Ada Generation", 47.5, "rtx6000-ada"),
        ("NVIDIA RTX 6000 Ada Generation", 44.4, "rtx6000-ada"),  # with ECC
        ("NVIDIA GeForce RTX 3060", 11.6, "rtx3060-12"),
        ("NVIDIA GeForce RTX 3080", 9.8, "rtx3080-10"),
        ("NVIDIA GeForce RTX 3080", 11.7, "rtx3080-12"),
        ("NVIDIA GeForce RTX 3080 Ti", 11.7, "rtx3080ti"),
        ("NVIDIA GeForce RTX 3090 Ti", 23.6, "rtx3090ti"),
        ("NVIDIA GeForce RTX 4060 Ti", 15.7, "rtx4060ti-16"),
        ("NVIDIA GeForce RTX 4060 Ti", 7.7, "rtx4060ti-8"),
        ("NVIDIA GeForce RTX 4070", 11.7, "rtx4070"),
        ("NVIDIA GeForce RTX 4070 SUPER", 11.7, "rtx4070-super"),
        ("NVIDIA GeForce RTX 4070 Ti", 11.7, "rtx4070ti"),
        ("NVIDIA GeForce RTX 4070 Ti SUPER", 15.7, "rtx4070ti-super"),
        ("NVIDIA GeForce RTX 4080 SUPER", 15.7, "rtx4080-super"),
        ("NVIDIA GeForce RTX 4090", 23.5, "rtx4090"),
        ("NVIDIA GeForce RTX 5060 Ti", 15.5, "rtx5060ti-16"),
        ("NVIDIA GeForce RTX 5080", 15.5, "rtx5080"),
        ("NVIDIA GeForce RTX 5090", 31.4, "rtx5090"),
        ("Tesla T4", 14.6, "t4"),
        ("Tesla V100-SXM2-16GB", 15.8, "v100-16"),
        ("Tesla V100-SXM2-32GB", 31.7, "v100-32"),
        ("AMD Instinct MI300X", 191.98, "mi300x"),
        ("AMD Instinct MI300X VF", 191.98, "mi300x"),
    ],
)
def test_names_that_drivers_give(driver_name, gib, card):
    assert recognise_card(driver_name, int(gib * GIB)) is CARDS[card]


@pytest.mark.parametrize(
    ("driver_name", "gib"),
    [
        ("NVIDIA GeForce RTX 4090 Laptop GPU", 15.6),
        ("NVIDIA GeForce RTX 4080 Laptop GPU", 11.6),
        ("NVIDIA GeForce RTX 4070 Ti SUPER", 11.6),  # by its bytes a 4070 Ti
        ("NVIDIA GeForce RTX 4090 D", 23.5),
        ("NVIDIA GeForce RTX 3060", 7.7),
        ("NVIDIA RTX 4000 Ada Generation", 19.6),
        ("NVIDIA RTX 4000 SFF Ada Generation", 19.6),
        ("NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition", 95.0),  # half the power
        ("NVIDIA RTX PRO 5000 Blackwell", 47.4),
        ("Quadro RTX 6000", 23.7),
        ("NVIDIA RTX A5000 Laptop GPU", 15.7),
        ("NVIDIA TITAN RTX", 23.7),
        ("NVIDIA A10-24Q", 22.0),
        ("NVIDIA L40G", 22.0),
        ("NVIDIA H200 NVL", 139.8),
        ("NVIDIA H20", 95.0),
        ("NVIDIA GH200 480GB", 94.5),
        ("NVIDIA A40-48Q", 44.3),
        ("NVIDIA A100-SXM-64GB", 63.4),
        ("NVIDIA A100-SXM4-80GB MIG 3g.40gb", 39.4),
        ("", 24.0),
    ],
)
def test_other_cards_are_not_taken_for_one_that_is_known(driver_name, gib):
    assert recognise_card(driver_name, int(gib * GIB)) is None
