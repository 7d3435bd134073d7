"""The rollout engine that a configuration names, opened for the rank that trains."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import torch
from peft import LoraConfig, PeftModel
from transformers import PretrainedConfig, PreTrainedModel

from leanrl.config.schema import RunConfig
from leanrl.errors import ConfigError
from leanrl.launch.cards import rollout_cards
from leanrl.machine.environment import installed_vllm
from leanrl.models.structure.shape import shape_of
from leanrl.models.weights.nf4 import is_nf4_checkpoint
from leanrl.planner.memory.base_sharing import why_separate
from leanrl.rollout.effect_test import OTHER_BASE_TOLERANCE, EffectTest
from leanrl.rollout.hf_engine import HfEngine
from leanrl.rollout.protocol import Policy, RolloutEngine, Sampling
from leanrl.rollout.selftest import Scorer, SelfTest, tolerance_for
from leanrl.rollout.server.base import open_usable_server
from leanrl.rollout.server.client import ServerClient
from leanrl.rollout.server.command import BASE_NAME, server_arguments, server_environment, takes_nccl
from leanrl.rollout.server.engine import MOST_RESTARTS, VllmServer
from leanrl.rollout.server.process import ServerProcess
from leanrl.rollout.server.weight_transport import FolderTransport, NcclTransport
from leanrl.rollout.vllm.engine_arguments import engine_arguments, server_flags
from leanrl.rollout.vllm.servable import require_servable
from leanrl.rollout.vllm.tied_head import methods_after_reload
from leanrl.rollout.vllm.whole_distribution import logprobs_mode
from leanrl.trainer.ranks.meeting import highest_of_ranks
from leanrl.trainer.rollouts.bridge import OtherPolicies, PolicyScorer, RolloutBridge, adapter_of, weights_of
from leanrl.trainer.rollouts.rank_engines import OwnEngine, SharedEngine
from leanrl.trainer.rollouts.training_side import TrainingSide

# A 1.5B model on a slow disk needs minutes; CUDA graphs are captured on top.
_START_SECONDS = 900.0


def open_rollout(config: RunConfig, side: TrainingSide) -> RolloutBridge:
    """Return the bridge to the engine of `rollout.engine`; close it when the run ends.

    Raises:
        ConfigError: if the engine cannot serve the policy.
    """
    if config.serves_other_base:
        _require_original(side.policy())
    openers = {"hf": _open_hf, "vllm-colocate": _open_colocate, "vllm-server": _open_server}
    return openers[config.rollout.engine](config, side)


def policy_of(model: PreTrainedModel | PeftModel, config: RunConfig, step: int) -> Policy:
    """Return what travels to vLLM after `step` optimizer steps; an adapter in the dtype that vLLM computes in."""
    if isinstance(model, PeftModel):
        return Policy(step, adapter=adapter_of(model, dtype=getattr(torch, config.model.compute_dtype)))
    return Policy(step, weights=partial(weights_of, model))


def sampling_of(config: RunConfig, *, max_completion_tokens: int, stop_token_ids: tuple[int, ...]) -> Sampling:
    """Return how a run samples its completions."""
    rollout = config.rollout
    return Sampling(
        temperature=rollout.temperature,
        max_completion_tokens=max_completion_tokens,
        stop_token_ids=stop_token_ids,
        top_p=rollout.top_p,
        top_k=rollout.top_k,
        min_p=rollout.min_p,
        repetition_penalty=rollout.repetition_penalty,
    )


def _open_hf(config: RunConfig, side: TrainingSide) -> RolloutBridge:
    model = side.policy()
    engine = HfEngine(
        side.policy,
        pad_id=side.stopping.pad_id,
        **({"without_adapter": model.disable_adapter} if isinstance(model, PeftModel) else {}),
    )
    return RolloutBridge(
        engine,
        policy=Policy,
        scorer=None,
        tolerance=0.0,
        test_every_steps=config.rollout.selftest_every_steps,
    )


def _open_colocate(config: RunConfig, side: TrainingSide) -> RolloutBridge:
    from leanrl.rollout.vllm.colocate import VllmColocate
    from leanrl.trainer.rollouts.one_base import say_separate, start_with_one_base

    model, usable_bytes = side.policy(), _usable_bytes(side)
    seed = config.train.seed + side.rank
    arguments = _arguments(config, model, usable_bytes=usable_bytes, seed=seed) | _planned(side)
    start = partial(VllmColocate, arguments, sleep_level=config.rollout.sleep_level)
    device = side.device
    vllm = None if device.type == "cpu" else installed_vllm()  # on a CPU leanrl itself releases the KV cache
    obstacle = why_separate(config, shape_of(_base_config(model)), vllm=vllm)
    if obstacle is None:
        engine = start_with_one_base(start, model, device=device, share_base=config.rollout.share_base)
    else:
        engine = start()
        if config.rollout.share_base == "auto" and config.model.tuning.method != "full":
            say_separate(obstacle)
    return _bridge(config, side, engine if side.num_ranks == 1 else OwnEngine(engine))


def _open_server(config: RunConfig, side: TrainingSide) -> RolloutBridge:
    """One server for all ranks, in the hands of the first: what ends that process ends the server too."""
    open_engine: Callable[[], VllmServer] = partial(
        _users_server if config.rollout.server_url is not None else _own_server, config, side
    )
    if side.num_ranks == 1:
        return _bridge(config, side, open_engine())
    seconds = (MOST_RESTARTS + 1) * (config.rollout.server_deadline_seconds + _START_SECONDS)
    return _bridge(config, side, SharedEngine(open_engine, longest_wait=timedelta(seconds=seconds)))


def _users_server(config: RunConfig, side: TrainingSide) -> VllmServer:
    model = side.policy()
    base = _base_config(model)
    require_servable(_adapter_config(model), base, max_model_tokens=config.max_model_tokens)
    client, name = open_usable_server(config, base)
    return VllmServer(
        client,
        process=None,
        base=name,
        dtype=getattr(torch, config.model.compute_dtype),
        logprobs_mode=logprobs_mode(config),
    )


def _own_server(config: RunConfig, side: TrainingSide) -> VllmServer:
    rollout = config.rollout
    arguments = _arguments(config, side.policy(), usable_bytes=_usable_bytes(side), seed=config.train.seed)
    arguments |= _planned(side)
    process = ServerProcess(
        server_flags(server_arguments(config, arguments)),
        port=rollout.server_port,
        log=side.run.server_log,
        environment=server_environment(rollout_cards(config)),
        start_seconds=_START_SECONDS,
    )
    process.start()
    client = ServerClient(process.url, deadline_seconds=rollout.server_deadline_seconds)
    dtype = getattr(torch, config.model.compute_dtype)
    transport = (
        NcclTransport(client, dtype=dtype, deadline_seconds=rollout.server_deadline_seconds)
        if takes_nccl(config)
        else FolderTransport(client, dtype=dtype, after_reload=methods_after_reload(arguments))
    )
    return VllmServer(
        client, process=process, base=BASE_NAME, dtype=dtype, transport=transport, logprobs_mode=logprobs_mode(config)
    )


def _usable_bytes(side: TrainingSide) -> int | None:
    """Return the bytes of this rank's card, which are those of each card of a run, or None on a CPU."""
    device = side.device
    return torch.cuda.mem_get_info(device)[1] if device.type == "cuda" else None


