"""The engine that generates with the model that is being trained: nothing travels."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext

import torch
from transformers import GenerationConfig, LogitsProcessorList, PreTrainedModel

from leanrl.prompting.generation import plain_generation
from leanrl.prompting.stopping import Stopping
from leanrl.rollout.hf import generating, pad_left
from leanrl.rollout.protocol import Completion, GroupRequest, Policy, Sampling
from leanrl.rollout.seeded_tokens import SeededTokens


class HfEngine:
    """`RolloutEngine` on transformers' generate; a sync is nothing, for it samples the trainer's own weights.

    Args:
        model: returns the model to sample, unwrapped; asked at every call, for a trainer may wrap it late.
        pad_id: fills prompts on the left.
        without_adapter: a context in which the adapter is off.
    """

    def __init__(
        self,
        model: Callable[[], PreTrainedModel],
        *,
        pad_id: int,
        without_adapter: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._model = model
        self._pad_id = pad_id
        self._without_adapter = without_adapter

    def sync(self, policy: Policy) -> None:
        """Do nothing: the weights are the trainer's."""

    @torch.no_grad()
    def generate(self, requests: Sequence[GroupRequest], sampling: Sampling) -> list[list[Completion]]:
        model = self._model()
        prompts = [request.prompt_ids for request in requests for _ in range(request.num_completions)]
        stopping = Stopping(sampling.stop_token_ids, self._pad_id)
        input_ids, mask = pad_left(prompts, stopping.pad_id, model.device)
        picks = _picks(requests, sampling)
        with generating(model):
            output = model.generate(
                input_ids=input_ids,
                attention_mask=mask,
                generation_config=_generation(sampling, stopping, is_picked=bool(picks)),
                logits_processor=picks,
            )
        completions = iter(output[:, input_ids.shape[1] :].tolist())
        return [
            [Completion(stopping.cut(next(completions)), None) for _ in range(request.num_completions)]
            for request in requests
        ]

    def generate_without_adapter(self, requests: Sequence[GroupRequest], sampling: Sampling) -> list[list[Completion]]:
        with self._without_adapter():
            return self.generate(requests, sampling)

    def forget_prefixes(self) -> None:
        """Do nothing: no prompt outlives its call."""

    def sleep(self) -> None:
        """Do nothing: there is no second copy of anything."""

    def wake(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing: the model is the trainer's."""


def _picks(requests: Sequence[GroupRequest], sampling: Sampling) -> LogitsProcessorList:
    """Return what picks the tokens of requests with seeds; nothing where the engine draws by itself.

    Raises:
        ValueError: for seeds with a sampling that cuts or bends the distribution otherwise than by top_p.
    """
    seeds = [request.seed for request in requests if request.seed is not None]
    if not seeds:
        return LogitsProcessorList()
    if len(seeds) != len(requests) or any(request.num_completions != 1 for request in requests):
        raise ValueError("either every request has a seed and asks for one completion, or none has a seed.")
    if sampling.top_k or sampling.min_p or sampling.repetition_penalty != 1.0:
        raise ValueError("completions with seeds take no top_k, min_p or repetition_penalty.")
    return LogitsProcessorList([SeededTokens(seeds, temperature=sampling.temperature, top_p=sampling.top_p)])


def _generation(sampling: Sampling, stopping: Stopping, *, is_picked: bool) -> GenerationConfig:
    """Return what transformers is told; where tokens are picked already it takes the likeliest, the picked one."""
    return plain_generation(
        stopping,
        max_new_tokens=sampling.max_completion_tokens,
        temperature=0.0 if is_picked else sampling.temperature,
        top_p=sampling.top_p,
        top_k=sampling.top_k,
        min_p=sampling.min_p,
        repetition_penalty=sampling.repetition_penalty,
    )
