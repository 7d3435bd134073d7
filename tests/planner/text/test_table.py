"""The plan as text: the first screen, then the details."""

from dataclasses import replace

import pytest

from leanrl.planner.past_runs.calibration import Calibration, Conditions
from leanrl.planner.plan import plan_run
from leanrl.planner.text.details import plan_details
from leanrl.planner.text.part_words import PART_WORDS
from leanrl.planner.text.phase_words import PHASE_WORDS
from leanrl.planner.text.screen import MOST_LINES, first_screen, row
from leanrl.planner.text.table import plan_table
from tests.planner.sample_runs import GIB, cpu_run, four_card_server, single_card


def test_the_first_screen_then_the_cards():
    plan = plan_run(four_card_server())
    screen = first_screen(plan)
    lines = plan_table(plan).splitlines()
    assert lines[0] == "four-card-server on 4 x a40: it fits."
    assert lines[: len(screen)] == screen
    assert len(screen) <= MOST_LINES
    assert lines[len(screen)] == ""
    assert lines[len(screen) + 1].startswith("GPUs 0-2 train, 44.3 GiB each")


def test_bar_is_full_at_the_limit_and_marked_beyond():
    text = plan_table(plan_run(single_card("full"), vram_bytes=8 * GIB))
    beyond = next(line for line in text.splitlines() if "computing gradients   " in line and "[" in line)
    assert "[" + "#" * 25 + ">" in beyond
    within = next(line for line in text.splitlines() if line.strip().startswith("load "))
    assert within.count("#") + within.count(".") - within.split("]")[-1].count(".") == 25


def test_fixes_are_shown():
    plan = plan_run(single_card("full"), vram_bytes=16 * GIB)
    assert plan.fixes
    assert plan.fixes[0] in plan_table(plan)


def test_cpu_speaks_of_memory():
    assert "of this machine's memory" in plan_table(plan_run(cpu_run(), host_bytes=16 * GIB))


def test_qlora_tells_of_both_bases():
    """1.5B weights: 2 x 1.777e9 bytes are 3.3 GiB, NF4 is 1.5."""
    line = "The base is NF4 in the trainer (1.5 GiB) and 16-bit in vLLM (3.3 GiB; 1.5 with rollout.base=nf4)."
    assert line in plan_table(plan_run(single_card("qlora")))
    assert "The base is NF4" not in plan_table(plan_run(single_card("lora")))


def test_every_phase_and_every_part_has_plain_words():
    for config in (four_card_server(), *map(single_card, ("full", "lora", "qlora"))):
        for gpu in plan_run(config).gpus:
            assert all(PHASE_WORDS[phase.name] for phase in gpu.phases)
            assert {name for phase in gpu.phases for name in phase.components} <= PART_WORDS.keys()


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_details_keep_to_the_width_of_a_terminal(columns):
    """Bars shrink to eight characters, and lists of parts are wrapped between one part and the next."""
    plan = plan_run(single_card("lora"))
    lines = plan_details(plan, columns=columns)
    bars = [line for line in lines if "[" in line and "]" in line]
    assert len(bars) == len(plan.gpus[0].phases)
    assert all(len(line) <= max(columns, 63) for line in bars)
    start = lines.index("  parts of the other phases:")
    parts = lines[start + 1 : lines.index("", start)]
    assert all(len(line) <= columns for line in parts)
    assert all(line.rstrip(",")[-1].isdigit() for line in parts)


def test_screen_is_short_where_everything_has_something_to_say():
    """A tight plan with three fixes, lengths, a run's measures, a simulation, and a base that could be shared."""
    plan = plan_run(single_card("lora"), vram_bytes=int(9.5 * GIB))
    assert (plan.verdict, len(plan.offers)) == ("tight", 3)
    assert plan.base_note is not None
    full = replace(plan, calibration=Calibration("runs/first", 10, Conditions(None, "hf", "bfloat16")))
    screen = first_screen(full, notes=[row("simulation", "as planned")])
    assert len(screen) == MOST_LINES
    text = "\n".join(screen)
    assert all(word in text for word in ("it is tight", "upper estimate", "s a step", "as planned"))
    assert all(fix.line in text for fix in plan.offers)


def test_of_a_run_that_does_not_fit_there_is_no_time_and_no_cost():
    plan = plan_run(single_card("full"), vram_bytes=8 * GIB)
    assert plan.verdict == "does_not_fit"
    assert plan.step_time is not None  # the search ranks by it
    text = plan_table(plan)
    assert not [word for word in ("a step", "$", " h for all", "Seconds of") if word in text]
    value = plan.to_json()
    assert [value["time"][name] for name in ("step_seconds", "total_hours", "parts")] == [None] * 3
    assert value["time"]["step_seconds_by_mean"] == {}
    assert value["cost_usd"] is None


def test_rows_of_tokens():
    assert "24 rows of 4,096 tokens in a micro-batch" in plan_table(
        plan_run(single_card("lora", train={"num_prompts": 4, "num_completions": 6, "micro_batch_completions": 24}))
    )
    assert "1 row of 4,096 tokens" in plan_table(plan_run(single_card("lora", train={"micro_batch_completions": 1})))
