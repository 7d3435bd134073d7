"""The seconds of a step by part, worked out by hand."""

from leanrl.planner.past_runs.step_seconds import measured_seconds, planned_seconds
from leanrl.planner.time.duration import StepTime


def step(number, **seconds):
    return {"step": number, "seconds": seconds}


def test_the_first_rollout_warms_up_and_the_rest_have_a_median():
    steps = [step(1, step=99.0, rollout=90.0), *(step(2 + n, step=s, rollout=s - 1) for n, s in enumerate((4, 5, 50)))]
    assert measured_seconds(steps, steps_per_rollout=1) == {"generation": 4, "step": 5}


def test_a_single_rollout_counts():
    assert measured_seconds([step(1, step=9.0, sync=1.0)], steps_per_rollout=1) == {"sync": 1, "step": 9}


def test_steps_on_one_rollout_share_its_seconds():
    """Rollouts of 8 s for two steps with 3 s of gradients each: 4 s of generation a step. Step 5 lacks its partner."""
    pairs = [
        step(number, step=11.0, rollout=8.0, forward_backward=3.0)
        if number % 2
        else step(number, step=3.0, forward_backward=3.0)
        for number in range(1, 6)
    ]
    assert measured_seconds(pairs, steps_per_rollout=2) == {"generation": 4, "gradients": 3, "step": 7}


def test_names_of_an_older_version_are_read():
    steps = [step(1, step=9.0, rollout=4.0, reward=1.0, train=3.0)]
    assert measured_seconds(steps, steps_per_rollout=1) == {"generation": 4, "grading": 1, "gradients": 3, "step": 9}


def test_lines_without_times_are_passed_over():
    assert measured_seconds([{"step": 1}, {"step": 2, "seconds": "long"}], steps_per_rollout=1) == {}


def test_the_parts_of_a_plan_add_up():
    """The exchange of ranks lies in the gradients: 1 + 2 + 3 + 4 + 5 + 6 + 7 = 28."""
    time = StepTime(generation=1, reference=2, gradients=3, exchange=4, sync=5, optimizer=6, bookkeeping=7)
    parts = planned_seconds(time)
    assert parts["gradients"] == 7
    assert parts["step"] == sum(value for name, value in parts.items() if name != "step") == 28
