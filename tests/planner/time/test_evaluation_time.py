"""Seconds of evaluations during training: how many there are, what one takes, and plans that have none."""

import pytest

from leanrl.planner.plan import plan_run
from leanrl.planner.text.screen import first_screen
from leanrl.planner.text.time_text import time_details
from leanrl.planner.time.evaluation_time import EvaluationTime
from tests.planner.sample_runs import single_card


def planned(**sections):
    """Return the plan of the single card's run with some keys replaced, section by section."""
    run = single_card("lora")
    changed = {name: getattr(run, name).model_copy(update=values) for name, values in sections.items()}
    return plan_run(run.model_copy(update=changed))


def test_a_run_without_evaluations_has_the_plan_that_it_had():
    plan = planned()
    assert plan.evaluations is None
    assert "evaluations" not in plan.to_json()["time"]
    assert "evaluation" not in "\n".join([*first_screen(plan), *time_details(plan)])


@pytest.mark.parametrize(
    ("max_steps", "every", "count"),
    [(500, 50, 11), (500, 499, 3), (10, 50, 2), (7, 7, 2)],  # the start, every so many steps, and the last
)
def test_evaluations_are_counted_with_the_start_and_the_last_step(max_steps, every, count):
    plan = planned(train={"max_steps": max_steps}, eval={"every_steps": every}, data={"num_heldout": 50})
    assert plan.evaluations.count == count
    assert plan.evaluations.hours == pytest.approx(count * plan.evaluations.seconds / 3600)


def test_samples_and_problems_make_completions_and_take_time():
    one = planned(eval={"every_steps": 50}, data={"num_heldout": 64}).evaluations
    four = planned(
        eval={"every_steps": 50, "samples": 4, "temperature": 0.8, "num_problems": 32}, data={"num_heldout": 64}
    ).evaluations
    assert (one.num_completions, four.num_completions) == (64, 128)
    assert four.seconds > one.seconds > 0


def test_the_plan_says_how_long_they_take():
    plan = planned(eval={"every_steps": 50}, data={"num_heldout": 50})
    screen, details = "\n".join(first_screen(plan)), "\n".join(time_details(plan))
    assert f"; {plan.evaluations.count} evaluations take " in screen
    assert "Evaluations: 50 completions in about " in details
    assert plan.to_json()["time"]["evaluations"] == plan.evaluations.to_json()


def test_where_the_steps_are_not_known_the_hours_are_not():
    assert EvaluationTime(None, 50, 12.34).to_json() == {
        "count": None,
        "completions": 50,
        "seconds": 12.3,
        "total_hours": None,
    }
