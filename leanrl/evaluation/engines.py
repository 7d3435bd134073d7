"""The engine that draws an evaluation: which one, opened for the model, with as many slots as memory has room for."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leanrl.errors import MissingError
from leanrl.evaluation.asked import Asked, EngineName
from leanrl.machine.environment import host_memory_bytes, installed_vllm
from leanrl.machine.installation import install_extras
from leanrl.prompting.rendering import Prompt
from leanrl.rollout.streams.prompts import PromptReader

if TYPE_CHECKING:
    from leanrl.eval.benchmarks.protocols import Protocol
    from leanrl.models.answerer import FoundAnswerer
    from leanrl.rollout.streams.stream import CompletionStream

# Of memory that is free when the model is loaded, for the KV cache of rows at their longest.
_CACHE_SHARE = 0.6
_MOST_SLOTS_OF_CARD, _MOST_SLOTS_OF_CPU = 64, 16


@dataclass(frozen=True)
class LocalModel:
    """A model whose weights are here, with what reads its prompts."""

    found: "FoundAnswerer"
    tokenizer: Any
    reader: PromptReader

    def prompt_texts(self, prompts: list[Prompt]) -> list[str]:
        return self.reader.texts(prompts)


def choose_engine(asked: Asked) -> EngineName:
    """Return the engine that was named, or vLLM where it is installed.

    Raises:
        MissingError: if vLLM is named and not installed.
    """
    if asked.endpoint is not None:
        return "endpoint"
    if asked.engine == "vllm" and installed_vllm() is None:
        raise MissingError(
            "--engine is vllm, and vLLM is not installed.", hint=f"{install_extras('vllm')}, or --engine hf"
        )
    return asked.engine or ("hf" if installed_vllm() is None else "vllm")


def dtype_here(found: "FoundAnswerer", engine: EngineName) -> str:
    """Return the numbers that an engine computes in: those of the weights, but fp32 where transformers has a CPU alone.

    Most CPUs compute 16-bit numbers several times slower.
    """
    import torch

    return "float32" if engine == "hf" and not torch.cuda.is_available() else found.model.dtype


def read_model(found: "FoundAnswerer", protocol: "Protocol") -> LocalModel:
    """Load what turns prompts into tokens; no weights.

    Raises:
        ConfigError: if the tokenizer cannot be used.
    """
    from leanrl.models.load import causal_config

    tokenizer = found.load_tokenizer()
    reader = PromptReader(
        tokenizer,
        template_kwargs=found.config.model.chat_template_kwargs,
        max_completion_tokens=protocol.max_completion_tokens,
        context_tokens=getattr(causal_config(found.located).get_text_config(), "max_position_embeddings", None),
    )
    return LocalModel(found, tokenizer, reader)


def open_stream(
    local: LocalModel | None, protocol: "Protocol", engine: EngineName, *, longest_prompt_tokens: int
) -> "CompletionStream":
    """Load the model and return what draws from it."""
    assert local is not None, "an endpoint has a stream of its own"
    if engine == "vllm":
        raise MissingError("an evaluation by vLLM is not built yet.", hint="--engine hf")
    return open_hf(local, protocol, longest_prompt_tokens=longest_prompt_tokens)


def open_hf(local: LocalModel, protocol: "Protocol", *, longest_prompt_tokens: int) -> "CompletionStream":
    """Load the model onto the card, or the CPU, and return a stream on it."""
    import torch

    from leanrl.prompting.stopping import stopping_of
    from leanrl.rollout.streams.hf import HfStream
    from leanrl.rollout.streams.stream import StreamSampling

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = local.found.load_model(dtype=dtype_here(local.found, "hf")).to(device)
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    longest = longest_prompt_tokens + protocol.max_completion_tokens
    sampling = StreamSampling(protocol.temperature, protocol.top_p, protocol.max_completion_tokens)
    return HfStream(
        model,
        local.tokenizer,
        reader=local.reader,
        stopping=stopping_of(local.tokenizer, model),
        sampling=sampling,
        num_slots=_num_slots(base, longest_tokens=longest),
    )


def _num_slots(model: Any, *, longest_tokens: int) -> int:
    """Return how many rows of the longest length the free memory has room for, at least one."""
    import torch

    from leanrl.models.structure.shape import shape_of
    from leanrl.planner.memory.kv_cache import sequence_kv_bytes

    is_on_card = model.device.type == "cuda"
    free_bytes = torch.cuda.mem_get_info(model.device)[0] if is_on_card else host_memory_bytes() // 2
    row_bytes = sequence_kv_bytes(shape_of(model.config), tokens=longest_tokens, bytes_per_number=model.dtype.itemsize)
    most = _MOST_SLOTS_OF_CARD if is_on_card else _MOST_SLOTS_OF_CPU
    return max(1, min(most, int(free_bytes * _CACHE_SHARE) // max(1, row_bytes)))
