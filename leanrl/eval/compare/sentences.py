"""What a comparison shows, in plain sentences and a table; points are percent of a benchmark."""

from collections.abc import Iterator, Sequence

from leanrl.eval.compare.comparison import Comparison, Finding
from leanrl.eval.compare.contrasts import Contrast
from leanrl.eval.compare.reference import ReferenceRow
from leanrl.eval.compare.selection import luck_of
from leanrl.eval.compare.sides import Evaluated, Side, grader_of

_HEADINGS = ("benchmark", "problems", "samples", "base", "other", "points", "95 % interval", "p", "p (Holm)", "sees")
_TESTS = {
    "sign_flip": "exact sign-flip test of paired problems",
    "sign_flip_sampled": "sign-flip test of paired problems, 20,000 seeded choices of signs",
    "z": "z test of means, problems not paired",
}


def lines_of(contrasts: Sequence[Contrast]) -> Iterator[str]:
    """Yield the lines that `leanrl compare` prints."""
    for number, contrast in enumerate(contrasts):
        if number:
            yield ""
        yield from _lines(contrast)
    together = list(lines_of_several(contrasts))
    yield from ["", *together] if together else []


def lines_of_several(contrasts: Sequence[Contrast]) -> Iterator[str]:
    """Yield what is said of contrasts with one base together; nothing of a single one."""
    if len(contrasts) > 1:
        yield f"{len(contrasts)} evaluations were compared with one base; Holm corrects all their tests together."
        yield from _luck(contrasts)


def rows_of(comparison: Comparison) -> list[tuple[str, ...]]:
    """Return the table of a comparison, a row for each benchmark under the headings."""
    return [_HEADINGS, *map(_row, comparison.findings)]


def lines_before_table(contrast: Contrast) -> Iterator[str]:
    """Yield what is compared with what, and how fair that is."""
    comparison = contrast.comparison
    yield f"base:  {_described(contrast.base)}"
    yield f"other: {_described(contrast.other)}"
    graders = dict.fromkeys(filter(None, map(grader_of, (contrast.base, contrast.other))))
    if graders:
        yield f"grader: {', '.join(graders)}"
    for line in contrast.disagreements:
        yield f"FORCED, not a fair comparison: {line}"
    for line in contrast.notes:
        yield f"differs, too: {line}"
    if contrast.left_out:
        yield f"not compared, since one of them lacks it: {', '.join(contrast.left_out)}"
    for one in (finding.difference for finding in comparison.findings):
        if one.num_left_out:
            yield f"{one.benchmark}: {one.num_left_out} problems of one alone are left out"


def lines_after_table(contrast: Contrast) -> Iterator[str]:
    """Yield what each benchmark shows and all of them together, and how it was tested."""
    comparison = contrast.comparison
    for finding in comparison.findings:
        yield f"{finding.difference.benchmark}: {sentence(finding)}"
    forced = " (forced)" if contrast.disagreements else ""
    yield f"In sum{forced}: {summary(comparison)}"
    tests = dict.fromkeys(finding.difference.test for finding in comparison.findings)
    yield f"p: {'; '.join(_TESTS[test] for test in tests)}; Holm over {_counted_tests(comparison.num_tests)}."
    notes = dict.fromkeys(finding.difference.note for finding in comparison.findings if finding.difference.note)
    for note in notes:
        yield f"published numbers: {note}."


def sentence(finding: Finding) -> str:
    """Return what one benchmark shows, without its name."""
    points = f"{signed(finding.difference.value)} points"
    low, high = finding.difference.interval.low, finding.difference.interval.high
    if finding.is_shown:
        return f"a difference was shown: {points} (95 % interval {signed(low)} to {signed(high)})."
    if finding.smallest_seen is None:
        return f"no difference was shown; {finding.difference.num_problems} problems are too few to show any."
    said = f"no difference was shown; this design sees {_points(finding.smallest_seen)} points or more."
    needed = _needed(finding)
    return f"{said} To show the {points} that were found takes {needed}." if needed else said


def summary(comparison: Comparison) -> str:
    """Return what all benchmarks show together."""
    shown = [finding for finding in comparison.findings if finding.is_shown]
    macro = comparison.macro
    mean = (
        f"The mean over them moved by {signed(macro.value)} points (95 % interval {signed(macro.interval.low)} to "
        f"{signed(macro.interval.high)}; this design sees {_points(macro.smallest_seen)} points or more)."
    )
    num = len(comparison.findings)
    if not shown:
        said = f"no difference was shown on {_counted(num)}."
    else:
        named = ", ".join(f"{one.difference.benchmark} {signed(one.difference.value)}" for one in shown)
        said = f"a difference was shown on {len(shown)} of {_counted(num)}: {named} points."
    return f"{said} {mean}" if num > 1 else said


def signed(share: float) -> str:
    """Return a difference of shares in points, with its sign; no sign where it rounds to nothing."""
    text = f"{100 * share:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text


def _lines(contrast: Contrast) -> Iterator[str]:
    yield from lines_before_table(contrast)
    yield ""
    yield from _table(contrast.comparison)
    yield ""
    yield from lines_after_table(contrast)


def _luck(contrasts: Sequence[Contrast]) -> Iterator[str]:
    """Yield what luck gives the best of all evaluations, on benchmarks that all have with a problem in common."""
    sides = [contrasts[0].base, *(contrast.other for contrast in contrasts)]
    evaluated = [side for side in sides if isinstance(side, Evaluated)]
    if len(evaluated) < len(sides):
        return
    gains = []
    for name in evaluated[0].per_problem:
        candidates = {str(number): side.per_problem.get(name, {}) for number, side in enumerate(evaluated)}
        if set.intersection(*(set(scores) for scores in candidates.values())):
            gains.append(f"{name} {_points(luck_of(candidates).gain)}")
    if gains:
        yield f"The best of {len(sides)} equal ones looks better than each by luck, in points: {', '.join(gains)}."


def _described(side: Side) -> str:
    if not isinstance(side, ReferenceRow):
        return side.label
    return f"{side.label}, published: {side.title}" + (f" ({side.note})" if side.note else "")


def _table(comparison: Comparison) -> Iterator[str]:
    rows = rows_of(comparison)
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    for row in rows:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        yield "  ".join(cells).rstrip()


def _row(finding: Finding) -> tuple[str, ...]:
    one = finding.difference
    base_samples, other_samples = one.num_samples
    return (
        one.benchmark,
        str(one.num_problems),
        str(base_samples) if base_samples == other_samples else f"{base_samples}/{other_samples}",
        _points(one.base),
        _points(one.other),
        signed(one.value),
        f"{signed(one.interval.low)} to {signed(one.interval.high)}",
        _chance(one.p_value),
        _chance(finding.p_holm),
        "-" if finding.smallest_seen is None else _points(finding.smallest_seen),
    )


def _needed(finding: Finding) -> str:
    ways = []
    if finding.samples_needed is not None:
        ways.append(f"{finding.samples_needed:,} samples a problem")
    if finding.problems_needed is not None:
        ways.append(f"{finding.problems_needed:,} such problems")
    return " or ".join(ways)


def _points(share: float) -> str:
    return f"{100 * share:.1f}"


def _chance(p_value: float) -> str:
    return "<0.001" if p_value < 0.001 else f"{p_value:.3f}"


def _counted(number: int) -> str:
    return "1 benchmark" if number == 1 else f"{number} benchmarks"


def _counted_tests(number: int) -> str:
    return "1 test" if number == 1 else f"{number} tests"
