"""The engine that runs vLLM inside the trainer's own process, on the trainer's own card."""

import gc
import os
import uuid
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from leanrl.errors import DoesNotFitError, StoppedError
from leanrl.rollout.adapter_files import num_bytes, publish, travelling, verify, withdraw
from leanrl.rollout.owned_folder import claim_folder
from leanrl.rollout.protocol import Adapter, Completion, GroupRequest, Policy, Sampling
from leanrl.rollout.selftest import Drawn
from leanrl.rollout.vllm.shared_base import as_in_checkpoint, separate, share
from leanrl.rollout.vllm.sleep import SleepLevel, can_sleep, choose_sleep
from leanrl.rollout.vllm.tied_head import methods_after_reload
from leanrl.rollout.vllm.whole_distribution import at_temperature, scale_logits
from leanrl.storage.temporary.owned import OwnedFolder

Handover = Literal["tensors", "files"]

# Set before vllm is imported. Without the first the engine is a process of its own, which no tensor can be handed to;
# the last keeps vLLM from binding the trainer's threads and memory to cores of its choice.
_IN_PROCESS = {
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
}


class VllmColocate:
    """`RolloutEngine` in this process; of a policy that trains an adapter only that reaches vLLM.

    vLLM keys its KV cache by the adapter's name (and, from 0.31, its path), and loads an adapter once per
    id. So a version gets a new name, id and path, the prefix cache is dropped, and the version before is removed.

    Args:
        arguments: keyword arguments of `vllm.LLM`.
        sleep_level: what `sleep` gives back.
        handover: `tensors` passes the adapter in memory, `files` through a folder on tmpfs.
    """

    def __init__(
        self, arguments: Mapping[str, Any], *, sleep_level: SleepLevel = 0, handover: Handover = "tensors"
    ) -> None:
        self._handover = handover
        self._run_id = uuid.uuid4().hex[:8]
        self._num_syncs = 0
        self._folder: OwnedFolder | None = None
        self._serving: Any = None  # a LoRARequest, or None where whole weights are served
        self._is_synced = False
        # vLLM's sampler compiles a small operator all the same, which takes 15 seconds on a CPU and saves nothing.
        self._is_eager = bool(arguments.get("enforce_eager"))
        self._after_reload = methods_after_reload(arguments)
        self._logprobs_mode = str(arguments.get("logprobs_mode"))
        self._owns_process_group = not torch.distributed.is_initialized()
        self._llm: Any = start_vllm(dict(arguments), sleep_level=sleep_level)
        self._sleep_level: SleepLevel = sleep_level
        self._sleep = choose_sleep(self._llm, sleep_level)
        self._base: Mapping[str, nn.Parameter] = {}
        self._is_asleep = False
        self._dtype: torch.dtype = self._llm.llm_engine.model_config.dtype

    def share_base(self, base: Mapping[str, nn.Parameter]) -> None:
        """Make the trainer's frozen parameters views of vLLM's tensors; from then on those are never given back.

        Raises:
            CannotShareError: if vLLM's tensors cannot stand for them; nothing has changed then.
            MissingError: if the KV cache cannot be given back alone (`config.sharing` knows by the version).
        """
        sleep = choose_sleep(self._llm, "kv" if self._sleep_level != 0 else 0)
        share(base, self._llm.collective_rpc(_served_parameters)[0])
        self._sleep, self._base = sleep, base

    def sync(self, policy: Policy) -> None:
        self._is_synced = False
        if policy.adapter is not None:
            self._sync_adapter(policy.adapter, policy.version)
        else:
            weights = travelling(policy.weights(), self._dtype)
            self._llm.collective_rpc("reload_weights", kwargs={"weights_iterator": weights})
            for method in self._after_reload:
                self._llm.collective_rpc(method)
        self.forget_prefixes()
        self._is_synced = True

    def _sync_adapter(self, adapter: Adapter, version: int) -> None:
        before, self._serving = self._serving, None
        self._num_syncs += 1
        name = f"leanrl-{self._run_id}-{self._num_syncs}-step{version}"
        hand_over = self._load_tensors if self._handover == "tensors" else self._load_files
        request = hand_over(adapter, name, self._num_syncs)
        if before is not None:
            self._llm.llm_engine.remove_lora(before.lora_int_id)
        self._serving = request

    def generate(self, requests: Sequence[GroupRequest], sampling: Sampling) -> list[list[Completion]]:
        if not self._is_synced:
            raise ValueError("generate was called before sync: there is no policy to draw from.")
        return self._generate(requests, sampling, self._serving)

    def generate_without_adapter(self, requests: Sequence[GroupRequest], sampling: Sampling) -> list[list[Completion]]:
        return self._generate(requests, sampling, None)

    def score(self, drawn: Sequence[Drawn]) -> list[list[float]]:
        return self._score(drawn, self._serving)

    def score_without_adapter(self, drawn: Sequence[Drawn]) -> list[list[float]]:
        return self._score(drawn, None)

    def forget_prefixes(self) -> None:
        if not self._llm.reset_prefix_cache():
            raise StoppedError(
                "vLLM refused to drop its prefix cache, so it would answer from the KV cache of an older policy.",
                hint="`leanrl train --resume RUN` continues from the last checkpoint",
            )

    def sleep(self) -> None:
        if not self._is_asleep:
            self._sleep.fall_asleep()
            self._is_asleep = True

    def wake(self) -> None:
        if self._is_asleep:
            self._sleep.wake_up()
            self._is_asleep = False

    def close(self) -> None:
        if self._llm is None:
            return
        separate(self._base)
        llm, self._llm, self._serving = self._llm, None, None
        llm.llm_engine.engine_core.shutdown()
        del llm
        free_vllm(with_process_group=self._owns_process_group)
        if self._folder is not None:
            self._folder.close()
            self._folder = None

    def _generate(self, requests: Sequence[GroupRequest], sampling: Sampling, adapter: Any) -> list[list[Completion]]:
        with at_temperature(sampling, self._logprobs_mode, self._scale_logits) as asked:
            parameters = [_sampling_params(asked, request) for request in requests]
            outputs = self._ask([request.prompt_ids for request in requests], parameters, adapter)
        return [[_completion(choice) for choice in output.outputs] for output in outputs]

    def _scale_logits(self, factor: float) -> None:
        self._llm.collective_rpc(scale_logits, args=(factor,))

    def _score(self, drawn: Sequence[Drawn], adapter: Any) -> list[list[float]]:
        from vllm import SamplingParams

        # vLLM reads no prefix cache for a request that asks for the log-probabilities of its prompt.
        parameters = SamplingParams(temperature=0.0, max_tokens=1, prompt_logprobs=0, detokenize=False)
        texts = [one.prompt_ids + one.token_ids for one in drawn]
        outputs = self._ask(texts, [parameters] * len(texts), adapter)
        return [_scores(one, output.prompt_logprobs) for one, output in zip(drawn, outputs, strict=True)]

    def _ask(self, texts: Sequence[list[int]], parameters: Sequence[Any], adapter: Any) -> list[Any]:
        if self._is_asleep:
            raise ValueError("vLLM was asked before wake: while it sleeps it would queue the requests for ever.")
        with torch.compiler.set_stance("force_eager" if self._is_eager else "default"):
            return self._llm.generate(
                [{"prompt_token_ids": text} for text in texts], parameters, lora_request=adapter, use_tqdm=False
            )

    def _load_files(self, adapter: Adapter, name: str, number: int) -> Any:
        from vllm.lora.request import LoRARequest

        self._folder = self._folder or claim_folder(needed_bytes=num_bytes(adapter.tensors, self._dtype))
        folder = publish(adapter, self._folder.path, name, dtype=self._dtype)
        try:
            verify(folder, adapter, dtype=self._dtype)
            request = LoRARequest(name, number, str(folder))
            self._llm.llm_engine.add_lora(request)
        finally:
            withdraw(folder)  # vLLM has read it; what it holds is found by its id
        return request

    def _load_tensors(self, adapter: Adapter, name: str, number: int) -> Any:
        from vllm.lora.request import LoRARequest

        # Copies: vLLM scales lora_B in place, and would scale the trainer's (lora/lora_weights.py, optimize).
        tensors = dict(travelling(adapter.tensors.items(), self._dtype))
        self._llm.collective_rpc(_adapter_loader(tensors, adapter.config, number))
        return LoRARequest(name, number, f"/in-memory/{name}")  # never read: the id is loaded


