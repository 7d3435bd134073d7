"""Whether a run changed its greedy score on held-out problems: the paired difference of before and after."""

from leanrl.errors import DataError
from leanrl.eval.compare.comparison import compare
from leanrl.eval.scores.greedy_file import read_greedy_file
from leanrl.report.scores.heldout import HeldoutChange
from leanrl.storage.run_folder import RunFolder

_NAME = "heldout"


def heldout_change(run: RunFolder) -> HeldoutChange | None:
    """Return the change with its interval; None where one of the two scores is missing or unreadable."""
    try:
        before, after = (read_greedy_file(run.path / f"greedy_{when}.jsonl") for when in ("before", "after"))
        (finding,) = compare({_NAME: before}, {_NAME: after}).findings
    except (DataError, ValueError):
        return None
    found = finding.difference
    return HeldoutChange(
        value=found.value,
        low=found.interval.low,
        high=found.interval.high,
        p_value=found.p_value,
        num_problems=found.num_problems,
        is_shown=finding.is_shown,
        smallest_seen=finding.smallest_seen,
    )
