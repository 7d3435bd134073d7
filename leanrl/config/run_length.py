"""The length of a run in optimizer steps, where it is asked for in epochs."""

import math

from leanrl.config.schema import RunConfig


def with_run_length(config: RunConfig, *, num_rows: int) -> RunConfig:
    """Return the config with `train.max_steps` for its epochs over `num_rows` problems; as it is where none are asked.

    An epoch is as many whole rollouts as the problems make. A part of an epoch is rounded up to a whole rollout, and a
    rollout serves `steps_per_rollout` steps. The result names no epochs: it is fixed from then on.
    """
    if config.train.epochs is None:
        return config
    num_rollouts = max(1, math.ceil(config.train.epochs * (num_rows // config.train.num_prompts)))
    length = {"max_steps": num_rollouts * config.steps_per_rollout, "num_epochs": None}
    return config.model_copy(update={"train": config.train.model_copy(update=length)})
