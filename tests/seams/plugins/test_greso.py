"""GRESO: prompts without signal are asked less often."""

import json
from dataclasses import replace
from math import sqrt
from random import Random

import pytest

from leanrl.config.sections.algorithm import Choice
from leanrl.curation.ranking.ranks import seen_of
from leanrl.errors import ConfigError
from leanrl.seams.registry import make_plugin
from tests.seams.plugins.groups import make_context, make_visit

EASY, HARD, MIXED = make_visit([1, 1, 1, 1]), make_visit([0, 0, 0, 0]), make_visit([1, 0, 0, 0])


def _greso(**options):
    return make_plugin(Choice("choose_prompts", "greso", options))


@pytest.mark.parametrize("visit", [EASY, HARD])
def test_the_worked_probabilities(visit):
    """z 0 to 4 at p 0.5: skipped with 0, 0.5, 0.75, 0.875, 0.9375; never with more than 0.99."""
    skipped = [1 - _greso().ask_probability([MIXED] + [visit] * z) for z in range(5)]
    assert skipped == pytest.approx([0, 0.5, 0.75, 0.875, 0.9375])
    assert _greso().ask_probability([visit] * 50) == 0.01


def test_only_the_latest_visits_in_a_row_count_and_easy_and_hard_apart():
    greso = _greso()
    assert greso.ask_probability([EASY, EASY, MIXED]) == 1.0
    assert greso.ask_probability([EASY, MIXED, EASY]) == 0.5
    assert greso.ask_probability([EASY, EASY, HARD]) == 0.5
    greso.load_state_dict({"p_easy": 0.2, "p_hard": 0.8})
    assert greso.ask_probability([HARD, EASY]) == pytest.approx(0.2)
    assert greso.ask_probability([EASY, HARD, HARD]) == pytest.approx(0.64)


def test_signal_is_the_number_correct_and_not_the_reward():
    """All right with different rewards has no signal; one right of four has, though another reward evens it out."""
    assert _greso().ask_probability([_with_rewards(EASY, (1.0, 1.5, 1.0, 1.0))]) == 0.5
    assert _greso().ask_probability([_with_rewards(MIXED, (0.5,) * 4)]) == 1.0


def test_a_prompt_without_visits_is_asked():
    assert _greso()(["new", "newer"], make_context({})) == [True, True]


def test_no_prompts_give_no_decisions():
    assert _greso()([], make_context({})) == []


@pytest.mark.parametrize(("z", "chance"), [(1, 0.5), (2, 0.25), (4, 0.0625), (9, 0.01)])
def test_prompts_are_asked_as_often_as_they_should(z, chance):
    """10,000 prompts, within three standard errors."""
    names = [f"p{number}" for number in range(10_000)]
    asked = sum(_greso()(names, make_context({name: [HARD] * z for name in names})))
    assert abs(asked / 10_000 - chance) < 3 * sqrt(chance * (1 - chance) / 10_000)


def test_decisions_are_those_of_the_generator_of_seed_step_and_prompt():
    """Equal on another rank, in another order and after a resume; other steps decide anew."""
    names = [f"p{number}" for number in range(200)]
    history = {name: [EASY] for name in names}
    first = _greso()(names, make_context(history, step=3))
    resumed = _greso()
    resumed.load_state_dict(json.loads(json.dumps(_greso().state_dict())))
    assert resumed(names, make_context(history, step=3)) == first
    assert _greso()(names[::-1], make_context(history, step=3)) == first[::-1]
    assert _greso()(names, make_context(history, step=4)) != first
    assert {True, False} == set(first)


def _after(greso, visits, *, epoch=1, times=1):
    for _ in range(times):
        greso.after_groups([("a", visit) for visit in visits], make_context({}, epoch=epoch))
    return greso.p_easy, greso.p_hard


def test_probabilities_fall_above_the_target_and_rise_below_it():
    """Three steps with 8 of 12 groups too easy (target 1/12) and none too hard (target 1/6): 0.47 and 0.53."""
    assert _after(_greso(), [EASY] * 8 + [MIXED] * 4, times=3) == pytest.approx((0.47, 0.53))
    assert _after(_greso(), [HARD] * 8 + [MIXED] * 4, times=3) == pytest.approx((0.53, 0.47))


