"""The penalty for saying the same again."""

from typing import Annotated

from pydantic import Field

from leanrl.config.field_types import PositiveInt
from leanrl.types import Sample

NotPositive = Annotated[float, Field(le=0.0)]


def repetition(sample: Sample, *, ngram_words: PositiveInt = 3, max_penalty: NotPositive = -1.0) -> float:
    """Return the share of n-grams that repeat an earlier one, times `max_penalty`; 0 for a text without n-grams.

    R = max_penalty (1 - distinct / all), over n-grams of lower-case words between spaces

    Source: Yeo et al., arXiv 2502.03373, sec. 5 and appendix (repetition penalty); the formula and its defaults are
    those of Open-RS (arXiv 2503.16219), src/open_r1/rewards.py, `get_repetition_penalty_reward`.
    """
    words = sample.text.lower().split()
    ngrams = list(zip(*(words[start:] for start in range(ngram_words)), strict=False))
    if not ngrams:
        return 0.0
    return max_penalty * (1.0 - len(set(ngrams)) / len(ngrams))
