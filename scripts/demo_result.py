"""Prints what `make demo` came to: the score before and after, and where the report lies."""

import sys
from pathlib import Path

from leanrl.storage.run_folder import RunFolder, read_json

run = RunFolder(Path(sys.argv[1]))
summary = read_json(run.summary)
print(
    f"\nheld-out sums answered right: {summary['greedy_before']:.0%} before, {summary['greedy_after']:.0%} after "
    f"({summary['num_eval']} problems, {summary['steps']} steps, {summary['seconds']:.0f} s)"
)
print(f"report: {run.report / 'index.html'}")
