"""Reward functions written for TRL and for verifiers, as they are."""

import asyncio
import json
import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from trl.rewards import (
    accuracy_reward,
    get_cosine_scaled_reward,
    get_repetition_penalty_reward,
    get_soft_overlong_punishment,
    reasoning_accuracy_reward,
    think_format_reward,
)

from leanrl.errors import ConfigError, RewardError
from leanrl.rewards.custom import foreign
from leanrl.rewards.registry import resolve_rewards, reward
from leanrl.rewards.weighted import WeightedBatchReward, WeightedReward, columns_of
from leanrl.types import GoldList, Sample

TEXTS = [
    r"<think>2 and 2</think> so \boxed{\frac{1}{3}}",
    r"<think>2 and 2</think> so \boxed{\frac{1}{2}}",
    "so so so so so so",
]
SOLUTIONS = [r"$\frac{1}{3}$", r"$\frac{1}{3}$", "@#"]
IDS = [[1, 2, 3, 4], [5, 5, 5, 5, 5], list(range(90))]


def _samples(*, prompt):
    return [
        Sample(
            problem="?",
            gold="4",
            text=text,
            num_tokens=len(ids),
            max_completion_tokens=100,
            is_truncated=False,
            token_ids=tuple(ids),
            prompt=prompt,
            columns={"solution": solution, "difficulty": number, "prompt": "is not handed on"},
        )
        for number, (text, ids, solution) in enumerate(zip(TEXTS, IDS, SOLUTIONS, strict=True))
    ]


CHAT = [{"role": "user", "content": "What is 1 / 3?"}]


def _scores(function, samples, *, options=None, offers=None):
    (found,) = resolve_rewards({"mine": 1.0}, {"mine": options or {}}, {"mine": function})
    assert isinstance(found, WeightedBatchReward)
    return found.score_batch(samples, offers or {})


@pytest.mark.parametrize(
    "function",
    [
        accuracy_reward,
        reasoning_accuracy_reward,
        think_format_reward,
        get_cosine_scaled_reward(max_len=100),
        get_repetition_penalty_reward(ngram_size=3),
        get_soft_overlong_punishment(max_completion_len=100, soft_punish_cache=20),
    ],
    ids=lambda function: function.__name__,
)
def test_a_reward_that_trl_ships_gives_what_it_gives_in_trl(function):
    """Called as TRL's trainer does, with every column and what it offers; None stays None."""
    completions = [[{"role": "assistant", "content": text}] for text in TEXTS]
    columns = {"solution": SOLUTIONS, "difficulty": [0, 1, 2]}
    theirs = function(prompts=[CHAT] * 3, completions=completions, completion_ids=IDS, log_extra=None, **columns)
    assert _scores(function, _samples(prompt=CHAT), offers={"log_extra": None}) == theirs
    assert len(set(theirs)) > 1  # a reward that tells nothing apart would prove nothing


def test_prompts_and_completions_have_the_form_of_the_prompt():
    """A conversation for a conversation, a text for a text; the dataset's own `prompt` is not handed on."""
    seen = []

    def look(prompts, completions, completion_ids, **columns):
        seen.append((prompts, completions, completion_ids, columns))
        return [0.0] * len(prompts)

    _scores(look, _samples(prompt=CHAT), offers={"trainer_state": "state"})
    _scores(look, _samples(prompt="What is 1 / 3?"))
    (chats, turns, ids, columns), (prompts, texts, _, _) = seen
    assert (chats[0], turns[2], ids) == (CHAT, [{"role": "assistant", "content": TEXTS[2]}], IDS)
    assert columns == {"solution": SOLUTIONS, "difficulty": [0, 1, 2], "trainer_state": "state"}
    assert (prompts[0], texts) == ("What is 1 / 3?", TEXTS)


def test_a_function_that_changes_its_lists_changes_no_sample():
    def spoil(prompts, completions, completion_ids, **columns):
        prompts[0][0]["content"] = completion_ids[0][0] = None
        return [1.0] * len(prompts)

    samples = _samples(prompt=CHAT)
    _scores(spoil, samples)
    assert samples[0].prompt == [{"role": "user", "content": "What is 1 / 3?"}]
    assert samples[0].token_ids == (1, 2, 3, 4)


def _few(completions, difficulty):
    """Take two things, and no others."""
    return [len(text) > 20 and number < 1 for text, number in zip(completions, difficulty, strict=True)]


def _keywords_alone(**keywords):
    return [float(number) for number in keywords["difficulty"]]


async def _awaits(completions, **columns):
    return [0.5] * len(completions)


async def _never_answers(completions, **columns):
    await asyncio.Event().wait()


async def _gives_up(completions, **columns):
    raise TimeoutError("the judge is busy")


@pytest.mark.parametrize(
    ("function", "said"), [(_never_answers, "it has not answered after"), (_gives_up, "the judge is busy")]
)
def test_a_coroutine_is_waited_for_within_a_deadline(monkeypatch, function, said):
    monkeypatch.setattr(foreign, "_LONGEST_SECONDS", 0.01)
    with pytest.raises(RewardError, match=said):
        _scores(function, _samples(prompt="?"))


