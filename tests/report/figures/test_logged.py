"""Every number that a step logs has a figure, those too that leanrl does not know."""

import math
from typing import Any

from leanrl.report.figures.curves import health_curves, paper_curves, time_curves
from leanrl.report.figures.logged import logged_curves
from leanrl.report.run_data import RunData


def data(*steps: dict[str, Any], **config: Any) -> RunData:
    return RunData("run", config=config, steps=[{"step": number, **each} for number, each in enumerate(steps, start=1)])


def test_what_a_plug_in_logs_has_a_figure() -> None:
    found = data({"mine": {"deep": {"share_of_x": 1}}, "other_bytes": {"a": 1, "b": 2}, "flag": True, "word": "x"})
    assert [(curve.slug, curve.unit, [line.name for line in curve.series]) for curve in logged_curves(found)] == [
        ("mine_deep_share_of_x", "number", ["deep share_of_x"]),
        ("other_bytes", "bytes", ["a", "b"]),
    ]


def test_every_number_of_a_step_is_drawn_somewhere() -> None:
    """Each number of the record has a value of its own, which must be the value of some line."""
    numbers = iter(range(2, 100))
    record: dict[str, Any] = {
        name: next(numbers)
        for name in (
            *("loss", "reward", "reward_std", "zero_std_share", "unscored_share", "truncated_share", "entropy"),
            *("clipped_ratio_share", "skipped_token_share", "nonfinite_steps", "empty_steps", "out_of_memory"),
            *("language_mix_share", "other_script_share", "repeated_4gram_share"),
            *("sampling_logprob_difference", "kl", "grad_norm", "learning_rate", "num_tokens"),
            "cpu_share",
        )
    }
    groups = {
        "rewards": ("a", "b"),
        "completion_tokens": ("mean", "min", "max"),
        "verdicts": ("correct", "wrong"),
        "rollout_mismatch": ("mean", "largest"),
        "reward_metrics": ("m",),
        "seconds": ("step", "rollout"),
        "peak_bytes": ("rss",),
    }
    record |= {group: {name: next(numbers) for name in names} for group, names in groups.items()}
    record["phase_peak_bytes"] = {"rollout": {"allocated": next(numbers), "reserved": None}}
    found = data(record)
    curves = [*paper_curves(found), *health_curves(found), *time_curves(found), *logged_curves(found)]
    drawn = {value for curve in curves for series in curve.series for value in series.values}
    assert set(range(2, next(numbers))) <= drawn
    assert len({curve.slug for curve in curves}) == len(curves)


def test_throughput_is_the_tokens_of_the_step_over_its_seconds() -> None:
    """100 tokens in 10 s, then 150 - 100 in 5 s; a run that goes on without its beginning has no first value."""
    steps = ({"num_tokens": 100, "seconds": {"step": 10.0}}, {"num_tokens": 150, "seconds": {"step": 5.0}})
    curve = next(curve for curve in logged_curves(data(*steps)) if curve.slug == "tokens_per_second")
    assert curve.series[0].values == [10.0, 10.0]
    later = RunData("run", steps=[{"step": 7, **steps[0]}, {"step": 8, **steps[1]}])
    first, second = next(c for c in logged_curves(later) if c.slug == "tokens_per_second").series[0].values
    assert math.isnan(first)
    assert second == 10.0


def test_a_threshold_comes_from_the_config_of_the_run() -> None:
    found = data({"grad_norm": 2.0, "truncated_share": 0.1}, optimizer={"max_grad_norm": 0.2})
    truncated, norm = health_curves(found)
    assert [(each.value, each.meaning) for each in norm.thresholds] == [(0.2, "clipped above")]
    assert [each.value for each in truncated.thresholds] == [0.5]


def test_the_best_step_is_where_the_smoothed_accuracy_is_highest() -> None:
    """A mean over three: the lone 1.0 of step 2 has 0.4 around it, steps 5 to 7 have 0.8."""
    values = [0.1, 1.0, 0.1, 0.5, 0.8, 0.8, 0.8, 0.2]
    (accuracy, *_) = paper_curves(data(*({"rewards": {"accuracy": value}} for value in values)))
    assert accuracy.best_step == 6


def test_a_curve_that_keeps_one_value_is_flat() -> None:
    still, moving = logged_curves(data({"loss": 0.0, "reward_std": 1.0}, {"loss": 0.0, "reward_std": 2.0}))
    assert (still.is_flat, moving.is_flat) == (True, False)
    (single,) = logged_curves(data({"loss": 0.0}))
    assert not single.is_flat
