"""The accuracy reward of the paper's runs."""

from leanrl.rewards.verdict import require_verdict
from leanrl.types import Sample


def accuracy_as_run(sample: Sample) -> float:
    """Return 1 if the answer is correct by the paper's code or its gold answer cannot be parsed, else 0.

    The second pays a whole group alike, so its advantages are 0, but the logged accuracy rises.

    Source: Open-RS (arXiv 2503.16219), src/open_r1/rewards.py, `accuracy_reward`.
    """
    return 1.0 if require_verdict(sample).reason in ("correct", "unparseable_gold") else 0.0
