"""The rollout engine that a configuration names, opened for a trainer."""

from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from peft import LoraConfig, PeftModel
from transformers import PretrainedConfig, PreTrainedModel

from leanrl.config.schema import RunConfig
from leanrl.planner.shapes import shape_from_config
from leanrl.rollout.engine_arguments import engine_arguments, server_flags
from leanrl.rollout.hf_engine import HfEngine
from leanrl.rollout.protocol import Policy, RolloutEngine, Sampling
from leanrl.rollout.selftest import tolerance_for
from leanrl.rollout.servable import require_pushable, require_servable
from leanrl.rollout.server_base import require_usable_server
from leanrl.rollout.server_client import ServerClient
from leanrl.rollout.server_process import ServerProcess, free_port
from leanrl.rollout.vllm_server import VllmServer
from leanrl.trainer.rollout_bridge import OtherPolicies, PolicyScorer, RolloutBridge, adapter_of, weights_of

if TYPE_CHECKING:
    from leanrl.trainer.grpo import LeanGRPOTrainer

# What leanrl's own server calls the model without an adapter.
_BASE_NAME = "base"
# A 1.5B model on a slow disk needs minutes; CUDA graphs are captured on top.
_START_SECONDS = 900.0
# Threads that vLLM binds to cores would be the trainer's too; inductor takes 15 seconds for one small operator.
_CPU_SERVER = {"VLLM_CPU_OMP_THREADS_BIND": "nobind", "TORCHDYNAMO_DISABLE": "1"}


def open_rollout(config: RunConfig, trainer: "LeanGRPOTrainer") -> RolloutBridge:
    """Return the bridge to the engine of `rollout.engine`; close it when the run ends.

    Raises:
        ConfigError: if the engine cannot serve the policy.
    """
    openers = {"hf": _open_hf, "vllm-colocate": _open_colocate, "vllm-server": _open_server}
    return openers[config.rollout.engine](config, trainer)


def sampling_of(config: RunConfig, *, max_completion_tokens: int, stop_token_ids: list[int]) -> Sampling:
    """Return how a run draws its completions."""
    rollout = config.rollout
    return Sampling(
        temperature=rollout.temperature,
        max_completion_tokens=max_completion_tokens,
        stop_token_ids=tuple(stop_token_ids),
        top_p=rollout.top_p,
        top_k=rollout.top_k,
        min_p=rollout.min_p,
        repetition_penalty=rollout.repetition_penalty,
    )


def _open_hf(config: RunConfig, trainer: "LeanGRPOTrainer") -> RolloutBridge:
    model = trainer.model
    engine = HfEngine(
        lambda: trainer.accelerator.unwrap_model(trainer.model),
        pad_id=trainer._tokenizer.pad_token_id,
        **({"without_adapter": model.disable_adapter} if isinstance(model, PeftModel) else {}),
    )
    return RolloutBridge(
        engine,
        policy=Policy,
        scorer=None,
        tolerance=0.0,
        test_every_steps=config.rollout.selftest_every_steps,
    )


def _open_colocate(config: RunConfig, trainer: "LeanGRPOTrainer") -> RolloutBridge:
    from leanrl.rollout.vllm_colocate import VllmColocate

    device = trainer.accelerator.device
    is_on_card = device.type == "cuda"
    arguments = _arguments(
        config,
        _unwrapped(trainer),
        usable_bytes=torch.cuda.mem_get_info(device)[1] if is_on_card else None,
        seed=config.train.seed + trainer.accelerator.process_index,
    )
    arguments |= _planned(trainer)
    # A CPU has one memory: there is nowhere to move weights to.
    engine = VllmColocate(arguments, sleep_level=config.rollout.sleep_level if is_on_card else 0)
    return _bridge(config, trainer, engine)


