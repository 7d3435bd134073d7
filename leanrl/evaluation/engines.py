"""The engine that draws an evaluation: which one, opened for the model, with as many slots as memory has room for."""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leanrl.errors import MissingError
from leanrl.evaluation.address import SILENCE_VARIABLE, key_for, require_address, silent_seconds
from leanrl.evaluation.asked import Asked, EngineName
from leanrl.machine.environment import host_memory_bytes, installed_vllm
from leanrl.machine.installation import install_extras
from leanrl.prompting.rendering import Prompt
from leanrl.rollout.streams.prompts import PromptReader

if TYPE_CHECKING:
    from leanrl.eval.benchmarks.protocols import Protocol
    from leanrl.models.answerer import FoundAnswerer
    from leanrl.rollout.streams.stream import CompletionStream, StreamSampling

# Of memory that is free when the model is loaded, for the KV cache of rows at their longest.
_CACHE_SHARE = 0.6
_MOST_SLOTS_OF_CARD, _MOST_SLOTS_OF_CPU, MOST_SLOTS_OF_VLLM = 64, 16, 128
_SLOTS_OF_ENDPOINT = 32
_CPU_BLOCK_TOKENS = 32  # of vLLM's KV cache, as in training (rollout/vllm/engine_arguments.py)


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
        ConfigError: if an endpoint is asked by an address that is none, or with a silence that is no number.
        MissingError: if vLLM is named and not installed.
    """
    if asked.endpoint is not None:
        require_address(asked.endpoint)
        silent_seconds(os.environ)
        return "endpoint"
    if asked.engine == "vllm" and installed_vllm() is None:
        raise MissingError(
            "--engine is vllm, and vLLM is not installed.", hint=f"{install_extras('vllm')}, or --engine hf"
        )
    return asked.engine or ("hf" if installed_vllm() is None else "vllm")


def dtype_here(found: "FoundAnswerer", engine: EngineName) -> str:
    """Return the numbers that an engine computes in: those of the run or the files, but fp32 on a CPU by transformers.

    Most CPUs compute 16-bit numbers several times slower.
    """
    import torch

    return "float32" if engine == "hf" and not torch.cuda.is_available() else found.served_dtype


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
    local: LocalModel, protocol: "Protocol", engine: EngineName, *, longest_prompt_tokens: int
) -> "CompletionStream":
    """Load the model and return what draws from it.

    Raises:
        ConfigError: if the weights are damaged, or vLLM cannot serve the model.
        DoesNotFitError: if vLLM finds too little memory.
    """
    from leanrl.rollout.streams.stream import StreamSampling

    sampling = StreamSampling(protocol.temperature, protocol.top_p, protocol.max_completion_tokens)
    longest_tokens = local.reader.longest_row(longest_prompt_tokens)
    opened = _open_vllm if engine == "vllm" else _open_hf
    return opened(local, sampling, longest_tokens=longest_tokens)


def open_endpoint(url: str, model: str, protocol: "Protocol", *, say: Callable[[str], None]) -> "CompletionStream":
    """Return a stream on an OpenAI-compatible server; `say` hears of answers that are asked for again."""
    from leanrl.rollout.streams.endpoint import EndpointStream
    from leanrl.rollout.streams.stream import StreamSampling

    sampling = StreamSampling(protocol.temperature, protocol.top_p, protocol.max_completion_tokens)
    key = key_for(url, os.environ)
    return EndpointStream(
        url,
        model,
        key=key,
        sampling=sampling,
        num_slots=_SLOTS_OF_ENDPOINT,
        silent_seconds=silent_seconds(os.environ),
        longer=f"export {SILENCE_VARIABLE}=60",
        say=say,
    )


def _open_hf(local: LocalModel, sampling: "StreamSampling", *, longest_tokens: int) -> "CompletionStream":
    """Load the model onto the card, or the CPU, and return a stream on it."""
    import torch

    from leanrl.prompting.stopping import stopping_of
    from leanrl.rollout.streams.hf import HfStream

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = local.found.load_model(dtype=dtype_here(local.found, "hf")).to(device)
    return HfStream(
        model,
        local.tokenizer,
        reader=local.reader,
        stopping=stopping_of(local.tokenizer, model),
        sampling=sampling,
        num_slots=_num_slots(local, "hf", longest_tokens=longest_tokens),
    )


def _open_vllm(local: LocalModel, sampling: "StreamSampling", *, longest_tokens: int) -> "CompletionStream":
    """Start vLLM in this process on the base, with the adapter beside it where there is one."""
    import torch

    from leanrl.models.load import causal_config, stopping_without_weights
    from leanrl.rollout.streams.vllm import VllmStream
    from leanrl.rollout.vllm.servable import lora_buffer_rank, require_servable

    found, num_slots = local.found, _num_slots(local, "vllm", longest_tokens=longest_tokens)
    lora = None if found.adapter is None else found.adapter.lora
    require_servable(lora, causal_config(found.located), max_model_tokens=longest_tokens)
    arguments: dict[str, Any] = {
        "model": found.located.path_or_id,
        "revision": found.located.revision,
        "dtype": dtype_here(found, "vllm"),
        "seed": 0,  # every request has a seed of its own
        "max_model_len": longest_tokens,
        "max_num_seqs": num_slots,
        "generation_config": "vllm",
        "trust_remote_code": found.located.trust_remote_code,
        "disable_log_stats": True,
        "use_tqdm_on_load": False,
    }
    if not torch.cuda.is_available():
        arguments |= {"enforce_eager": True, "block_size": _CPU_BLOCK_TOKENS}
        arguments["kv_cache_memory_bytes"] = (num_slots + 1) * _row_bytes(local, "vllm", longest_tokens=longest_tokens)
    if lora is not None:
        arguments |= {"enable_lora": True, "max_lora_rank": lora_buffer_rank(lora.r), "max_loras": 1}
    return VllmStream(
        arguments,
        local.tokenizer,
        adapter=None if found.adapter is None else found.adapter.folder,
        reader=local.reader,
        stopping=stopping_without_weights(local.tokenizer, found.located),
        sampling=sampling,
    )


def _num_slots(local: LocalModel, engine: EngineName, *, longest_tokens: int) -> int:
    """Return how many rows of the longest length the free memory has room for, at least one.

    On a card vLLM itself finds out, and lets rows wait that have no room.
    """
    import torch

    is_on_card = torch.cuda.is_available()
    if is_on_card and engine == "vllm":
        return MOST_SLOTS_OF_VLLM
    free_bytes = torch.cuda.mem_get_info()[0] if is_on_card else host_memory_bytes() // 2
    most = _MOST_SLOTS_OF_CARD if is_on_card else _MOST_SLOTS_OF_CPU
    row_bytes = _row_bytes(local, engine, longest_tokens=longest_tokens)
    return max(1, min(most, int(free_bytes * _CACHE_SHARE) // row_bytes))


def _row_bytes(local: LocalModel, engine: EngineName, *, longest_tokens: int) -> int:
    """Return the bytes of the KV cache of one row, in whole blocks."""
    from leanrl.models.load import causal_config
    from leanrl.models.structure.shape import shape_of
    from leanrl.planner.memory.kv_cache import sequence_kv_bytes

    blocks_tokens = math.ceil(longest_tokens / _CPU_BLOCK_TOKENS) * _CPU_BLOCK_TOKENS
    bytes_per_number = 4 if dtype_here(local.found, engine) == "float32" else 2
    shape = shape_of(causal_config(local.found.located))
    return max(1, sequence_kv_bytes(shape, tokens=blocks_tokens, bytes_per_number=bytes_per_number))
