"""The cosine length reward as the paper's text describes it."""

import math

from leanrl.config.sections.field_types import PositiveInt
from leanrl.rewards.verdict import require_verdict
from leanrl.types import Sample


def cosine(
    sample: Sample,
    *,
    max_tokens: PositiveInt | None = None,
    min_value_wrong: float = -1.0,
    max_value_wrong: float = -0.5,
    min_value_correct: float = 0.5,
    max_value_correct: float = 1.0,
) -> float:
    """Return more for a correct answer that is short and for a wrong answer that is long.

    R = low + (high - low) (1 + cos(pi t)) / 2,  t = min(num_tokens, max_tokens) / max_tokens
    correct: low = min_value_correct, high = max_value_correct; wrong: low = max_value_wrong, high = min_value_wrong.

    An answer that the grader could not judge counts as wrong: if it paid more, it would be worth giving.

    Args:
        max_tokens: length at which the value stays at its end; None takes the run's max_completion_tokens.

    Source: Yeo et al., arXiv 2502.03373, sec. 4 (without its penalty for exceeding the length);
    Open-RS (arXiv 2503.16219), sec. 2.2, "cosine reward". The four values are its function's defaults.
    """
    limit_tokens = max_tokens if max_tokens is not None else sample.max_completion_tokens
    progress = min(sample.num_tokens, limit_tokens) / limit_tokens
    low, high = (
        (min_value_correct, max_value_correct)
        if require_verdict(sample).correct
        else (max_value_wrong, min_value_wrong)
    )
    return low + 0.5 * (high - low) * (1.0 + math.cos(math.pi * progress))