def _open_server(config: RunConfig, trainer: "LeanGRPOTrainer") -> RolloutBridge:
    model = _unwrapped(trainer)
    rollout, dtype = config.rollout, config.model.compute_dtype
    if rollout.server_url is not None:
        base = _base_config(model)
        require_servable(_adapter_config(model), base, max_model_tokens=config.max_model_tokens)
        client = ServerClient(rollout.server_url, deadline_seconds=rollout.server_deadline_seconds)
        name = require_usable_server(client, base, max_model_tokens=config.max_model_tokens, dtype=dtype)
        engine = VllmServer(client, process=None, base=name, dtype=getattr(torch, dtype))
        return _bridge(config, trainer, engine)
    cards = range(config.hardware.num_gpus - rollout.num_gpus, config.hardware.num_gpus)
    usable_bytes = torch.cuda.mem_get_info(cards[0])[1] if cards else None
    arguments = _arguments(config, model, usable_bytes=usable_bytes, seed=config.train.seed) | _planned(trainer)
    process = ServerProcess(
        server_flags(arguments | {"served_model_name": _BASE_NAME}),
        port=rollout.server_port or free_port(),
        log=trainer.run.server_log,
        environment={"CUDA_VISIBLE_DEVICES": ",".join(map(str, cards))} if cards else _CPU_SERVER,
        start_seconds=_START_SECONDS,
    )
    process.start()
    client = ServerClient(process.url, deadline_seconds=rollout.server_deadline_seconds)
    engine = VllmServer(client, process=process, base=_BASE_NAME, dtype=getattr(torch, dtype))
    return _bridge(config, trainer, engine)


def _planned(trainer: "LeanGRPOTrainer") -> dict[str, int]:
    """Return what the run's plan counted for the engine, by vLLM's names.

    Nothing where no plan was made, and on a CPU, where the engine has room for all completions of a step.
    """
    plan = trainer.plan
    return plan.engine_settings if plan is not None and plan.device == "cuda" else {}


def _unwrapped(trainer: "LeanGRPOTrainer") -> PreTrainedModel | PeftModel:
    return trainer.accelerator.unwrap_model(trainer.model)


def _base_config(model: PreTrainedModel | PeftModel) -> PretrainedConfig:
    return (model.get_base_model() if isinstance(model, PeftModel) else model).config


def _adapter_config(model: PreTrainedModel | PeftModel) -> LoraConfig | None:
    return model.active_peft_config if isinstance(model, PeftModel) else None


def _arguments(
    config: RunConfig, model: PreTrainedModel | PeftModel, *, usable_bytes: int | None, seed: int
) -> dict[str, Any]:
    base, adapter = _base_config(model), _adapter_config(model)
    require_servable(adapter, base, max_model_tokens=config.max_model_tokens)
    if adapter is None and usable_bytes is None:
        require_pushable(base)
    return engine_arguments(
        config,
        model=base.name_or_path,
        shape=shape_from_config(base.to_dict()),
        adapter=adapter,
        usable_bytes=usable_bytes,
        seed=seed,
    )


def _bridge(config: RunConfig, trainer: "LeanGRPOTrainer", engine: RolloutEngine) -> RolloutBridge:
    model = _unwrapped(trainer)
    scorer = PolicyScorer(
        model,
        pad_id=trainer._tokenizer.pad_token_id,
        device=trainer.accelerator.device,
        rows_at_once=config.full_completions_per_micro_batch,
        autocast=trainer.accelerator.autocast,
    )
    return RolloutBridge(
        engine,
        policy=partial(_policy_of, model),
        scorer=scorer,
        adapters=OtherPolicies(model, scorer) if isinstance(model, PeftModel) else None,
        tolerance=tolerance_for(config.model.compute_dtype),
        test_every_steps=config.rollout.selftest_every_steps,
        metered=partial(trainer.meter.phase, "sync"),
    )


def _policy_of(model: PreTrainedModel | PeftModel, step: int) -> Policy:
    if isinstance(model, PeftModel):
        return Policy(step, adapter=adapter_of(model))
    return Policy(step, weights=partial(weights_of, model))
