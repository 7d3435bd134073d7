"""The stream on vLLM in this process: requests join its batch one by one, and leave it as they end."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase

from leanrl.prompting.rendering import completion_texts
from leanrl.prompting.stopping import Stopping
from leanrl.rollout.streams.prompts import PromptReader
from leanrl.rollout.streams.stream import SlotMeter, StreamAnswer, StreamRequest, StreamSampling, Take
from leanrl.rollout.vllm.colocate import free_vllm, start_vllm

# Requests that wait in vLLM for a slot, so that none stays empty until the next step.
_AHEAD_SHARE = 1 / 16


@dataclass(frozen=True)
class _Asked:
    request: StreamRequest
    started: float


class VllmStream:
    """`CompletionStream` on a `vllm.LLM`; of a run's checkpoint only the adapter is loaded beside the base.

    Args:
        arguments: keyword arguments of `vllm.LLM`; `max_num_seqs` are the slots.
        adapter: folder of a LoRA adapter as PEFT saves it, or None.
        reader: renders prompts and bounds completions.
    """

    def __init__(
        self,
        arguments: Mapping[str, Any],
        tokenizer: PreTrainedTokenizerBase,
        *,
        adapter: Path | None,
        reader: PromptReader,
        stopping: Stopping,
        sampling: StreamSampling,
    ) -> None:
        self.meter = SlotMeter()
        self._num_slots = int(arguments["max_num_seqs"])
        self._tokenizer = tokenizer
        self._reader = reader
        self._stopping = stopping
        self._sampling = sampling
        self._stance = "force_eager" if arguments.get("enforce_eager") else "default"
        self._num_asked = 0
        self._owns_process_group = not torch.distributed.is_initialized()
        self._llm: Any = start_vllm(dict(arguments), sleep_level=0)
        self._adapter = None if adapter is None else _lora_request(adapter)

    def draw(self, take: Take) -> Iterator[StreamAnswer]:
        engine = self._llm.llm_engine
        running: dict[str, _Asked] = {}
        most = self._num_slots + max(1, round(self._num_slots * _AHEAD_SHARE))
        with torch.compiler.set_stance(self._stance):
            while True:
                while len(running) < most and (request := take()) is not None:
                    running[self._add(engine, request)] = _Asked(request, time.monotonic())
                if not running:
                    return
                self.meter.count(num_busy=min(len(running), self._num_slots), num_slots=self._num_slots)
                for output in engine.step():
                    if output.finished:
                        yield self._answer(running.pop(output.request_id), output.outputs[0])

    def close(self) -> None:
        if self._llm is None:
            return
        llm, self._llm = self._llm, None
        llm.llm_engine.engine_core.shutdown()
        del llm
        free_vllm(with_process_group=self._owns_process_group)

    def _add(self, engine: Any, request: StreamRequest) -> str:
        from vllm import SamplingParams

        ids = self._reader.ids(request.prompt)
        parameters = SamplingParams(
            temperature=self._sampling.temperature,
            top_p=self._sampling.top_p,
            max_tokens=self._reader.longest_completion(ids),
            stop_token_ids=list(self._stopping.stop_ids),
            seed=request.seed,
            detokenize=False,
        )
        self._num_asked += 1
        name = str(self._num_asked)
        engine.add_request(name, {"prompt_token_ids": ids}, parameters, lora_request=self._adapter)
        return name

    def _answer(self, asked: _Asked, choice: Any) -> StreamAnswer:
        token_ids = list(choice.token_ids)
        return StreamAnswer(
            asked.request.key,
            completion_texts(self._tokenizer, [token_ids])[0],
            len(token_ids),
            is_truncated=not token_ids or token_ids[-1] not in self._stopping.stop_ids,
            seconds=time.monotonic() - asked.started,
        )


def _lora_request(adapter: Path) -> Any:
    from vllm.lora.request import LoRARequest

    return LoRARequest(adapter.name, 1, str(adapter))
