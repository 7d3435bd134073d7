"""The mix as a schedule: shares that hold over steps, move over a run, and follow the run's own pass rates."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import cycle
from random import Random
from typing import Any

import pytest

from leanrl.config.sections.algorithm import Choice
from leanrl.errors import ConfigError
from leanrl.seams.registry import find_problems, make_plugin
from leanrl.types import Visit
from tests.seams.plugins.groups import make_context, make_visit

WANTED = 4


def plugin(name: str, **options: Any) -> Any:
    return make_plugin(Choice("choose_prompts", name, options))


def asked(
    chooser: Any, offered: Any, levels: Mapping[str, str], *, step: int, visits: Mapping[str, Sequence[Visit]] = {}
) -> list[str]:
    """Return the prompts of one step, offered as the trainer offers them: as many at a time as are missing."""
    context = replace(make_context(visits, step=step), columns=lambda each: {"level": levels.get(each)})
    chosen: list[str] = []
    while len(chosen) < WANTED:
        batch = [next(offered) for _ in range(WANTED - len(chosen))]
        chosen += [each for each, is_chosen in zip(batch, chooser(batch, context), strict=True) if is_chosen]
    return chosen


def counts(chooser: Any, levels: Mapping[str, str], *, steps: Sequence[int]) -> list[Counter[str]]:
    offered = cycle(levels)
    return [Counter(levels[each] for each in asked(chooser, offered, levels, step=step)) for step in steps]


def prompts(**numbers: int) -> dict[str, str]:
    """Return prompts of levels, in a random order."""
    named = [(f"{level}{number}", level) for level, count in numbers.items() for number in range(count)]
    Random(0).shuffle(named)
    return dict(named)


def test_a_fixed_mix_holds_in_every_step_whatever_the_data_has():
    """1 easy to 3 hard of 4 prompts, though 9 of 10 are easy."""
    chooser = plugin("mix", start={"Easy": 1, "Hard": 3}, patience=99)
    assert counts(chooser, prompts(Easy=90, Hard=10), steps=range(6)) == [Counter(Easy=1, Hard=3)] * 6


def test_shares_that_no_step_can_have_hold_over_steps():
    """A third of 4 prompts is 1 1/3: of 12 prompts in three steps it is 4."""
    found = counts(plugin("mix", start={"a": 1, "b": 2}), prompts(a=50, b=50), steps=range(3))
    assert sum(found, Counter()) == Counter(a=4, b=8)


def test_shares_move_from_easy_to_hard():
    """Over 10 steps from 1:0 to 0:1; at step 5 half of each, and level numbers of YAML are names."""
    chooser = plugin("mix", start={1: 1.0}, end={3: 1.0}, steps=10)
    assert chooser.shares(0) == {"1": 1.0, "3": 0.0}
    assert chooser.shares(5) == {"1": 0.5, "3": 0.5}
    assert chooser.shares(99) == {"1": 0.0, "3": 1.0}
    found = counts(chooser, prompts(**{"1": 50, "2": 50, "3": 50}), steps=[0, 5, 10])
    assert [sorted(each.items()) for each in found] == [[("1", 4)], [("1", 2), ("3", 2)], [("3", 4)]]


def test_a_level_that_has_run_out_is_not_waited_for_for_ever():
    """Of 4 wanted, 8 x 4 prompts are turned down, then what comes is taken."""
    offered = iter([f"a{number}" for number in range(1000)])
    levels = {f"a{number}": "a" for number in range(1000)}
    chosen = asked(plugin("mix", start={"a": 1, "b": 1}, patience=8), offered, levels, step=0)
    assert chosen[:2] == ["a0", "a1"]
    assert int(next(offered)[1:]) == 4 + 8 * WANTED


def test_a_resumed_run_goes_on_alike():
    whole, first, second = (plugin("mix", start={"a": 1, "b": 2}) for _ in range(3))
    levels = prompts(a=50, b=50)
    expected = counts(whole, levels, steps=range(7))
    begun = counts(first, levels, steps=range(3))
    second.load_state_dict(first.state_dict())
    assert begun == expected[:3]
    assert sum(begun + counts(second, levels, steps=range(3, 7)), Counter()) == sum(expected, Counter())


EASY, MEDIUM, HARD = make_visit([1, 1, 1, 1]), make_visit([1, 0, 1, 0]), make_visit([0, 0, 0, 0])


@pytest.mark.parametrize(
    ("visits", "kind"),
    [([], "new"), ([EASY], "easy"), ([MEDIUM], "medium"), ([HARD], "hard"), ([HARD, HARD, EASY, EASY], "easy"),
     ([HARD, EASY], "medium")],
)  # fmt: skip
def test_the_latest_pass_rates_say_what_a_prompt_is(visits: list[Visit], kind: str):
    assert plugin("own_pass_rates").kind(visits) == kind


def test_own_pass_rates_keep_easy_and_hard_together():
    visits = (
        {f"e{n}": [EASY] for n in range(80)}
        | {f"m{n}": [MEDIUM] for n in range(10)}
        | {f"h{n}": [HARD] for n in range(10)}
    )
    names = list(visits)
    Random(1).shuffle(names)
    chooser, offered = plugin("own_pass_rates", easy=1, medium=2, hard=1), cycle(names)
    found = [Counter(each[0] for each in asked(chooser, offered, {}, step=step, visits=visits)) for step in range(4)]
    assert found == [Counter(e=1, m=2, h=1)] * 4


def test_prompts_that_were_never_asked_are_asked():
    chooser = plugin("own_pass_rates", easy=0, medium=1, hard=0)
    assert asked(chooser, iter("abcdefgh"), {}, step=0) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("mix", {"start": {"a": 0}}, "no prompt could be asked"),
        ("mix", {"start": {"a": -1}}, "start"),
        ("own_pass_rates", {"easy": 0.0, "medium": 0.0, "hard": 0.0}, "no prompt could be asked"),
        ("own_pass_rates", {"easy_above": 0.2, "hard_below": 0.5}, "is above easy_above"),
    ],
)
def test_options_that_cannot_be(name: str, options: dict, said: str):
    problems = list(find_problems(Choice("choose_prompts", name, options)))
    assert said in str(problems[0])
    with pytest.raises(ConfigError):
        plugin(name, **options)
