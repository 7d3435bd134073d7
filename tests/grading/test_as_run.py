"""What the paper's code found correct: right, wrong, and its traps."""

import pytest

from leanrl.config.files.shipped import preset_names
from leanrl.config.load import load_config
from leanrl.grading.judgement import judge
from leanrl.grading.math_verify_rules import judge_as_run
from leanrl.grading.task import Task, plan_request
from leanrl.rewards.registry import resolve_rewards
from leanrl.types import GradeMode, GradeRequest

COPIED = "$3+4$"  # a formula of its problem, with work left


def reason_for(gold: str, completion: str) -> str:
    """Return the reason, without a child process."""
    plan = plan_request(GradeRequest(completion, gold, "as_run"))
    assert isinstance(plan, Task)
    return judge_as_run(plan.golds[0], plan.answer)


@pytest.mark.parametrize(
    ("gold", "completion", "reason"),
    [
        ("$4$", r"so $\boxed{4}$", "correct"),
        (r"we get \boxed{4}", r"\boxed{4}", "correct"),  # a whole solution as gold
        ("$4$", r"\boxed{5}", "wrong"),
        ("$4$", "", "no_box"),
        ("$4$", "the result is 4", "no_box"),
        ("$4$", "The final answer is $4$.", "correct"),  # its parser reads announcements
        ("4", r"\boxed{4}", "unparseable_gold"),  # no delimiters, so the code paid 1 to everyone
        ("x=4", r"\boxed{4}", "unparseable_gold"),
        (r"$\frac{1}{2}$", r"\boxed{\frac12}", "wrong"),  # malformed to its strict configuration
        (r"$\sqrt{2}$", r"\boxed{\sqrt2}", "wrong"),
        ("$4$", r"<think>\boxed{4}", "correct"),  # gamed: a box in a thinking part that never ends
        ("$5$", r"\boxed{x=1=2=3=5}", "correct"),  # gamed: a chain of candidates
        ("$2x+z=1$", r"\boxed{1}", "correct"),  # gamed, by the swapped arguments
        ("$5$", r"\boxed{4}. No, it is \boxed{5}", "correct"),  # the last box, as 0.5.2 took it
        ("$5$", r"\boxed{4}, \boxed{5}", "wrong"),  # tied by a comma: a set of two
    ],
)
def test_as_run(gold, completion, reason):
    """The verdicts of math-verify 0.5.2 in the run's configuration, but for the names of the failures."""
    assert reason_for(gold, completion) == reason


def test_the_order_of_the_arguments_is_the_runs():
    """A range against a relation is right one way round only; the strict mode takes both."""
    first = reason_for("$x>3$", r"\boxed{(3,\infty)}")
    second = reason_for(r"$(3,\infty)$", r"\boxed{x>3}")
    assert (first, second) == ("wrong", "correct")


def _mode_of(preset: str) -> GradeMode | None:
    """Return how a preset's rewards have an answer judged."""
    config = load_config(preset).config
    modes = {reward.grade_mode for reward in resolve_rewards(config.rewards, config.reward_options)} - {None}
    return modes.pop() if modes else None


AS_RUN = [preset for preset in preset_names() if _mode_of(preset) == "as_run"]


def _verdict(preset: str, mode: GradeMode) -> str:
    request = GradeRequest(rf"so $\boxed{{{COPIED.strip('$')}}}$", "$7$", mode, f"Find {COPIED}.")
    plan = plan_request(request, refused=load_config(preset).config.grading.refused)
    assert isinstance(plan, Task)
    return judge(plan.mode, plan.golds, plan.answer, plan.problem, plan.refused)


def test_there_are_presets_as_run():
    assert {f"a40x4-full-exp{number}" for number in (1, 2, 3)} <= set(AS_RUN)


@pytest.mark.parametrize("preset", AS_RUN)
def test_a_preset_as_run_knows_no_form(preset):
    """The paper's code pays 3 + 4, a copy of the problem, for 7; the strict mode of the same preset does not."""
    assert _verdict(preset, "as_run") == "correct"
    assert _verdict(preset, "strict") == "echo"