def test_a_share_at_its_target_counts_as_reached():
    """1 of 12 is a third of 0.25; 2 of 12 are two thirds of it."""
    assert _after(_greso(), [EASY] + [MIXED] * 11) == pytest.approx((0.49, 0.51))
    assert _after(_greso(), [HARD] * 2 + [MIXED] * 10) == pytest.approx((0.51, 0.49))
    assert _after(_greso(), [HARD] + [MIXED] * 11) == pytest.approx((0.51, 0.51))


def test_probabilities_keep_their_bounds():
    assert _after(_greso(), [EASY, HARD], times=99) == pytest.approx((0.05, 0.05))
    assert _after(_greso(), [MIXED], times=99) == pytest.approx((0.95, 0.95))


def test_the_first_epoch_and_a_step_without_groups_teach_nothing():
    assert _after(_greso(), [EASY], epoch=0) == (0.5, 0.5)
    assert _after(_greso(), []) == (0.5, 0.5)


def test_its_state_goes_on_from_a_checkpoint():
    """Plain JSON, and the next steps are those of a run that was not cut off."""
    whole, before = _greso(), _greso()
    _after(whole, [EASY, MIXED], times=5)
    _after(before, [EASY, MIXED], times=2)
    after = _greso()
    after.load_state_dict(json.loads(json.dumps(before.state_dict())))
    _after(after, [EASY, MIXED], times=3)
    assert after.state_dict() == whole.state_dict() != _greso().state_dict()


@pytest.mark.parametrize(
    ("before", "visits", "expected"),
    [
        (0, [], 1.0),
        (2, [], 0.25),
        (-1, [HARD], 0.25),
        (-3, [MIXED], 1.0),
        (3, [HARD], 0.5),
        (-3, [MIXED, HARD], 0.5),
    ],
)
def test_groups_before_the_run_count_until_the_first_that_breaks_the_row(before, visits, expected):
    assert _greso().ask_probability(visits, before) == expected


def test_a_run_goes_on_where_the_run_that_was_ranked_has_stopped():
    """The number in a file of `leanrl data rank` stands for all earlier visits: 200 histories, cut anywhere."""
    draws = Random(3)
    for _ in range(200):
        visits = draws.choices([EASY, HARD, MIXED], k=draws.randint(1, 6))
        cut = draws.randint(1, len(visits))
        before = seen_of(visits[:cut]).in_a_row
        assert _greso().ask_probability(visits[cut:], before) == _greso().ask_probability(visits)


def test_the_first_epoch_turns_down_by_a_column_of_the_data():
    """1,000 prompts with 2 groups in a row that were all wrong: a quarter is asked, and those without a value are."""
    names = [f"p{number}" for number in range(1000)]
    columns = {name: {"leanrl_in_a_row": -2} for name in names} | {"new": {"leanrl_in_a_row": None}}
    decisions = _greso(column="leanrl_in_a_row")([*names, "new", "newer"], make_context({}, columns=columns))
    assert decisions[-2:] == [True, True]
    assert abs(sum(decisions[:-2]) / 1000 - 0.25) < 3 * sqrt(0.25 * 0.75 / 1000)
    assert all(_greso()(names, make_context({}, columns=columns)))


def test_p_moves_from_the_first_epoch_on_where_a_column_is_read():
    assert _after(_greso(column="seen"), [EASY] * 8 + [MIXED] * 4, epoch=0, times=3) == pytest.approx((0.47, 0.53))


@pytest.mark.parametrize("value", [0.5, "easy", True])
def test_a_column_that_counts_no_groups_is_refused(value):
    greso = _greso(column="level")
    greso.check_value(-3)
    greso.check_value(None)
    with pytest.raises(ValueError, match="a whole number of groups"):
        greso.check_value(value)


@pytest.mark.parametrize("option", ["start", "target_share", "change", "floor"])
def test_options_are_shares(option):
    with pytest.raises(ConfigError) as caught:
        _greso(**{option: 1.5})
    assert [problem.where for problem in caught.value.problems] == [f"algorithm.choose_prompts.{option}"]


def _with_rewards(visit, rewards):
    return replace(visit, rewards_G=rewards)
