"""How many prompts are drawn in the place of dropped groups."""

import pytest

from leanrl.config.sections.algorithm import Choice
from leanrl.errors import ConfigError
from leanrl.seams.registry import make_plugin


def _prompts(wanted, kept, dropped_share, round_number=1, **options):
    return make_plugin(Choice("refill", "until_full", options))(wanted, kept, dropped_share, round_number)


def test_the_worked_number():
    """48 groups of 8 are missing (384 completions), 45 % are dropped: int(48 / 0.55 * 1.25) = 109."""
    assert _prompts(128, 80, 0.45) == 109
    assert _prompts(128, 80, 0.45, margin=1.0) == 87


@pytest.mark.parametrize(("kept", "dropped_share"), [(128, 0.0), (130, 0.45), (128, 1.0)])
def test_a_full_step_draws_nothing(kept, dropped_share):
    assert _prompts(128, kept, dropped_share) == 0


def test_it_draws_at_most_a_step():
    assert _prompts(12, 0, 0.9) == 12


@pytest.mark.parametrize("dropped_share", [1.0, 1.5, float("nan")])
def test_without_any_live_group_it_draws_a_step(dropped_share):
    """A fraction of 1 is no division by 0."""
    assert _prompts(12, 0, dropped_share) == 12


def test_something_is_drawn_while_something_is_missing():
    """A refill that rounds to 0 would leave a step short for ever."""
    found = [_prompts(wanted, wanted - 1, share) for wanted in (1, 2, 128) for share in (0.0, 0.1, 0.999)]
    assert min(found) >= 1


def test_it_gives_up_after_its_rounds():
    """`round_number` is 1 before the first refill."""
    assert [_prompts(12, 6, 0.5, number, max_rounds=2) for number in (1, 2, 3, 99)] == [12, 12, 0, 0]
    assert (_prompts(12, 6, 0.5, 10), _prompts(12, 6, 0.5, 11)) == (12, 0)


@pytest.mark.parametrize("options", [{"max_rounds": 0}, {"margin": 0.5}, {"margin": float("inf")}])
def test_an_unusable_option_is_named(options):
    with pytest.raises(ConfigError) as caught:
        _prompts(12, 6, 0.5, **options)
    assert [problem.where for problem in caught.value.problems] == [f"algorithm.refill.{name}" for name in options]
