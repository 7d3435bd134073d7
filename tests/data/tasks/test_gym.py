"""Tasks of reasoning-gym: with the package where it is installed, and without."""

from importlib.util import find_spec

import pytest

from leanrl.curation.recipes.files import load_recipe
from leanrl.data.tasks.gym import gym_rows
from leanrl.errors import ConfigError, MissingError
from leanrl.grading.pool import GraderPool
from leanrl.grading.scorers.gold import own_answer
from leanrl.types import GradeRequest

IS_INSTALLED = find_spec("reasoning_gym") is not None
needs_gym = pytest.mark.skipif(not IS_INSTALLED, reason="reasoning-gym is not installed")


@needs_gym
@pytest.mark.parametrize("name", ["chain_sum", "leg_counting", "word_sorting", "syllogism"])
def test_own_answers_are_right_and_others_are_not(name: str):
    rows = list(gym_rows(f"reasoning_gym:{name}", num_rows=4, seed=1, options={}))
    golds = [row.task.answers[0] for row in rows]
    with GraderPool(num_workers=1) as pool:
        right = pool.grade([GradeRequest(f"\\boxed{{{own_answer(gold)}}}", gold) for gold in golds])
        wrong = pool.grade([GradeRequest("\\boxed{none of it}", gold) for gold in golds])
    assert [verdict.reason for verdict in right] == ["correct"] * len(rows)
    assert not any(verdict.correct for verdict in wrong)


@needs_gym
def test_what_it_does_not_have_is_named():
    with pytest.raises(ConfigError, match="chain_sums") as caught:
        list(gym_rows("reasoning_gym:chain_sums", num_rows=1, seed=1, options={}))
    assert "`chain_sum`" in caught.value.hint
    with pytest.raises(ConfigError, match="refuses its settings"):
        list(gym_rows("reasoning_gym:chain_sum", num_rows=1, seed=1, options={"no_such": 1}))


@pytest.mark.skipif(IS_INSTALLED, reason="reasoning-gym is installed")
def test_without_the_package_its_extra_is_named():
    with pytest.raises(MissingError) as caught:
        next(gym_rows("reasoning_gym:chain_sum", num_rows=1, seed=1, options={}))
    assert "tasks" in caught.value.hint


def test_a_recipe_takes_its_name(tmp_path):
    recipe = tmp_path / "gym.yaml"
    recipe.write_text("parts:\n  p:\n    sources:\n      s: {generator: 'reasoning_gym:chain_sum', num_rows: 3}\n")
    assert load_recipe(str(recipe), ["parts.p.sources.s.options={min_terms: 2}"]).parts[0].name == "p"
    with pytest.raises(ConfigError, match="sums has none"):
        load_recipe(str(recipe), ["parts.p.sources.s.generator=sums", "parts.p.sources.s.options={min_terms: 2}"])
