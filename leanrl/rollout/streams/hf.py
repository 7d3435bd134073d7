"""The stream on transformers: a batch whose rows are replaced as they end.

B rows, V tokens of the vocabulary, W columns of the KV cache.
"""

import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from leanrl.prompting.rendering import completion_texts
from leanrl.prompting.stopping import Stopping
from leanrl.rollout.hf import generating, pad_left
from leanrl.rollout.streams.picking import pick_tokens
from leanrl.rollout.streams.prompts import PromptReader
from leanrl.rollout.streams.rows import CachedRows, can_join, join, keep_rows
from leanrl.rollout.streams.stream import SlotMeter, StreamAnswer, StreamRequest, StreamSampling, Take

# New rows are read together: joining them copies the whole cache, which a single free slot is not worth.
_REFILL_SHARE = 0.125


@dataclass
class _Row:
    request: StreamRequest
    longest: int
    uniforms: random.Random
    started: float
    token_ids: list[int] = field(default_factory=list)
    has_ended: bool = False


class HfStream:
    """`CompletionStream` on a transformers model.

    Each row has a random generator of its own, seeded by its request. Models whose layers have a sliding window or a
    state are drawn batch by batch, as their rows cannot be joined.

    Args:
        model: on its device.
        reader: renders prompts and bounds completions.
        num_slots: rows of the batch.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        *,
        reader: PromptReader,
        stopping: Stopping,
        sampling: StreamSampling,
        num_slots: int,
    ) -> None:
        self.meter = SlotMeter()
        self._model: PreTrainedModel | None = model
        self._tokenizer = tokenizer
        self._reader = reader
        self._stopping = stopping
        self._sampling = sampling
        self._num_slots = num_slots
        self._rows: list[_Row] = []
        self._cached: CachedRows | None = None

    def draw(self, take: Take) -> Iterator[StreamAnswer]:
        assert self._model is not None, "the stream is closed"
        self._rows, self._cached = [], None
        with generating(self._model):
            while self._refill(take) or self._rows:
                yield from self._take_ended()
                if self._rows:
                    self._step()
        self._cached = None

    def close(self) -> None:
        self._model = self._cached = None

    def _refill(self, take: Take) -> bool:
        """Read new prompts into free slots, where enough are free; return whether there were any."""
        num_free = self._num_slots - len(self._rows)
        can_add = not self._rows or (self._cached is not None and can_join(self._cached.cache))
        if not can_add or num_free < max(1, round(self._num_slots * _REFILL_SHARE)):
            return False
        requests = [request for request in (take() for _ in range(num_free)) if request is not None]
        if requests:
            self._read(requests)
        return bool(requests)

    @torch.no_grad()
    def _read(self, requests: Sequence[StreamRequest]) -> None:
        """Read the prompts of new rows, which gives the first token of each."""
        assert self._model is not None
        now = time.monotonic()
        prompts = [self._reader.ids(request.prompt) for request in requests]
        rows = [
            _Row(request, self._reader.longest_completion(ids), random.Random(request.seed), now)
            for request, ids in zip(requests, prompts, strict=True)
        ]
        input_ids, mask_B_W = pad_left(prompts, self._stopping.pad_id, self._model.device)
        positions_B_W = (mask_B_W.cumsum(-1) - 1).clamp(min=0)
        output = self._model(
            input_ids=input_ids, attention_mask=mask_B_W, position_ids=positions_B_W, use_cache=True, logits_to_keep=1
        )
        read = CachedRows(output.past_key_values, mask_B_W, self._pick(output.logits[:, -1], rows))
        self._cached = read if self._cached is None or not self._rows else join(self._cached, read)
        # A first token each; rows that are in decoding wait meanwhile.
        self.meter.count(num_busy=len(rows), num_slots=self._num_slots - len(self._rows))
        self._rows += rows

    @torch.no_grad()
    def _step(self) -> None:
        """Read the last token of every row, which gives the next one of each."""
        assert self._model is not None
        cached = self._cached
        assert cached is not None
        mask_B_W = torch.nn.functional.pad(cached.mask_B_W, (0, 1), value=1)
        output = self._model(
            input_ids=cached.last_B[:, None],
            attention_mask=mask_B_W,
            position_ids=cached.positions()[:, None],
            past_key_values=cached.cache,
            use_cache=True,
            logits_to_keep=1,
        )
        self._cached = CachedRows(output.past_key_values, mask_B_W, self._pick(output.logits[:, -1], self._rows))
        self._count()

    def _pick(self, logits_B_V: Tensor, rows: Sequence[_Row]) -> Tensor:
        uniforms_B = torch.tensor([row.uniforms.random() for row in rows], device=logits_B_V.device)
        last_B = pick_tokens(logits_B_V, uniforms_B, temperature=self._sampling.temperature, top_p=self._sampling.top_p)
        for row, token in zip(rows, last_B.tolist(), strict=True):
            if not row.has_ended:
                row.token_ids.append(token)
        return last_B

    def _take_ended(self) -> Iterator[StreamAnswer]:
        """Yield the rows that have just ended. They leave the batch, or stay in it until all have ended."""
        ended = [row for row in self._rows if not row.has_ended and self._is_at_end(row)]
        for row in ended:
            row.has_ended = True
        if ended:
            assert self._cached is not None
            kept = [number for number, row in enumerate(self._rows) if not row.has_ended]
            if not kept:
                self._rows, self._cached = [], None
            elif can_join(self._cached.cache):
                self._rows, self._cached = [self._rows[number] for number in kept], keep_rows(self._cached, kept)
        for row in ended:
            yield self._answer(row)

    def _is_at_end(self, row: _Row) -> bool:
        return row.token_ids[-1] in self._stopping.stop_ids or len(row.token_ids) >= row.longest

    def _count(self) -> None:
        self.meter.count(num_busy=sum(not row.has_ended for row in self._rows), num_slots=self._num_slots)

    def _answer(self, row: _Row) -> StreamAnswer:
        return StreamAnswer(
            row.request.key,
            completion_texts(self._tokenizer, [row.token_ids])[0],
            len(row.token_ids),
            is_truncated=row.token_ids[-1] not in self._stopping.stop_ids,
            seconds=time.monotonic() - row.started,
        )
