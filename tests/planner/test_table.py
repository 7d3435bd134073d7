"""The plan as text: the first screen, then the details."""

from leanrl.planner.plan import plan_run
from leanrl.planner.screen import MOST_LINES, first_screen
from leanrl.planner.table import plan_table
from tests.planner.sample_runs import GIB, cpu_run, four_card_server, single_card


def test_the_first_screen_then_the_cards():
    plan = plan_run(four_card_server())
    screen = first_screen(plan)
    lines = plan_table(plan).splitlines()
    assert lines[0] == "four-card-server on 4 x a40: it fits."
    assert lines[: len(screen)] == screen
    assert len(screen) <= MOST_LINES
    assert lines[len(screen)] == ""
    assert lines[len(screen) + 1].startswith("GPU 0-2 (train), 44.3 GiB each")


def test_bar_is_full_at_the_limit_and_marked_beyond():
    text = plan_table(plan_run(single_card("full"), vram_bytes=8 * GIB))
    beyond = next(line for line in text.splitlines() if "computing gradients   " in line and "[" in line)
    assert "[" + "#" * 24 + ">" in beyond
    within = next(line for line in text.splitlines() if line.strip().startswith("load "))
    assert within.count("#") + within.count(".") - within.split("]")[-1].count(".") == 24


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
