"""The curves of a run: which there are, what each says, and how it is smoothed."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from leanrl.report.figures.lines import HEALTH_LINES, PlainLine, Unit
from leanrl.report.run_data import Record, RunData, part

Pick = Callable[[Record], Any]

# One smoothed point stands for about a fifteenth of the run: enough to see a trend, not to hide a collapse.
_WINDOWS_PER_RUN = 15
_MIN_WINDOW = 3
_FEWEST_TO_CHOOSE = 2
# As they happen. leanrl 0.1.0 wrote `reward` and `train`.
_PHASE_ORDER = ("sync", "rollout", "reward", "grading", "reference", "train", "forward_backward", "optimizer_step")
_WHOLE_STEP = "step"


@dataclass(frozen=True)
class Series:
    """One line: a value for each step; NaN where the step has none."""

    name: str
    steps: list[int]
    values: list[float]


@dataclass(frozen=True)
class Threshold:
    """A value of a figure that is known to mean something, and what."""

    value: float
    meaning: str


@dataclass(frozen=True)
class Curve:
    """One figure: its lines, a title and a sentence in plain words; `absent` says why it has no line.

    `best_step` is the step where its first line is best, for a quantity that has a best.
    """

    slug: str
    title: str
    caption: str
    unit: Unit
    series: list[Series]
    absent: str = ""
    thresholds: tuple[Threshold, ...] = ()
    best_step: int | None = None

    @property
    def is_flat(self) -> bool:
        """Whether every line keeps one value over two steps or more."""
        present = [[value for value in series.values if not math.isnan(value)] for series in self.series]
        return any(len(values) > 1 for values in present) and all(len(set(values)) <= 1 for values in present)


def paper_curves(data: RunData) -> list[Curve]:
    """Return the three curves of Figures 3 to 5 of the paper (arXiv 2503.16219), measured or not."""
    return [_accuracy(data), _length(data), _kl(data)]


def health_curves(data: RunData) -> list[Curve]:
    """Return the curves that tell whether training works; those that were not measured are left out."""
    curves = [_rewards(data), _verdicts(data), *(plain_curve(data, line) for line in HEALTH_LINES)]
    return [curve for curve in curves if curve.series]


def time_curves(data: RunData) -> list[Curve]:
    """Return the curve of the seconds of each phase, or nothing where no time was recorded."""
    curve = _seconds(data)
    return [curve] if curve.series else []


def smooth(values: Sequence[float], *, window: int) -> list[float]:
    """Return the mean over `window` neighbouring values, fewer at both ends; NaN counts as absent.

    A centred mean has no lag: a smoothed drop lies where the drop was.
    """
    half = window // 2
    return [_mean(values[max(0, index - half) : index + half + 1]) for index in range(len(values))]


def smoothing_window(num_steps: int) -> int:
    """Return how many neighbouring steps a smoothed point stands for: an odd number, 1 for a very short run."""
    if num_steps < 2 * _MIN_WINDOW:
        return 1
    window = max(_MIN_WINDOW, round(num_steps / _WINDOWS_PER_RUN))
    return window + 1 - window % 2


def _accuracy(data: RunData) -> Curve:
    name = next((name for name in _names(data, "rewards") if name.startswith("accuracy")), None)
    if name is not None:
        caption = f"Mean of the reward {name} over a step's completions: 1 for a right answer, 0 for a wrong one."
        series = line_of(data, name, partial(part, group="rewards", name=name))
    else:
        caption = "Fraction of a step's completions whose answer the grader found right."
        series = line_of(data, "correct", partial(_verdict_share, name="correct"))
    absent = "No reward of this run judged answers."
    return Curve("accuracy_reward", "Accuracy reward", caption, "share", series, absent, best_step=best_step(series))


def best_step(series: Sequence[Series]) -> int | None:
    """Return the step where the smoothed first line is highest, the first of equals; None below two values."""
    points = [
        (step, value)
        for line in series[:1]
        for step, value in zip(line.steps, line.values, strict=True)
        if value == value
    ]
    if len(points) < _FEWEST_TO_CHOOSE:
        return None
    smoothed = smooth([value for _, value in points], window=smoothing_window(len(points)))
    return points[max(range(len(points)), key=smoothed.__getitem__)][0]


def _length(data: RunData) -> Curve:
    series = line_of(data, "mean", partial(part, group="completion_tokens", name="mean"))
    caption = "Mean number of tokens in a completion."
    return Curve("completion_length", "Completion length", caption, "tokens", series, "No lengths were recorded.")


def _kl(data: RunData) -> Curve:
    series = line_of(data, "kl", lambda record: record.get("kl"))
    caption = "How far the policy has moved from the model it started from, in nats a token."
    absent = "Not measured: algorithm.kl_beta is 0, so this run kept no reference to compare with."
    if data.setting("algorithm.kl_beta"):
        absent = "No KL was recorded."
    return Curve("kl", "KL to the reference policy", caption, "nats", series, absent)


def _rewards(data: RunData) -> Curve:
    series = _group_series(data, "rewards")
    total = line_of(data, "weighted sum", lambda record: record.get("reward"))
    caption = "Mean of each reward over a step's completions, and their weighted sum, which is what is maximised."
    return Curve("rewards", "Rewards by name", caption, "number", series + total)


def _verdicts(data: RunData) -> Curve:
    lines = [line_of(data, name, partial(_verdict_share, name=name)) for name in _names(data, "verdicts")]
    series = [line for found in lines for line in found]
    caption = "What the grader found in a step's completions."
    return Curve("verdicts", "Verdicts", caption, "share", series)


def plain_curve(data: RunData, line: PlainLine) -> Curve:
    """Return the curve of one metric that stands for itself."""
    series = line_of(data, line.name, lambda record: record.get(line.metric))
    thresholds: tuple[Threshold, ...] = ()
    limit = data.setting(line.limit_key) if line.limit_key else line.limit
    if isinstance(limit, int | float) and not isinstance(limit, bool):
        thresholds = (Threshold(float(limit), line.limit_meaning),)
    return Curve(line.slug, line.title, line.caption, line.unit, series, thresholds=thresholds)


def _verdict_share(record: Record, *, name: str) -> Any:
    """Return a verdict's share; a step that was graded names only the verdicts that occurred, the others are 0."""
    return part(record, group="verdicts", name=name) or (0.0 if record.get("verdicts") else None)


