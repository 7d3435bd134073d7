"""Three tiles in place of many: the same peaks, by phase and category."""

from contextlib import nullcontext
from dataclasses import replace

import pytest

from leanrl.algorithms import slices
from leanrl.simulate import step
from leanrl.simulate.few_tiles import few_tiles
from tests.simulate.test_step import SHAPE, config_of, phases_of

# Four tiles of words and of tokens in the head, the last of each shorter, and four of tokens in norms and MLPs.
WORDS = replace(SHAPE, num_layers=1, vocab=3 * 8192 + 100)
SIZES = {"rollout__max_prompt_tokens": 24, "rollout__max_completion_tokens": 1600, "rollout__max_model_tokens": 1624}


def test_the_first_two_and_the_last():
    with few_tiles():
        assert slices.of_tiles(23, size=5) == [slice(0, 5), slice(5, 10), slice(20, 23)]
        assert slices.of_tiles(12, size=5) == [slice(0, 5), slice(5, 10), slice(10, 12)]
        assert slices.of_tiles(4, size=5) == [slice(0, 4)]
    assert len(slices.of_tiles(23, size=5)) == 5


@pytest.mark.parametrize(
    "more",
    [
        {"model__tuning__method": "full", "algorithm__entropy_coef": 0.1},
        {"model__tuning__method": "lora", "algorithm__kl_beta": 0.04, "model__tuning__dropout": 0.1},
        {"model__tuning__method": "qlora", "train__offload_activations": "true"},
    ],
)
def test_peaks_are_those_of_all_tiles(monkeypatch, more):
    config = config_of(**SIZES, train__tile_tokens=1000, **more)
    few = phases_of(config, WORDS)
    monkeypatch.setattr(step, "few_tiles", nullcontext)
    assert phases_of(config, WORDS) == few
