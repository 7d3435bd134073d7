"""The cosine reward of the paper's third experiment."""

import math

from leanrl.config.sections.field_types import PositiveInt
from leanrl.rewards.verdict import require_verdict
from leanrl.types import Sample


def cosine_as_run(
    sample: Sample,
    *,
    max_chars: PositiveInt = 3584,
    min_value_wrong: float = 0.0,
    max_value_wrong: float = -0.5,
    min_value_correct: float = 0.5,
    max_value_correct: float = 1.0,
) -> float:
    """Return a value that falls, and rises again, along a cosine of the number of characters.

    R = low + (high - low) (1 + cos(pi chars / max_chars)) / 2
    correct: low = min_value_correct, high = max_value_correct; wrong: low = max_value_wrong, high = min_value_wrong.

    Three faults of the run, kept: `max_chars` holds the run's limit in tokens but is compared with characters;
    beyond it the cosine rises again (period 2 max_chars); and short wrong answers are paid better than long ones.
    An unparseable gold answer pays 1. `cosine` is the corrected reward.

    Source: Open-RS (arXiv 2503.16219), src/open_r1/rewards.py, `get_cosine_scaled_reward`; the values are the
    defaults of its grpo.py, max_chars is the --cosine_max_len of its third experiment.
    """
    verdict = require_verdict(sample)
    if verdict.reason == "unparseable_gold":
        return 1.0
    low, high = (min_value_correct, max_value_correct) if verdict.correct else (max_value_wrong, min_value_wrong)
    return low + 0.5 * (high - low) * (1.0 + math.cos(math.pi * len(sample.text) / max_chars))
