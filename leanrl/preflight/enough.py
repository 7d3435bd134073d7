"""Are there as many problems as one step asks?"""

from leanrl.errors import ConfigError
from leanrl.hints import setting
from leanrl.types import ProblemSet


def require_enough(problems: ProblemSet, *, num_prompts: int) -> None:
    """Check that one step finds its prompts.

    Raises:
        ConfigError: naming both numbers.
    """
    num_train = len(problems.train)
    if num_train < num_prompts:
        raise ConfigError(
            f"train.num_prompts is {num_prompts}, but there are only {num_train} problems to train on.",
            hint=setting("train.num_prompts", num_train),
        )
