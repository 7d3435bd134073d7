"""How the names in a config become functions."""

import json
from fractions import Fraction

import numpy as np
import pytest
import torch

from leanrl.errors import ConfigError, RewardError
from leanrl.rewards import registry
from leanrl.rewards.custom.calls import call_group_reward
from leanrl.rewards.registry import _ENTRIES, group_reward, known_rewards, resolve_rewards, reward
from leanrl.types import Sample
from tests.rewards.sample import make_sample


def number_of_words(sample: Sample, *, scale: float = 1.0, unit: str = "word") -> float:
    """Pay by the word.

    A second paragraph that no list of rewards should show.
    """
    return scale * len(sample.text.split())


def test_names_become_weighted_functions_in_the_order_of_the_config():
    """format_as_run needs no grading; cosine_as_run is graded as the paper did."""
    resolved = resolve_rewards({"format_as_run": 1.0, "cosine_as_run": 2.0}, {"cosine_as_run": {"max_chars": 4}})
    assert [(one.name, one.weight, one.grade_mode) for one in resolved] == [
        ("format_as_run", 1.0, None),
        ("cosine_as_run", 2.0, "as_run"),
    ]
    # two characters of four: cos(pi / 2) = 0, so 0.75
    assert resolved[1].score(make_sample("xx", reason="correct")) == pytest.approx(0.75)


def test_a_function_is_registered_with_its_grade_mode():
    """`@reward` makes a name that a config can use, and leaves the function as it is."""
    assert reward("number_of_words", grade="strict")(number_of_words) is number_of_words
    (resolved,) = resolve_rewards({"number_of_words": 1.0}, {"number_of_words": {"scale": 2}})
    assert (resolved.grade_mode, resolved.score(make_sample("a b c"))) == ("strict", 6.0)
    assert known_rewards()["number_of_words"] == "Pay by the word."


def test_a_name_is_registered_once():
    """A plug-in may be loaded twice, but it cannot take the place of a built-in reward."""
    reward("number_of_words")(number_of_words)
    reward("number_of_words")(number_of_words)
    with pytest.raises(ConfigError, match=r'"accuracy" exists already: leanrl\.rewards\.accuracy\.accuracy'):
        reward("accuracy")(number_of_words)


def test_functions_can_be_handed_over_in_python():
    """They need no registration; one that has it keeps its grade mode."""
    reward("words")(number_of_words)
    extra = {"mine": lambda sample: 0.25, "graded": registry._ENTRIES["accuracy"].function}
    mine, graded = resolve_rewards({"mine": 1.0, "graded": 1.0}, {}, extra)
    assert (mine.grade_mode, mine.score(make_sample())) == (None, 0.25)
    assert (graded.grade_mode, graded.score(make_sample(reason="wrong"))) == ("strict", 0.0)


def test_all_problems_are_reported_at_once():
    """Seven mistakes, seven lines, each with its place and what would be right."""
    reward("number_of_words")(number_of_words)
    with pytest.raises(ConfigError) as caught:
        resolve_rewards(
            {"acuracy": 1.0, "number_of_words": 1.0, "one_box": float("nan")},
            {
                "number_of_words": {"scael": 2.0, "scale": "high", "unit": 3},
                "cosine": {"max_tokens": 5},
                "one_box": {"boxes": 2},
            },
        )
    found = {problem.where: (problem.what, problem.hint) for problem in caught.value.problems}
    assert found["rewards.acuracy"] == ("no such reward", 'did you mean "accuracy"?')
    assert found["rewards.one_box"] == ("the weight is nan", "give a finite number")
    assert found["reward_options.number_of_words.scael"] == (
        "no such option",
        "options of number_of_words: scale, unit",
    )
    assert found["reward_options.number_of_words.scale"][0] == "'high': input should be a valid number"
    assert found["reward_options.number_of_words.unit"][0] == "3: input should be a valid string"
    assert found["reward_options.one_box.boxes"] == ("no such option", "one_box has no options")
    assert found["reward_options.cosine"][0] == "options for a reward that is not used"
    assert len(caught.value.problems) == 7


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"max_tokens": 0}, "0: input should be greater than 0"),
        ({"max_tokens": 1.5}, "1.5: input should be a valid integer"),
        ({"max_value_correct": float("inf")}, "inf: input should be a finite number"),
        ({"max_value_correct": True}, "True: input should be a valid number"),
    ],
)
def test_values_out_of_range_are_refused(options, complaint):
    """The bounds stand in the function's own signature."""
    with pytest.raises(ConfigError, match=complaint):
        resolve_rewards({"cosine": 1.0}, {"cosine": options})


def test_no_reward_at_all_is_refused():
    """A run without rewards learns nothing and says nothing."""
    with pytest.raises(ConfigError, match="nothing to learn"):
        resolve_rewards({}, {})


