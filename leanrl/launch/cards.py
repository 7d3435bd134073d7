"""Which of a machine's cards train and which generate, by the numbers that CUDA_VISIBLE_DEVICES takes."""

import os
from collections.abc import Mapping

from leanrl.config.schema import RunConfig

VISIBLE = "CUDA_VISIBLE_DEVICES"
# Set by leanrl's own launcher, whose ranks see the training cards only.
ROLLOUT = "LEANRL_ROLLOUT_CARDS"


def training_cards(config: RunConfig, environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return the first cards of those that this process sees."""
    return _cards(config, environment)[: _num_training(config)]


def rollout_cards(config: RunConfig, environment: Mapping[str, str] = os.environ) -> list[str]:
    """Return the cards behind those that train, which are kept for rollouts only."""
    if ROLLOUT in environment:
        return environment[ROLLOUT].split(",")
    return _cards(config, environment)[_num_training(config) : config.hardware.num_gpus]


def num_cards_in_sight(config: RunConfig, environment: Mapping[str, str] = os.environ) -> int:
    """Return how many cards this process has to see: a rank that leanrl launched sees none of those for rollouts."""
    return _num_training(config) if ROLLOUT in environment else config.hardware.num_gpus


def _num_training(config: RunConfig) -> int:
    return config.hardware.num_gpus - config.rollout.num_gpus


def _cards(config: RunConfig, environment: Mapping[str, str]) -> list[str]:
    visible = environment.get(VISIBLE)
    return visible.split(",") if visible else [str(index) for index in range(config.hardware.num_gpus)]
