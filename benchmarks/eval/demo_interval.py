"""What the demo's gain on its held-out sums shows: its interval and p-value, from a run folder and from its totals.

    python benchmarks/eval/demo_interval.py [RUN]

With a run folder it compares greedy_before.jsonl with greedy_after.jsonl, paired. The run in README.md, 8 of 26 right
before and 19 after, left no answers of single problems: every pairing that its totals allow is compared. Writes
benchmarks/results/demo-interval-<date>.json.
"""

import argparse
import json
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.results_file import RESULTS, write_results_file
from leanrl.eval.compare.comparison import compare
from leanrl.eval.scores.greedy_file import read_greedy_file
from leanrl.eval.scores.problem_scores import ProblemScores
from leanrl.machine.environment import describe_machine

NUM_PROBLEMS, RIGHT_BEFORE, RIGHT_AFTER = 26, 8, 19


def compared(before: ProblemScores, after: ProblemScores) -> dict[str, Any]:
    """Return what one pair of evaluations shows."""
    (finding,) = compare({"heldout": before}, {"heldout": after}).findings
    one = finding.difference
    return {
        "before": one.base,
        "after": one.other,
        "difference": one.value,
        "interval_95": [one.interval.low, one.interval.high],
        "interval_method": one.interval.method,
        "p_value": one.p_value,
        "smallest_seen": finding.smallest_seen,
    }


def of_totals(num_problems: int, before: int, after: int) -> list[dict[str, Any]]:
    """Return what is shown for each number of problems that were right before and wrong after."""
    rows = []
    for lost in range(max(0, before - after), before + 1):
        won = after - before + lost
        if before + won <= num_problems:
            pairs = [(1, 1)] * (before - lost) + [(1, 0)] * lost + [(0, 1)] * won
            pairs += [(0, 0)] * (num_problems - len(pairs))
            scores = ({f"p{n}": (pair[side], 1) for n, pair in enumerate(pairs)} for side in (0, 1))
            rows.append({"lost": lost, "won": won} | compared(*scores))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, nargs="?")
    asked = parser.parse_args()
    found: dict[str, Any] = {
        "command": "python benchmarks/eval/demo_interval.py" + (" RUN" if asked.run else ""),
        **describe_machine(),
        "totals": {"num_problems": NUM_PROBLEMS, "right_before": RIGHT_BEFORE, "right_after": RIGHT_AFTER},
        "pairings_of_totals": of_totals(NUM_PROBLEMS, RIGHT_BEFORE, RIGHT_AFTER),
    }
    if asked.run:
        scores = (read_greedy_file(asked.run / f"greedy_{when}.jsonl") for when in ("before", "after"))
        found["run"] = {"preset": "cpu-demo"} | compared(*scores)
    target = RESULTS / f"demo-interval-{date.today()}.json"
    write_results_file(target, found)
    print(json.dumps({key: found.get(key) for key in ("pairings_of_totals", "run")}, indent=1))
    print(target)


if __name__ == "__main__":
    main()
