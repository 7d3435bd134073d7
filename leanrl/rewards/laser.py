"""The reward that adds a bonus for correct answers within a target length."""

from leanrl.config.sections.field_types import PositiveInt
from leanrl.rewards.verdict import require_verdict
from leanrl.types import Sample


def laser(
    sample: Sample,
    *,
    target_tokens: PositiveInt = 4096,
    bonus: float = 0.5,
    correct: float = 1.0,
    wrong: float = -0.5,
    no_answer: float = -1.0,
) -> float:
    """Return the value of the verdict, plus `bonus` for a correct answer of at most `target_tokens`.

    A wrong answer earns no bonus, however short, so that length pays only where it costs nothing.

    Args:
        target_tokens: the fixed target; the paper uses 2,048, 4,096 and 8,192. Set it below the run's
            max_completion_tokens, or every correct answer gets the bonus.
        no_answer: value of a completion without a box; what is boxed but cannot be judged is `wrong`.

    Source: LASER (length-based step reward), Liu et al., arXiv 2505.15612, with the values of its code.
    """
    verdict = require_verdict(sample)
    if verdict.correct:
        return correct + (bonus if sample.num_tokens <= target_tokens else 0.0)
    return no_answer if verdict.reason == "no_box" else wrong
