"""How much of a completion repeats itself, in 4-grams of tokens; cheap enough for every completion of a step."""

from collections.abc import Sequence

import numpy as np


def repeated_4gram_share(token_ids: Sequence[int]) -> float:
    """Return the fraction of 4-grams that repeat an earlier one, 1 - distinct / all; 0 for fewer than 4 tokens.

    The same as `repetition` with n-grams of 4 and a penalty of 1. 4-grams are told apart as pairs of pairs, so that
    numbers stay below 2^63.
    """
    if len(token_ids) < 4:
        return 0.0
    ids = np.asarray(token_ids, dtype=np.int64)
    pairs = np.unique(ids[:-1] * (ids.max() + 1) + ids[1:], return_inverse=True)[1].astype(np.int64)
    fourgrams = pairs[:-2] * (pairs.max() + 1) + pairs[2:]
    return 1.0 - len(np.unique(fourgrams)) / len(fourgrams)
