"""Reward functions of TRL's and verifiers' kind, called with what they ask for by name."""

import asyncio
import inspect
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import wraps
from typing import Any

from leanrl.errors import RewardError
from leanrl.rewards.custom.calls import call_group_reward, call_reward
from leanrl.rewards.custom.signature import Function, accepted, required_columns
from leanrl.types import GoldList, Sample

# Columns that TRL takes out of a dataset before it hands the others on (trl 1.16, grpo_trainer.py).
_NOT_HANDED_ON = ("prompt", "completion", "completion_ids")
# Of a coroutine: as long as training ranks wait for each other.
_LONGEST_SECONDS = 1800.0


def score_lists(
    function: Function, name: str, options: Mapping[str, Any], samples: Sequence[Sample], offers: Mapping[str, Any]
) -> list[float | None]:
    """Return what `f(prompts, completions, completion_ids, **columns)` gives each of some completions.

    A completion is a text, or a conversation of one assistant's turn where the prompt is a conversation.

    Args:
        options: `reward_options` of this reward; they win over columns of the same names.
        offers: `trainer_state`, `log_extra` and `log_metric`, as TRL hands them over.

    Raises:
        RewardError: as `call_reward` does, and if the function asks for a column that the data does not have.
    """
    columns = [key for key in samples[0].columns if key not in _NOT_HANDED_ON]
    lists = {
        "prompts": [_prompt(sample) for sample in samples],
        "completions": [_completion(sample) for sample in samples],
        "completion_ids": [list(sample.token_ids) for sample in samples],
    }
    values = {**{key: [sample.columns.get(key) for sample in samples] for key in columns}, **options}
    _require_columns(function, values, name)

    @wraps(function)
    def called(_: Sequence[Sample]) -> Any:
        return _awaited(function(**accepted(function, {**values, **offers, **lists})))

    return call_group_reward(called, samples, name=name)


def score_completion(function: Function, name: str, options: Mapping[str, Any], sample: Sample) -> float | None:
    """Return what `f(completion, answer, **columns)` gives one completion; arguments and errors are as above.

    `answer` is the dataset's column of that name, else the gold answer.
    """
    gold = list(sample.gold.answers) if isinstance(sample.gold, GoldList) else sample.gold
    turns = {"prompt": _prompt(sample), "completion": _completion(sample)}
    described = {"answer": gold, "task": "default", "info": {}, **sample.columns, **turns}
    values = {**described, "state": dict(described), **options}
    _require_columns(function, values, name)

    @wraps(function)
    def called(_: Sample) -> Any:
        return _awaited(function(**accepted(function, values)))

    return call_reward(called, sample, name=name)


def _prompt(sample: Sample) -> Any:
    return sample.prompt if isinstance(sample.prompt, str) else [dict(turn) for turn in sample.prompt]


def _completion(sample: Sample) -> Any:
    return sample.text if isinstance(sample.prompt, str) else [{"role": "assistant", "content": sample.text}]


def _require_columns(function: Function, values: Mapping[str, Any], name: str) -> None:
    missing = [column for column in required_columns(function) if column not in values]
    if missing:
        there = ", ".join(values) or "none"
        raise RewardError(
            f'Reward "{name}" takes {" and ".join(missing)}, which {"is" if len(missing) == 1 else "are"} no column '
            f"of the data; its columns are: {there}.",
            hint=f"add the column, or wrap the function: `def {name}_of_mine(completions, answer, **columns): "
            f"return {name}(completions, {missing[0]}=answer)`",
        )


def _awaited(value: Any) -> Any:
    """Return the value, or what a coroutine comes to; in a thread, since a notebook has a loop of its own."""
    if not inspect.isawaitable(value):
        return value

    async def wait() -> Any:
        try:
            async with asyncio.timeout(_LONGEST_SECONDS) as limit:
                return await value
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise TimeoutError(f"it has not answered after {_LONGEST_SECONDS / 60:.0f} minutes") from error

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, wait()).result()
