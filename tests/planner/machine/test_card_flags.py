"""The card of `leanrl plan`: sizes as people write them, and a card of its own."""

import json

import pytest

from leanrl.errors import ConfigError
from leanrl.planner.machine.card_flags import card_gib
from tests.cli.run import leanrl

LORA = ("-p", "single-gpu-lora")


@pytest.mark.parametrize(
    ("text", "gib"),
    [("24", 24), ("24GB", 24), ("24GiB", 24), ("24 gib", 24), ("23.5g", 23.5), ("24576MiB", 24), ("1e1", 10)],
)
def test_sizes_as_people_write_them(text, gib):
    assert card_gib(text) == gib


@pytest.mark.parametrize("text", ["", "GB", "24TB", "24,5", "2.4.1", "rtx4090", "24GB GB", "two"])
def test_what_is_no_size_is_shown(text):
    with pytest.raises(ConfigError, match="is not the size of a card") as refused:
        card_gib(text)
    assert repr(text) in refused.value.message
    assert "--vram 24" in refused.value.hint


def test_a_size_is_a_card_of_its_own():
    """Nothing of the preset's card is left: no name, no speed, and so no hours and no price."""
    made = leanrl("plan", *LORA, "--vram", "24GB")
    assert made.code == 0, made.err
    assert made.out.splitlines()[0] == "single-gpu-lora on 1 x 24 GiB card: it fits."
    assert "4090" not in made.out
    assert "$" not in made.out
    value = json.loads(leanrl("plan", *LORA, "--vram", "24", "--json").out)
    assert [value["time"][name] for name in ("step_seconds", "total_hours", "parts")] == [None] * 3
    assert value["cost_usd"] is None
    assert value["gpus"][0]["usable_bytes"] == 24 * 2**30


@pytest.mark.parametrize("name", [("--gpu", "rtx3090"), ("-s", "hardware.gpu=rtx3090")])
def test_a_named_card_keeps_its_name_and_speed_with_other_memory(name):
    shown = leanrl("plan", *LORA, *name, "--vram", "20")
    assert shown.out.splitlines()[0] == "single-gpu-lora on 1 x rtx3090: it fits."
    assert "the card's 20.0 GiB" in shown.out
    assert "$" in shown.out


@pytest.mark.parametrize("flags", [("--vram", "0.5"), ("--vram", "563MiB"), ("-s", "hardware.vram_gib=0.3")])
def test_a_card_that_a_cuda_context_fills(flags):
    outcome = leanrl("plan", *LORA, *flags)
    assert (outcome.code, outcome.out) == (2, "")
    assert "holds no model: the CUDA context alone takes about 0.55 GiB" in outcome.err
    assert "hint: " in outcome.err


def test_no_text_for_a_size_ends_in_a_usage_line():
    outcome = leanrl("plan", *LORA, "--vram", "much")
    assert (outcome.code, outcome.out) == (2, "")
    assert "'much' is not the size of a card" in outcome.err
