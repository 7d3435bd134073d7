"""Seeds of a rollout's groups: a resumed run draws what the run that never stopped drew, where kernels are exact."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from leanrl.rollout.protocol import GroupRequest

# A completion of a group has the seed of the group plus its number, so that 63 bits hold all of them.
_BITS = 62
# More than a call asks of one prompt, so that no two rounds share a count.
_PER_ROUND = 2**32


def with_seeds(
    requests: Sequence[GroupRequest], *, run_seed: int, step: int, round_number: int = 0
) -> list[GroupRequest]:
    """Return the requests with a seed each, of the run's seed, the step, the prompt and how often it came before.

    A prompt that a later round of the step asks again has another seed: it would get the same completions.

    vLLM's own random state goes on from rollout to rollout, and is lost with its process.
    """
    seeded, known = [], Counter[tuple[int, ...]]()
    for request in requests:
        prompt = tuple(request.prompt_ids)
        seeded.append(replace(request, seed=_seed(run_seed, step, known[prompt] + round_number * _PER_ROUND, *prompt)))
        known[prompt] += 1
    return seeded


def _seed(*numbers: int) -> int:
    text = " ".join(map(str, numbers))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> (64 - _BITS)
