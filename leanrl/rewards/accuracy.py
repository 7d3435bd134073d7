"""The reward for a correct answer."""

from leanrl.rewards.verdict import require_verdict
from leanrl.types import Sample


def accuracy(sample: Sample) -> float:
    """Return 1 if the strict grader found the answer correct, else 0.

    A timeout, a crash or an unparseable gold answer pays 0. The paper's code pays 1 for the last
    (see `accuracy_as_run`).

    Source: Open-RS (arXiv 2503.16219), sec. 2.2, "accuracy reward", as its text describes it.
    """
    return 1.0 if require_verdict(sample).correct else 0.0
