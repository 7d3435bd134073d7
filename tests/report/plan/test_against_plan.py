"""A run against its plan: which numbers stand beside each other, and which are worth a sentence."""

import pytest

from leanrl.report.plan.against_plan import Compared, compare_memory, compare_seconds, worth_a_sentence
from leanrl.report.plan.deviation import deviation_text
from leanrl.report.plan.section import plan_against_actual, plan_check
from leanrl.report.run_data import RunData

MIB = 2**20


def data(
    *, plan: dict | None = None, steps: list | None = None, saves: list | None = None, **config: object
) -> RunData:
    gpu = {"role": "both", "usable_bytes": 2000 * MIB, "peak_bytes": 1000 * MIB, "upper_bytes": 1200 * MIB}
    made = {"device": "cuda", "gpus": [gpu], "time": {}} | (plan or {})
    numbered = [{"step": number, **one} for number, one in enumerate(steps or [], start=1)]
    return RunData("run", plan=made, steps=numbered, saves=saves or [], config=config)


def actual(step: int, allocated: int, reserved: int | None = None) -> dict:
    peaks = [{"name": "rollout", "allocated_bytes": 10, "reserved_bytes": 10}]
    top = {"name": "forward_backward", "allocated_bytes": allocated * MIB}
    top["reserved_bytes"] = None if reserved is None else reserved * MIB
    return {"step": step, "phases": [*peaks, top]}


def test_the_highest_moment_of_a_run_stands_beside_the_plan() -> None:
    """A resumed run counts anew: its last entry is lower, and the run's highest is the first process's."""
    (one,) = compare_memory(data(plan={"actual": [actual(5, 900, 1100), actual(9, 800, 1050)]}))
    assert (one.measured, one.reserved, one.phase) == (900 * MIB, 1100 * MIB, "forward_backward")
    assert one.ratio == pytest.approx(0.9)


def test_each_rank_has_its_line() -> None:
    entry = actual(5, 900) | {"ranks": [actual(5, 900)["phases"], actual(5, 700)["phases"]]}
    found = compare_memory(data(plan={"actual": [entry]}))
    assert [(one.name, one.measured / MIB) for one in found] == [
        ("peak memory, rank 0", 900),
        ("peak memory, rank 1", 700),
    ]


@pytest.mark.parametrize(
    ("measured", "planned", "at_most", "is_far"),
    [
        (100, 100, None, False),
        (126, 100, None, True),
        (124, 100, None, False),
        (76, 100, None, False),
        (74, 100, None, True),
        (140, 100, 120, False),  # 1.17 times the upper estimate
        (151, 100, 120, True),
        (100, None, None, False),
    ],
)
def test_more_than_a_quarter_is_far(
    measured: float, planned: float | None, at_most: float | None, is_far: bool
) -> None:
    assert Compared("step", "seconds", measured, planned, at_most).is_far is is_far


def test_seconds_of_parts_and_of_checkpoints() -> None:
    plan = {"time": {"step_seconds": 10.0, "parts": {"generation": 6.0, "gradients": 3.0, "step": 10.0}}}
    seconds = {"step": 20.0, "rollout": 15.0, "forward_backward": 3.0, "optimizer_step": 0.1}
    saves = [{"step": 1, "seconds": 2.0}, {"step": 2, "seconds": 3.0}]
    found = compare_seconds(data(plan=plan, steps=[{"seconds": seconds}], saves=saves))
    assert [(one.name, one.measured, one.planned) for one in found] == [
        ("generation", 15.0, 6.0),
        ("gradients", 3.0, 3.0),
        ("optimizer", 0.1, None),
        ("step", 20.0, 10.0),
        ("save", 2.5, None),
    ]
    assert [one.name for one in worth_a_sentence(found)] == ["generation", "step"]


def test_a_plan_of_an_older_version_has_the_whole_step_alone() -> None:
    steps = [{"seconds": {"step": 9.0, "rollout": 4.0, "train": 3.0}}]
    found = compare_seconds(data(plan={"time": {"step_seconds": 10.0}}, steps=steps))
    assert [(one.name, one.planned) for one in found] == [("generation", None), ("gradients", None), ("step", 10.0)]