def free_vllm(*, with_process_group: bool) -> None:
    """Give back what an engine that was shut down, and that nobody holds, leaves behind."""
    gc.collect()
    if with_process_group:
        from vllm.distributed import cleanup_dist_env_and_memory

        cleanup_dist_env_and_memory()


def start_vllm(arguments: dict[str, Any], *, sleep_level: SleepLevel) -> Any:
    """Return a `vllm.LLM` in this process; torch keeps its threads, which vLLM would take away on a CPU.

    Raises:
        DoesNotFitError: if the card has too little memory left.
    """
    os.environ.update({name: os.environ.get(name, value) for name, value in _IN_PROCESS.items()})
    os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
    num_threads, set_num_threads = torch.get_num_threads(), torch.set_num_threads
    os.environ.setdefault("OMP_NUM_THREADS", str(num_threads))
    from vllm import LLM

    arguments["enable_sleep_mode"] = sleep_level != 0 and can_sleep()
    if torch.distributed.is_initialized():
        arguments["distributed_executor_backend"] = "external_launcher"  # every rank has an engine of its own
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of vLLM's own use of torch
            return LLM(**arguments)
    except RuntimeError as error:
        if not _is_out_of_memory(error):
            raise
        # vLLM's own question for free memory is answered in advance (`engine_arguments`), so it ends here.
        raise DoesNotFitError(
            f"vLLM ran out of memory as it started beside the trainer: {error}",
            hint="`nvidia-smi` names what else holds the card's memory; -s rollout.engine=hf generates without vLLM",
        ) from error
    finally:
        torch.set_num_threads = set_num_threads  # vLLM's CPU worker replaces it by a function that does nothing
        torch.set_num_threads(num_threads)


