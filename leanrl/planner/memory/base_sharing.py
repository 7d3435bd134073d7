"""Whether trainer and colocated vLLM share one base (`rollout.share_base`): what plan and run both go by."""

from leanrl.config.checks.sharing import release_obstacle, sharing_obstacle
from leanrl.config.schema import RunConfig
from leanrl.errors import ConfigError
from leanrl.planner.models.shapes import ModelShape

# Families whose tensors `rollout.base_layout` finds among vLLM's.
_FAMILIES = ("llama", "qwen2")
# vllm 0.31.0, layers/vocab_parallel_embedding.py: DEFAULT_VOCAB_PADDING_SIZE.
_VOCABULARY_ROWS = 64


def shares_base(config: RunConfig, shape: ModelShape, *, vllm: str | None = None) -> bool:
    """Return whether the base is to exist once.

    Raises:
        ConfigError: if it has to (`rollout.share_base: true`) and cannot.
    """
    obstacle = why_separate(config, shape, vllm=vllm)
    if obstacle is not None and config.rollout.share_base is True:
        raise ConfigError(
            f"rollout.share_base is true, and the base cannot be shared: {obstacle}.",
            hint="-s rollout.share_base=auto keeps a second base where it has to",
        )
    return obstacle is None


def why_separate(config: RunConfig, shape: ModelShape, *, vllm: str | None = None) -> str | None:
    """Return why trainer and engine have a base each; None where they share one.

    `vllm` is the version on a card; None is the newest that leanrl works with, and a CPU, where none stands in the way.
    """
    if config.rollout.share_base is False:
        return "rollout.share_base is false"
    obstacle = sharing_obstacle(config) or release_obstacle(config, vllm)
    if obstacle is not None:
        return obstacle
    if shape.family not in _FAMILIES:
        return f"where a {shape.family} lies in vLLM's tensors is known for {' and '.join(_FAMILIES)} alone"
    if shape.vocab % _VOCABULARY_ROWS:
        return f"vLLM pads the vocabulary of {shape.vocab} to a multiple of {_VOCABULARY_ROWS}"
    return None
