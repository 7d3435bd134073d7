"""A model whose tokens see those behind them is refused before step 1."""

import pytest

from leanrl.errors import ConfigError
from tests.families.family import Family
from tests.families.rows.experts import EXPERTS
from tests.families.rows.sizes import SIZE
from tests.families.tiny import make_tiny_family
from tests.trainer.small_trainer import Notes, small_config, small_trainer

DOGE = Family("doge", "doge", "a mask of its own beside the causal one", SIZE)
MIXTRAL = next(family for family in EXPERTS if family.name == "mixtral")


def _build(folder, run_path, **model):
    tuning = {"rank": 4, "targets": ["q_proj"]}
    chosen = {"id": str(folder), "dtype": "float32", "compute_dtype": "float32", "tuning": tuning}
    return small_trainer(small_config(folder, model=chosen | model), run_path, listener=Notes())


def test_a_family_whose_sdpa_is_not_causal_is_refused_with_the_key(tmp_path):
    """transformers 5.17 gives Doge's own mask to sdpa, which is causal only without one; eager adds both."""
    folder = make_tiny_family(tmp_path / "model", DOGE)
    with pytest.raises(ConfigError, match=r"on sdpa tokens of .* see those behind them") as refused:
        _build(folder, tmp_path / "sdpa")
    assert refused.value.hint == "-s model.attention=eager"
    _build(folder, tmp_path / "eager", attention="eager")


@pytest.mark.parametrize("compute_dtype", ["float32", "bfloat16"])
def test_experts_round_and_are_causal(compute_dtype, tmp_path):
    """Other tokens behind a place change how many tokens an expert multiplies at once."""
    folder = make_tiny_family(tmp_path / "model", MIXTRAL)
    _build(folder, tmp_path / "run", compute_dtype=compute_dtype)