def test_a_part_that_hardly_counts_gets_no_sentence() -> None:
    plan = {"time": {"parts": {"sync": 0.001, "step": 10.0}}}
    assert worth_a_sentence(compare_seconds(data(plan=plan, steps=[{"seconds": {"step": 10.0, "sync": 0.1}}]))) == []


LENGTHS = {"mean": 100.0, "longest": 200.0}


def of_generation(measured: float, *, mean: float, longest: float, cpu_share: float | None = None) -> str:
    """The sentence on a generation that was planned to take 10 s for completions of 100, at most 200 tokens."""
    tokens = {"mean": mean, "min": 1, "max": longest}
    steps = [{"completion_tokens": tokens, "cpu_share": cpu_share}]
    found = data(plan={"time": {"completion_tokens": LENGTHS}}, steps=steps)
    return deviation_text(Compared("generation", "seconds", measured, 10.0), found)


@pytest.mark.parametrize(
    ("sentence", "why"),
    [
        (of_generation(5.0, mean=90, longest=100), "The longest completions were 0.5 times as long as planned."),
        (of_generation(20.0, mean=100, longest=200), "This machine is 0.5 times as fast as counted"),
        (of_generation(20.0, mean=100, longest=200, cpu_share=0.4), "The process had 40 % of its threads' time"),
        (of_generation(5.0, mean=100, longest=200, cpu_share=0.4), "This machine is 2 times as fast as counted"),
        (of_generation(20.0, mean=100, longest=400, cpu_share=0.4), "were 2 times as long as planned."),
    ],
)
def test_the_likely_reason_is_lengths_then_others_then_speed(sentence: str, why: str) -> None:
    assert "planned. " in sentence
    assert why in sentence


def test_tokens_that_teach_nothing_cost_no_gradients() -> None:
    steps = [{"completion_tokens": {"mean": 100, "max": 200}, "skipped_token_share": 0.6}]
    found = data(plan={"time": {"completion_tokens": LENGTHS}}, steps=steps)
    text = deviation_text(Compared("gradients", "seconds", 4.0, 10.0), found)
    assert text.endswith("60 % of the completion tokens could not teach, and cost no gradients.")


def test_memory_below_the_plan_names_the_longest_completion() -> None:
    steps = [{"completion_tokens": {"mean": 50, "max": 60}, "peak_bytes": {"cuda": 500 * MIB}}]
    found = data(steps=steps, rollout={"max_completion_tokens": 1000})
    (note,) = plan_check(found)["notes"]
    assert note == (
        "Peak memory: 500 MiB measured, 1000 MiB planned. No completion was longer than 60 of the 1,000 planned tokens."
    )


def test_the_page_and_the_summary_say_the_same() -> None:
    found = data(plan={"actual": [actual(5, 2000, 2100)], "actual_source": "a gauge"})
    page = plan_against_actual(found)
    check = plan_check(found)
    assert "1.95 GiB (2.05 GiB held)" in page
    assert check["notes"][0].split(". ")[0] in page
    assert check["memory"] == [
        {
            "name": "peak memory",
            "unit": "bytes",
            "planned": 1000 * MIB,
            "at_most": 1200 * MIB,
            "measured": 2000 * MIB,
            "reserved": 2100 * MIB,
            "ratio": 2.0,
            "phase": "forward_backward",
        }
    ]
    assert check["memory_source"] == "a gauge"


@pytest.mark.parametrize(
    "plan",
    [
        {"gpus": "none"},
        {"gpus": [7, {"peak_bytes": "large"}]},
        {"time": [1]},
        {"time": {"parts": 3}},
        {"time": {"parts": {"step": 0.1}, "completion_tokens": {"mean": "long"}}},
        {"actual": [{"step": 1, "phases": [3, {"name": "x"}]}, "broken"]},
        {"actual": [{"step": 1, "ranks": [None, 4]}]},
    ],
)
def test_a_broken_plan_breaks_nothing(plan: dict) -> None:
    found = data(plan=plan, steps=[{"seconds": {"step": 1.0}, "peak_bytes": 7}])
    assert plan_check(found)["notes"] is not None
    assert isinstance(plan_against_actual(found), str)
