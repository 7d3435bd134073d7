"""benchmarks/eval/demo_interval.py: what a run's totals allow, and what README.md says of it."""

import json
from pathlib import Path

import pytest

from benchmarks.eval.demo_interval import NUM_PROBLEMS, RIGHT_AFTER, RIGHT_BEFORE, of_totals
from benchmarks.results_file import RESULTS

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
FOUND = json.loads(max(RESULTS.glob("demo-interval-*.json")).read_text(encoding="utf-8"))


def test_every_pairing_that_totals_allow():
    """8 right before and 19 after of 26: 0 to 7 are lost, since 8 lost would need 19 of 18 others won.

    11 won and none lost: 2 / 2^11. 18 won and 7 lost: twice P(B(25, 1/2) <= 7) = 0.0433.
    """
    rows = of_totals(NUM_PROBLEMS, RIGHT_BEFORE, RIGHT_AFTER)
    assert [(row["lost"], row["won"]) for row in rows] == [(lost, 11 + lost) for lost in range(8)]
    assert rows[0]["p_value"] == pytest.approx(2 / 2**11)
    assert rows[-1]["p_value"] == pytest.approx(0.0433, abs=5e-5)
    assert [row["difference"] for row in rows] == pytest.approx([11 / 26] * 8)


def test_the_committed_results_are_computed_from_the_totals():
    found = of_totals(26, 8, 19)
    assert [row["p_value"] for row in FOUND["pairings_of_totals"]] == pytest.approx([row["p_value"] for row in found])


def test_the_readme_says_what_was_found():
    run, widest = FOUND["run"], FOUND["pairings_of_totals"][-1]
    low, high = (round(100 * bound) for bound in run["interval_95"])
    assert f"{round(100 * run['difference'])} points of seed 42" in README
    assert f"{low} to +{high} (p = {run['p_value']:.2f}, paired)" in " ".join(README.split())
    low, high = (round(100 * bound) for bound in widest["interval_95"])
    assert f"+{low} to +{high} at the widest" in README
    assert f"a difference of {round(100 * run['smallest_seen'])} points or more" in README