def _planned(side: TrainingSide) -> dict[str, int]:
    """Return what the run's plan counted for the engine, by vLLM's names.

    Nothing where no plan was made, and on a CPU, where the engine has room for all completions of a step.
    """
    plan = side.plan
    return plan.engine_settings if plan is not None and plan.device == "cuda" else {}


def _base_config(model: PreTrainedModel | PeftModel) -> PretrainedConfig:
    return (model.get_base_model() if isinstance(model, PeftModel) else model).config


def _require_original(model: PeftModel) -> None:
    base = model.get_base_model()
    if is_nf4_checkpoint(base):
        raise ConfigError(
            f"rollout.base is original, and {base.name_or_path} is NF4 itself: there are no 16-bit weights to serve.",
            hint="-s rollout.base=nf4 serves it as it is; -s model.id=... names the model that it was made from",
        )


def _adapter_config(model: PreTrainedModel | PeftModel) -> LoraConfig | None:
    return model.active_peft_config if isinstance(model, PeftModel) else None


def _arguments(
    config: RunConfig, model: PreTrainedModel | PeftModel, *, usable_bytes: int | None, seed: int
) -> dict[str, Any]:
    base, adapter = _base_config(model), _adapter_config(model)
    require_servable(adapter, base, max_model_tokens=config.max_model_tokens)
    return engine_arguments(
        config,
        model=base.name_or_path,
        shape=shape_of(base),
        adapter_rank=None if adapter is None else adapter.r,
        usable_bytes=usable_bytes,
        seed=seed,
        vllm=installed_vllm(),
    )


def _bridge(config: RunConfig, side: TrainingSide, engine: RolloutEngine) -> RolloutBridge:
    model, scorer = side.policy(), _scorer(config, side)
    return RolloutBridge(
        engine,
        policy=partial(policy_of, model, config),
        scorer=scorer,
        adapters=OtherPolicies(model, scorer) if isinstance(model, PeftModel) else None,
        selftest=EffectTest if config.serves_other_base else SelfTest,
        tolerance=OTHER_BASE_TOLERANCE if config.serves_other_base else tolerance_for(config.model.compute_dtype),
        test_every_steps=config.rollout.selftest_every_steps,
        metered=partial(side.meter.phase, "sync"),
        woken=side.meter.split,
        highest=highest_of_ranks,
        run_seed=config.train.seed,
    )


def _scorer(config: RunConfig, side: TrainingSide) -> Scorer:
    if side.scorer is not None:
        return side.scorer
    return PolicyScorer(
        side.policy(),
        pad_id=side.stopping.pad_id,
        device=side.device,
        rows_at_once=config.full_completions_per_micro_batch,
        autocast=side.autocast,
        highest=highest_of_ranks,
    )
