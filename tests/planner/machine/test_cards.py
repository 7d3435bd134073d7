"""The cards that are known by name."""

import re

import pytest

from leanrl.errors import ConfigError
from leanrl.planner.machine.card_names import find_card
from leanrl.planner.machine.cards import CARDS, GIB
from leanrl.planner.machine.target import in_float32, require_bf16
from leanrl.planner.plan import plan_run
from leanrl.planner.search.fit import fit_run
from leanrl.planner.search.fixes import with_changes
from leanrl.planner.text.time_text import time_details, time_line
from tests.planner.sample_runs import single_card

WITHOUT_BF16 = {"t4", "v100-16", "v100-32"}
SMALL = "HuggingFaceTB/SmolLM2-135M"
BY_BYTES_ALONE = {"mi300x"}
NOMINAL_GB = {
    "rtx3060-12": 12, "rtx3070": 8, "rtx3080-10": 10, "rtx3080-12": 12, "rtx3080ti": 12, "rtx3090": 24,
    "rtx3090ti": 24, "rtx4060": 8, "rtx4060ti-8": 8, "rtx4060ti-16": 16, "rtx4070": 12, "rtx4070-super": 12,
    "rtx4070ti": 12, "rtx4070ti-super": 16, "rtx4080": 16, "rtx4080-super": 16, "rtx4090": 24, "rtx5060": 8,
    "rtx5060ti-8": 8, "rtx5060ti-16": 16, "rtx5070": 12, "rtx5070ti": 16, "rtx5080": 16, "rtx5090": 32, "a4000": 16,
    "a4500": 20, "a5000": 24, "a6000": 48, "rtx6000-ada": 48, "rtxpro6000": 96, "a10": 24, "l40": 48, "h100-nvl": 94,
    "l4": 24, "l40s": 48, "a10g": 24, "a40": 48,
    "a100-40": 40, "a100-80": 80, "h100": 80, "h100-pcie": 80, "h200": 141, "b200": 180, "t4": 16, "v100-16": 16,
    "v100-32": 32, "mi300x": 192,
}  # fmt: skip


def test_which_cards_are_known():
    assert set(CARDS) == set(NOMINAL_GB)


@pytest.mark.parametrize("name", CARDS)
def test_what_is_known_of_a_card(name):
    """Usable bytes are what the driver leaves of the nominal ones; a price says when and where it was seen."""
    card = CARDS[name]
    assert card.memory_gb == NOMINAL_GB[name]
    assert 0.9 * card.memory_gb * 1e9 < card.usable_bytes < card.memory_gb * GIB
    assert (card.bandwidth_bytes_per_second > 1e11) is (name not in BY_BYTES_ALONE)
    assert card.has_bf16 is (name not in WITHOUT_BF16)
    assert (card.bf16_flops > 2e13) is (card.has_bf16 and name not in BY_BYTES_ALONE)
    if card.price is not None:
        assert 0.05 < card.price.usd_per_hour < 10
        assert re.fullmatch(r"202\d-\d\d(-\d\d)?", card.price.seen)
        assert card.price.source


def test_a_geforce_adds_up_in_fp32_at_twice_the_rate_of_its_plain_cores():
    """RTX 4090: 16,384 cores x 2 operations x 2.52 GHz = 82.6 TFLOP/s, and twice that in bf16 with fp32 sums."""
    assert CARDS["rtx4090"].bf16_flops == pytest.approx(2 * 16_384 * 2 * 2.52e9, rel=0.001)
    assert CARDS["rtx5070"].bf16_flops == pytest.approx(2 * 6144 * 2 * 2.512e9, rel=0.001)


@pytest.mark.parametrize("method", ["full", "lora", "qlora"])
@pytest.mark.parametrize("name", sorted(WITHOUT_BF16))
def test_a_card_without_bf16_is_refused_with_what_would_be_needed(name, method):
    """Either float32, by flags that are taken, or cards with bf16 and as much memory."""
    config, card = with_changes(single_card(method), {"model.id": SMALL}), CARDS[name]
    with pytest.raises(ConfigError, match=f"{name}: .* has no bf16") as caught:
        require_bf16(card, config)
    offered = caught.value.hint.rsplit(": ", 1)[1].split(", ")
    assert all(CARDS[other].has_bf16 and CARDS[other].usable_bytes >= 0.95 * card.usable_bytes for other in offered)
    assert "-s model.compute_dtype=float32" in caught.value.hint
    plan = plan_run(with_changes(config, in_float32(config)), card=card)
    assert plan.card is card
    assert plan.step_seconds > 0


@pytest.mark.parametrize("model_id", ["Qwen/Qwen2.5-1.5B", "meta-llama/Llama-3.2-3B"])
def test_fixes_for_a_card_without_bf16_do_without_it(model_id):
    """The search knows 16-bit numbers and NF4 as savings, which this card does not have."""
    config = with_changes(single_card("lora", gpu="t4"), in_float32(single_card("lora")))
    config = with_changes(config, {"model.id": model_id, "train.micro_batch_completions": 24})
    plan, found = plan_run(config), fit_run(config)
    assert plan.verdict != "fits"
    assert plan.offers
    for changes in (*(fix.changes for fix in plan.offers), found.changes):
        assert plan_run(with_changes(config, changes)).verdict == "fits"


def test_a_card_without_speeds_has_bytes_and_no_time():
    plan = plan_run(single_card("lora"), card=find_card("mi300x"))
    assert (plan.verdict, plan.step_seconds, plan.cost_usd) == ("fits", None, None)
    speeds = {"gpu": "mi300x", "num_gpus": 1, "bandwidth_gb_per_second": 5300.0, "bf16_tflops": 1307.0}
    assert plan_run(single_card("lora", hardware=speeds)).step_seconds > 0


def test_a_card_without_a_price_has_time_and_no_dollars():
    plan = plan_run(single_card("lora"), card=find_card("rtx4070"))
    assert plan.step_seconds > 0
    assert plan.cost_usd is None
    assert time_line(plan).endswith(" steps, no price known")
    assert time_details(plan)[-1] == "Price: not known; -s hardware.usd_per_hour=PRICE gives yours."
    priced = plan_run(single_card("lora", hardware={"gpu": "4070", "num_gpus": 1, "usd_per_hour": 0.5}))
    assert priced.cost_usd == pytest.approx(0.5 * priced.total_hours, abs=0.01)
    assert "no price known" not in time_line(priced)