class Counter:
    """A reward with a memory, as TRL's are."""

    def __call__(self, completions, **columns):
        return np.arange(len(completions), dtype=np.float32)


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (_few, [1.0, 0.0, 0.0]),
        (_keywords_alone, [0.0, 1.0, 2.0]),
        (_awaits, [0.5, 0.5, 0.5]),
        (Counter(), [0.0, 1.0, 2.0]),
        (partial(lambda completions, *, worth=1.0, **columns: [worth] * len(completions), worth=2.0), [2.0] * 3),
        (lambda completions, **columns: [None, np.bool_(True), torch.tensor(0.25)], [None, 1.0, 0.25]),
        (lambda completions, **columns: torch.tensor([1, 2, 3]), [1.0, 2.0, 3.0]),
    ],
    ids=["few", "keywords", "async", "object", "partial", "kinds of numbers", "tensor"],
)
def test_what_functions_look_like(function, expected):
    assert _scores(function, _samples(prompt="?")) == expected


def test_options_win_over_columns_and_offers():
    def f(completions, *, threshold=1, difficulty=None, log_metric=None, **columns):
        return [threshold + number for number in difficulty]

    assert _scores(f, _samples(prompt="?"), options={"threshold": 3}) == [3.0, 4.0, 5.0]
    assert _scores(f, _samples(prompt="?"), options={"difficulty": [7, 7, 7]}) == [8.0] * 3
    with pytest.raises(ConfigError, match="options of mine: threshold, difficulty"):
        _scores(f, _samples(prompt="?"), options={"treshold": 3})


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda completions, **_: [1.0], "returned 1 numbers for 3 completions"),
        (lambda completions, **_: 1.0, "returned 1.0 for 3 completions"),
        (lambda completions, **_: {0.0, 0.5, 1.0}, "returned {0.0, 0.5, 1.0} for 3 completions"),
        (lambda completions, **_: {0: 1.0, 1: 0.0, 2: 1.0}, "returned {0: 1.0, 1: 0.0, 2: 1.0} for 3 completions"),
        (lambda completions, **_: b"abc", "returned b'abc' for 3 completions"),
        (lambda completions, **_: [10**400, 0, 0], "returned 1000"),
        (lambda completions, **_: [0.0, math.nan, 0.0], "returned nan, not a finite number"),
        (lambda completions, **_: [0.0, -1e39, 0.0], r"returned -1e\+39, and advantages take at most 1e\+15"),
        (lambda completions, **_: completions[3], "raised IndexError"),
        (lambda completions, target, **_: [1.0] * 3, "takes target, which is no column of the data"),
    ],
)
def test_what_goes_wrong_is_named(function, said):
    with pytest.raises(RewardError, match=f'Reward "mine" {said}') as caught:
        _scores(function, _samples(prompt="?"))
    if "takes" in said:
        assert "its columns are: solution, difficulty" in caught.value.message
    else:
        assert f"{__file__}:" in str(caught.value.hint)


def test_only_the_columns_that_rewards_read_are_kept():
    sample, named, anything = lambda sample: 0.0, _few, _awaits

    def asked(**functions):
        return columns_of(resolve_rewards(dict.fromkeys(functions, 1.0), {}, functions))

    assert asked(one=sample) == frozenset()
    assert asked(one=sample, two=named) == {"completions", "difficulty"}
    assert asked(two=named, three=anything) is None


def test_a_grade_is_not_for_a_function_without_a_sample():
    with pytest.raises(ConfigError, match="would not see the verdict"):
        reward("graded_lists", grade="strict")(_few)


# --- verifiers -----------------------------------------------------------------------------------------------


async def correct_answer(completion, answer, **kwargs) -> float:
    """Written for verifiers: one rollout, its messages and the answer."""
    said = completion[-1]["content"] if isinstance(completion, list) else completion
    return 1.0 if said.strip().endswith(answer) else 0.0


def asks_for_state(completion, state, info) -> float | None:
    return None if info.get("skip") else float(state["answer"] == "4" and len(state["completion"]) > 0)


def parsed(prompt, completion, answer, task):
    return json.loads("{}").get(task, len(prompt))


@pytest.mark.parametrize(
    ("function", "prompt", "columns", "expected"),
    [
        (correct_answer, CHAT, {}, 1.0),
        (correct_answer, "?", {}, 1.0),
        (correct_answer, "?", {"answer": "5"}, 0.0),  # the dataset's own column
        (asks_for_state, "?", {}, 1.0),
        (asks_for_state, "?", {"info": {"skip": True}}, None),
        (parsed, CHAT, {}, 1.0),
    ],
)
def test_a_reward_of_verifiers_kind(function, prompt, columns, expected):
    (found,) = resolve_rewards({"mine": 1.0}, {}, {"mine": function})
    assert isinstance(found, WeightedReward)
    sample = replace(_samples(prompt=prompt)[0], text="it is 4", columns=columns)
    assert found.score(sample) == expected


def test_several_golds_come_as_a_list():
    (found,) = resolve_rewards({"mine": 1.0}, {}, {"mine": lambda completion, answer: float(answer == ["4", "5"])})
    assert found.score(replace(_samples(prompt="?")[0], gold=GoldList(("4", "5")))) == 1.0


def test_a_sample_by_another_name_is_a_sample():
    def mine(completion: Sample) -> float:
        return float(completion.num_tokens)

    (found,) = resolve_rewards({"mine": 1.0}, {}, {"mine": mine})
    assert found.score(_samples(prompt="?")[0]) == 4.0