def phase_names(data: RunData) -> list[str]:
    """Return the phases of a step in the order in which they happen; phases not known here come last."""
    names = [name for name in _names(data, "seconds") if name != _WHOLE_STEP]
    return sorted(names, key=lambda name: _PHASE_ORDER.index(name) if name in _PHASE_ORDER else len(_PHASE_ORDER))


def _seconds(data: RunData) -> Curve:
    lines = [
        line_of(data, name, partial(part, group="seconds", name=name)) for name in [*phase_names(data), _WHOLE_STEP]
    ]
    caption = "Wall time of a step and of its phases."
    return Curve("seconds", "Seconds by phase", caption, "seconds", [line for found in lines for line in found])


def line_of(data: RunData, name: str, pick: Pick) -> list[Series]:
    """Return one line in a list, or none where no step has a value."""
    values = [_number(pick(record)) for record in data.steps]
    if all(math.isnan(value) for value in values):
        return []
    return [Series(name, [record["step"] for record in data.steps], values)]


def _group_series(data: RunData, group: str) -> list[Series]:
    """Return one line for every name in a group such as `rewards`."""
    lines = [line_of(data, name, partial(part, group=group, name=name)) for name in _names(data, group)]
    return [line for found in lines for line in found]


def _names(data: RunData, group: str) -> list[str]:
    found = (record.get(group) for record in data.steps)
    return list(dict.fromkeys(name for values in found if isinstance(values, dict) for name in values))


def _number(value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if is_number else math.nan


def _mean(values: Sequence[float]) -> float:
    present = [value for value in values if not math.isnan(value)]
    return sum(present) / len(present) if present else math.nan
