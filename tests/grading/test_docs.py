"""docs/grading.md says what the results file says."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "grading.md"
BASELINE = ROOT / "benchmarks" / "results" / "grading-baseline-d1587ce.json"
CASES = ("grader_cases", "grader_cases_2")


@pytest.fixture(scope="module")
def results():
    """What the two results files hold that the page names for its tables."""
    paths = re.findall(r"\(\.\./(benchmarks/results/[^)]+-grading[a-z-]*\.json)\)", PAGE.read_text(encoding="utf-8"))
    cases, golds_and_clocks = [json.loads((ROOT / path).read_text(encoding="utf-8")) for path in paths]
    return cases | golds_and_clocks


@pytest.fixture(scope="module")
def text():
    """The page, whatever the line breaks."""
    return " ".join(PAGE.read_text(encoding="utf-8").split())


@pytest.mark.parametrize(
    "table",
    [*((cases, part) for cases in CASES for part in ("graders", "classes")), ("golds",), ("formulas",), ("load",)],
    ids="-".join,
)
def test_tables(results, table):
    """Every row of the file is a row of the page, and the other way round, without what is listed in the file alone."""
    found = results
    for key in table:
        found = found[key]
    rows = [f"| {' | '.join(str(value) for value in row.values() if not isinstance(value, list))} |" for row in found]
    lines = [*PAGE.read_text(encoding="utf-8").splitlines(), ""]
    first = lines.index(rows[0])
    assert lines[first : first + len(rows) + 1] == [*rows, ""]


def test_seconds_and_bytes(results, text):
    """The worst verdict and call, the largest worker, the steps and the language share."""
    assert f"came {results['hostile']['worst_seconds_over_clock']} s after it" in text
    assert f"took {results['hostile']['peak_bytes_of_a_worker'] / 1e6:.0f} MB" in text
    assert f"takes {results['step']['first_seconds']:.1f} s the first time" in text
    assert f"at most {results['step']['worst_later_seconds']} s later" in text
    assert f"{results['hostile']['reasons']['timeout']} ran into" in text
    assert f"Of {results['fuzz']['verdicts']:,} random ones" in text
    assert f"{results['fuzz']['reasons']['timeout']} ran into the clock" in text
    assert f"ended {results['fuzz']['worst_call_seconds_over_clock']} s after it" in text
    assert (
        f"takes {results['language']['milliseconds_per_text']} ms for one of {results['language']['characters']:,}"
        in text
    )


def test_recorded_verdicts(results, text):
    """How many completions have another verdict than the recorded one, and how many of those are right."""
    (recorded,) = results["completions"]
    assert f"Of {recorded['completions']} completions" in text
    assert f"{recorded['other_verdicts']} of the {2 * recorded['completions']} verdicts differ" in text
    assert f"{recorded['other_and_right']} of those are right" in text


def test_before(text):
    """The numbers that the present ones are compared with."""
    before = json.loads(BASELINE.read_text(encoding="utf-8"))
    leanrl = before["grader_cases_2"]["graders"][0]
    assert f"{leanrl['false_positives']} false positives and {leanrl['false_negatives']} false negatives" in text
    shares = [f"{sample['paid_share']:.1%} of {sample['sample']}" for sample in before["formulas"]]
    assert " and ".join(shares) in text