def test_an_option_without_a_default_must_be_given():
    """A reward of one's own may insist on an option."""

    def needs_target(sample: Sample, *, target: int) -> float:
        return float(target)

    with pytest.raises(ConfigError, match=r"reward_options\.mine\.target: has no default"):
        resolve_rewards({"mine": 1.0}, {}, {"mine": needs_target})
    (resolved,) = resolve_rewards({"mine": 1.0}, {"mine": {"target": 3}}, {"mine": needs_target})
    assert resolved.score(make_sample()) == 3.0


NO_NUMBERS = [
    float("nan"),
    float("-inf"),
    "1",
    [1.0],
    1j,
    np.float32("nan"),
    np.array([1.0]),
    torch.tensor([1.0]),
]


@pytest.mark.parametrize("value", NO_NUMBERS, ids=repr)
def test_a_reward_that_returns_no_finite_number_is_named(value):
    """One NaN would silently ruin the whole group's advantages."""
    (resolved,) = resolve_rewards({"mine": 1.0}, {}, {"mine": lambda sample: value})
    with pytest.raises(RewardError, match='Reward "mine" returned') as caught:
        resolved.score(make_sample("text"))
    assert "the completion 'text'" in caught.value.message
    assert f"{__file__}:" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (True, 1.0),
        (False, 0.0),
        (np.bool_(True), 1.0),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3.0),
        (np.array(0.25), 0.25),
        (torch.tensor(0.75), 0.75),
        (torch.tensor(True), 1.0),
        (Fraction(1, 4), 0.25),
        (None, None),  # skipped
    ],
    ids=repr,
)
def test_what_holds_one_finite_number_is_taken(value, number):
    (alone,) = resolve_rewards({"mine": 1.0}, {}, {"mine": lambda sample: value})
    assert alone.score(make_sample("text")) == number
    assert type(alone.score(make_sample("text"))) is type(number)
    assert call_group_reward(lambda samples: [value, 1.0], [make_sample("a")] * 2, name="mine") == [number, 1.0]


def _raises(sample):
    return sample.nosuch


def _raises_deeper(sample):
    return json.loads(sample.text)


@pytest.mark.parametrize(
    ("function", "said"),
    [(_raises, "AttributeError: 'Sample' object has no attribute"), (_raises_deeper, "JSONDecodeError")],
)
def test_a_reward_that_raises_names_itself_the_completion_and_its_own_line(function, said):
    """The line is the reward's, also where a library below it has raised."""
    (resolved,) = resolve_rewards({"mine": 1.0}, {}, {"mine": function})
    with pytest.raises(RewardError) as caught:
        resolved.score(make_sample("ab" * 200))
    line = function.__code__.co_firstlineno + 1
    assert f'Reward "mine" raised {said}' in caught.value.message
    assert f"{__file__}:{line}, in {function.__name__}" in caught.value.message
    assert f"for the completion {'ab' * 100!r}..." in caught.value.message
    assert caught.value.exit_code == 4


@pytest.mark.parametrize(
    ("values", "said"),
    [(None, "returned None for 2"), (0.5, "returned 0.5 for 2"), ([1.0], "returned 1 numbers for 2")],
)
def test_a_group_reward_returns_a_number_for_each(values, said):
    with pytest.raises(RewardError, match=f'Reward "mine" {said} completions, not a number for each'):
        call_group_reward(lambda samples: values, [make_sample("a"), make_sample("b")], name="mine")


def test_a_group_reward_may_return_a_tensor():
    assert call_group_reward(lambda samples: torch.ones(2), [make_sample("a")] * 2, name="mine") == [1.0, 1.0]


def test_every_built_in_reward_says_what_it_pays():
    """`leanrl rewards` prints these lines; rewards of other tests' plug-ins may be registered beside them."""
    paper = {"accuracy", "accuracy_as_run", "cosine", "cosine_as_run", "format_as_run"}
    ours = {
        "hapo", "json_object", "language_consistency", "laser", "one_box", "overlong", "repetition", "shortest_correct",
        "think_answer",
    }  # fmt: skip
    built_in = {name for name, entry in _ENTRIES.items() if entry.function.__module__.startswith("leanrl.rewards.")}
    assert built_in == paper | ours
    assert all(known_rewards()[name].startswith("Return ") and len(known_rewards()[name]) > 20 for name in built_in)


def test_a_group_reward_that_takes_trls_lists_is_told_how_to_register():
    def lists(completions, **kwargs):
        return [0.0] * len(completions)

    group_reward("lists")(lists)
    with pytest.raises(ConfigError, match="is registered with @group_reward and takes TRL's lists") as caught:
        resolve_rewards({"lists": 1.0}, {})
    assert '@reward("lists")' in caught.value.problems[0].hint


def test_keywords_are_no_options():
    def polite(sample, **kwargs):
        return float(len(kwargs))

    (reward_of_it,) = resolve_rewards({"polite": 1.0}, {}, {"polite": polite})
    assert reward_of_it.score(make_sample("x")) == 0.0
