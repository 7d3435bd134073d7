"""The curve of groups that are all right or all wrong: the fraction of a step's groups that teach nothing."""

from collections import Counter
from collections.abc import Iterable

from leanrl.report.figures.curves import Curve, Series
from leanrl.types import Visit

_CAPTION = (
    "Fraction of a step's groups whose completions are all right or all wrong. A reward for correct answers teaches "
    "nothing in such a group; other rewards still may."
)


def decided_curve(visits: Iterable[tuple[str, Visit]]) -> Curve:
    """Return the fraction of each step's groups that are all right, all wrong, and either; dropped groups count too."""
    groups: Counter[int] = Counter()
    right: Counter[int] = Counter()
    wrong: Counter[int] = Counter()
    for _, visit in visits:
        step = visit.step + 1  # the visit counts the steps before its own
        groups[step] += 1
        right[step] += visit.num_correct == len(visit.correct_G)
        wrong[step] += visit.num_correct == 0
    steps = sorted(groups)
    shares = {
        "either": [(right[step] + wrong[step]) / groups[step] for step in steps],
        "all right": [right[step] / groups[step] for step in steps],
        "all wrong": [wrong[step] / groups[step] for step in steps],
    }
    series = [Series(name, steps, values) for name, values in shares.items()] if steps else []
    return Curve("decided_groups", "Groups all right or all wrong", _CAPTION, "share", series)
