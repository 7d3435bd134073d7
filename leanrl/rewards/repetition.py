"""The penalty for saying the same again."""

from typing import Annotated

from pydantic import Field

from leanrl.config.sections.field_types import PositiveInt
from leanrl.types import Sample

NotPositive = Annotated[float, Field(le=0.0)]


def repetition(sample: Sample, *, ngram_tokens: PositiveInt = 3, max_penalty: NotPositive = -1.0) -> float:
    """Return the fraction of n-grams that repeat an earlier one, times `max_penalty`; 0 for a text without n-grams.

    R = max_penalty (1 - distinct / all), over n-grams of the completion's tokens

    Tokens stand in every script, with spaces or without, and a run of one character is a run of few tokens.

    Raises:
        ValueError: if the sample has no token ids, because it was made by hand.

    Source: Yeo et al., arXiv 2502.03373, sec. 5 and appendix (repetition penalty); TRL counts the same n-grams
    (trl 1.16, trl/rewards/other_rewards.py). Open-RS's code counts words between spaces.
    """
    tokens = sample.token_ids
    if len(tokens) != sample.num_tokens:
        raise ValueError(f"The sample has {sample.num_tokens} tokens and {len(tokens)} token ids; give it `token_ids`.")
    ngrams = list(zip(*(tokens[start:] for start in range(ngram_tokens)), strict=False))
    if not ngrams:
        return 0.0
    return max_penalty * (1.0 - len(set(ngrams)) / len(ngrams))
