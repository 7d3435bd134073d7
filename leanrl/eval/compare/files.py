"""A comparison as JSON: what `leanrl compare --json` prints."""

from collections.abc import Sequence
from typing import Any

from leanrl.eval.compare.comparison import Comparison, Finding
from leanrl.eval.compare.contrasts import Contrast
from leanrl.eval.compare.reference import ReferenceRow
from leanrl.eval.compare.sentences import sentence, summary
from leanrl.eval.compare.sides import Side, grader_of
from leanrl.eval.scores.intervals import Interval


def contrasts_as_json(contrasts: Sequence[Contrast]) -> dict[str, Any]:
    """Return all contrasts with their base; accuracies and differences are shares, not points."""
    return {"base": _side(contrasts[0].base), "comparisons": [_contrast(one) for one in contrasts]}


def _contrast(contrast: Contrast) -> dict[str, Any]:
    comparison = contrast.comparison
    macro = comparison.macro
    return {
        "other": _side(contrast.other),
        "is_forced": bool(contrast.disagreements),
        "disagreements": list(contrast.disagreements),
        "notes": list(contrast.notes),
        "not_compared": list(contrast.left_out),
        "is_published": contrast.is_published,
        "num_tests": comparison.num_tests,
        "benchmarks": {finding.difference.benchmark: _finding(finding) for finding in comparison.findings},
        "macro_average": {
            "difference": macro.value,
            "se": macro.error,
            "interval_95": _bounds(macro.interval),
            "interval_method": macro.interval.method,
            "p_value": macro.p_value,
            "smallest_seen": macro.smallest_seen,
        },
        "sentence": _sum(comparison),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    one = finding.difference
    return {
        "num_problems": one.num_problems,
        "num_left_out": one.num_left_out,
        "num_samples": list(one.num_samples),
        "base": one.base,
        "other": one.other,
        "difference": one.value,
        "sampling_se": one.sampling_se,
        "problem_se": one.problem_se,
        "interval_95": _bounds(one.interval),
        "interval_method": one.interval.method,
        "test": one.test,
        "p_value": one.p_value,
        "p_holm": finding.p_holm,
        "is_shown": finding.is_shown,
        "smallest_seen": finding.smallest_seen,
        "smallest_seen_alone": finding.smallest_seen_alone,
        "samples_needed": finding.samples_needed,
        "problems_needed": finding.problems_needed,
        "note": one.note,
        "sentence": sentence(finding),
    }


def _side(side: Side) -> dict[str, Any]:
    if isinstance(side, ReferenceRow):
        return {"label": side.label, "is_published": True, "source": side.title, "note": side.note}
    return {"label": side.label, "is_published": False, "grader": grader_of(side)}


def _bounds(interval: Interval) -> list[float]:
    return [interval.low, interval.high]


def _sum(comparison: Comparison) -> str:
    return f"In sum: {summary(comparison)}"
