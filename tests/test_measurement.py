"""A short sample of completions, drawn from a random tiny model with the engine that is here."""

import pytest
import torch

from leanrl.errors import ConfigError
from leanrl.measurement import NUM_COMPLETIONS, measure_lengths
from leanrl.planner.time.length_profile import LengthProfile
from tests.trainer.small_trainer import small_config

SUMS = {"generator": "one_digit_sums"}


def measured(folder, said=None, **sections) -> LengthProfile:
    config = small_config(folder, **{"data": SUMS, "rewards": {"accuracy": 1.0}, **sections})
    return measure_lengths(config, say=(said if said is not None else []).append)


def test_completions_are_drawn_and_counted(tiny_model):
    """A model that ends nearly never: all lengths are between one token and the limit, and most are cut."""
    said: list[str] = []
    profile = measured(tiny_model, said)
    assert profile.limit_tokens == 8
    assert 1 <= profile.mean_tokens <= 8
    assert profile.source == f"{NUM_COMPLETIONS} completions of {tiny_model}"
    assert said[0] == f"drawing {NUM_COMPLETIONS} completions of {tiny_model} on the CPU"
    assert said[-1].startswith("32 of 32: mean ")


def test_a_sample_is_drawn_as_the_run_draws_and_again_alike(tiny_model):
    """The seed decides, and the caller's random state does not move; a lower limit cuts."""
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first, again = measured(tiny_model), measured(tiny_model)
    assert first == again
    assert torch.equal(before, torch.random.get_rng_state())
    short = measured(tiny_model, rollout={"max_completion_tokens": 2})
    assert short.limit_tokens == 2
    assert short.mean_tokens <= 2


def test_qlora_is_measured_on_the_base_that_it_rounds(tiny_model):
    tuning = {"method": "qlora", "rank": 4}
    model = {"id": str(tiny_model), "dtype": "float32", "compute_dtype": "float32", "tuning": tuning}
    assert measured(tiny_model, model=model) == measured(tiny_model)


def test_prompts_that_are_all_too_long_are_refused(tiny_model):
    with pytest.raises(ConfigError, match="none of 32 prompts"):
        measured(tiny_model, rollout={"max_prompt_tokens": 1})