def _is_out_of_memory(error: BaseException | None) -> bool:
    """Return whether memory ran out; vLLM puts words of its own around torch's error."""
    return error is not None and (isinstance(error, torch.OutOfMemoryError) or _is_out_of_memory(error.__cause__))


def _served_parameters(worker: Any) -> dict[str, Tensor]:
    return {as_in_checkpoint(name): tensor.data for name, tensor in worker.model_runner.model.named_parameters()}


def _adapter_loader(
    tensors: dict[str, Tensor], adapter_config: Mapping[str, Any], number: int
) -> Callable[[Any], bool]:
    """Return what a worker has to run to hold the adapter; it is called in this process, so nothing is copied."""
    from vllm.lora.lora_model import LoRAModel
    from vllm.lora.peft_helper import PEFTHelper

    def load(worker: Any) -> bool:
        manager = worker.model_runner.lora_manager
        helper = PEFTHelper.from_dict(dict(adapter_config))
        helper.validate_legal(manager.lora_config)
        lora = LoRAModel.from_lora_tensors(
            lora_model_id=number,
            tensors=tensors,
            peft_helper=helper,
            device="cpu",
            dtype=manager.lora_config.lora_dtype,
            model_vocab_size=manager.vocab_size,
        )
        inner = manager._adapter_manager
        if len(inner) >= inner.capacity:
            inner.remove_oldest_adapter()
        return inner.add_adapter(lora)

    return load


def _sampling_params(sampling: Sampling, request: GroupRequest) -> Any:
    from vllm import SamplingParams

    return SamplingParams(
        n=request.num_completions,
        seed=request.seed,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        top_k=sampling.top_k,
        min_p=sampling.min_p or 0.0,
        repetition_penalty=sampling.repetition_penalty,
        max_tokens=sampling.max_completion_tokens,
        stop_token_ids=list(sampling.stop_token_ids),
        logprobs=0,  # of the sampled token alone
        detokenize=False,
    )


def _scores(drawn: Drawn, prompt_logprobs: Sequence[Any]) -> list[float]:
    behind_prompt = prompt_logprobs[len(drawn.prompt_ids) :]
    return [float(entry[token].logprob) for token, entry in zip(drawn.token_ids, behind_prompt, strict=True)]


def _completion(choice: Any) -> Completion:
    token_ids = list(choice.token_ids)
    logprobs = [float(entry[token].logprob) for token, entry in zip(token_ids, choice.logprobs, strict=True)]
    return Completion(token_ids, logprobs)
