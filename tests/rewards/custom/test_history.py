"""Group rewards that ask for the history of their prompt and for a state."""

import pytest

from leanrl.errors import ConfigError, RewardError
from leanrl.rewards.listing import list_rewards
from leanrl.rewards.registry import group_reward, resolve_rewards, reward
from leanrl.types import GroupFacts, NoVisits
from tests.rewards.sample import make_sample

PAIR = [make_sample("a"), make_sample("b")]


def resolved(name, options=None):
    (found,) = resolve_rewards({name: 1.0}, {name: options or {}})
    return found


def counts_groups(samples, *, state, step: float = 1.0):
    """Return how many groups it has scored, in steps."""
    state["groups"] = state.get("groups", 0) + 1
    return [state["groups"] * step] * len(samples)


def test_a_reward_gets_the_facts_that_it_names():
    seen = []

    def asks_for_all(samples, *, ledger, prompt_id, state, scale: float = 2.0):
        seen.append((prompt_id, ledger, state))
        return [scale, scale]

    group_reward("asks_for_all")(asks_for_all)
    facts = GroupFacts("a", NoVisits(), {"n": 1})
    assert resolved("asks_for_all", {"scale": 3.0}).score_group(PAIR, facts) == [3.0, 3.0]
    assert seen == [("a", facts.ledger, {"n": 1})]


def test_the_state_is_the_one_that_is_handed_over():
    """It lies in the checkpoint: what goes on is the dict, not the function."""
    group_reward("counts_groups")(counts_groups)
    score, state = resolved("counts_groups", {"step": 0.5}).score_group, {}
    assert [score(PAIR, GroupFacts("a", NoVisits(), state)) for _ in range(3)] == [[0.5] * 2, [1.0] * 2, [1.5] * 2]
    assert state == {"groups": 3}


def test_without_facts_every_call_has_an_empty_state_and_no_visits():
    group_reward("counts_groups")(counts_groups)
    score = resolved("counts_groups").score_group
    assert [score(PAIR), score(PAIR)] == [[1.0, 1.0], [1.0, 1.0]]
    assert GroupFacts().ledger.visits("a") == ()
    assert GroupFacts().state is not GroupFacts().state


def test_facts_are_no_options():
    group_reward("counts_groups")(counts_groups)
    with pytest.raises(ConfigError) as caught:
        resolve_rewards({"counts_groups": 1.0}, {"counts_groups": {"state": {}}})
    assert [problem.where for problem in caught.value.problems] == ["reward_options.counts_groups.state"]
    info = next(info for info in list_rewards() if info.name == "counts_groups")
    assert (info.options, info.required_options) == ({"step": 1.0}, ())


def test_a_positional_parameter_of_that_name_stays_an_option():
    """Also where an option before it is set: a bound option makes those behind it keyword-only."""

    def has_an_option(samples, scale: float = 1.0, state: str = "new"):
        return [scale, float(state == "old")]

    group_reward("has_an_option")(has_an_option)
    facts = GroupFacts("a", NoVisits(), {"n": 1})
    assert resolved("has_an_option", {"scale": 2.0}).score_group(PAIR, facts) == [2.0, 0.0]
    assert resolved("has_an_option", {"state": "old"}).score_group(PAIR, facts) == [1.0, 1.0]


def test_a_reward_of_one_sample_gets_no_facts():
    """There `state` is an option as every other."""

    def of_one(sample, *, state: float = 0.5):
        return state

    reward("of_one")(of_one)
    assert resolved("of_one", {"state": 0.25}).score(PAIR[0]) == 0.25


def test_what_it_raises_is_named_with_its_line():
    def breaks(samples, *, ledger, prompt_id):
        return [1 / len(ledger.visits(prompt_id))] * 2

    group_reward("breaks")(breaks)
    with pytest.raises(RewardError, match=r'Reward "breaks" raised ZeroDivisionError') as caught:
        resolved("breaks").score_group(PAIR)
    assert f"{__file__}:" in str(caught.value)
