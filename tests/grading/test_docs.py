"""docs/grading.md says what the results file says."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "grading.md"


@pytest.fixture(scope="module")
def results():
    """The results file that the page names."""
    path = re.search(r"\(\.\./(benchmarks/results/[^)]+)\)", PAGE.read_text(encoding="utf-8"))
    return json.loads((ROOT / path[1]).read_text(encoding="utf-8"))


@pytest.mark.parametrize("table", ["cases", "golds"])
def test_tables(results, table):
    """Every row of the file is a row of the page, and the other way round."""
    rows = [f"| {' | '.join(str(value) for value in row.values())} |" for row in results[table]]
    text = PAGE.read_text(encoding="utf-8").splitlines()
    first = text.index(rows[0])
    assert text[first : first + len(rows) + 1] == [*rows, ""]


def test_numbers_in_the_text(results):
    """The worst verdict and call, the largest worker, the steps and the language share, whatever the line breaks."""
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
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
