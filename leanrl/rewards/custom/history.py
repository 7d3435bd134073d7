"""Group rewards with the history of their prompt, and with a state of their own."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from leanrl.rewards.custom.calls import call_group_reward
from leanrl.rewards.custom.signature import facts_asked
from leanrl.types import GroupFacts, Sample


def score_group(
    function: Callable[..., Any],
    name: str,
    options: Mapping[str, Any],
    samples: Sequence[Sample],
    facts: GroupFacts | None = None,
) -> list[float | None]:
    """Return what `f(samples, *, prompt_id, ledger, state)` gives each completion, with those facts that it asks for.

    `options` are its `reward_options`. Without facts the prompt has no visits and the state is empty.

    Raises:
        RewardError: as `call_group_reward` does.
    """
    known = facts or GroupFacts()
    asked = {fact: getattr(known, fact) for fact in facts_asked(function)}
    return call_group_reward(partial(function, **options, **asked), samples, name=name)
