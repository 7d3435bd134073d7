"""The length of a run whose problems can be counted without a download."""

from leanrl.config.run_length import with_run_length
from leanrl.config.schema import RunConfig
from leanrl.data.load import load_problems
from leanrl.errors import LeanRLError


def with_known_length(config: RunConfig) -> RunConfig:
    """Return the config with the steps of its epochs; as it is where its problems are on the Hub or cannot be read."""
    if config.train.epochs is None or (config.data.path is None and config.data.generator in (None, "python")):
        return config
    try:
        problems = load_problems(config.data, seed=config.train.seed)
    except LeanRLError:  # `train` names what is wrong with them; a plan needs none
        return config
    return with_run_length(config, num_rows=len(problems.train))
