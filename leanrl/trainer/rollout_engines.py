"""The rollout engine that a configuration names, opened for a trainer."""

from functools import partial
from typing import TYPE_CHECKING

import torch
from peft import PeftModel

from leanrl.config.schema import RunConfig
from leanrl.planner.shapes import shape_from_config
from leanrl.rollout.engine_arguments import engine_arguments
from leanrl.rollout.hf_engine import HfEngine
from leanrl.rollout.protocol import Policy, Sampling
from leanrl.rollout.selftest import tolerance_for
from leanrl.rollout.servable import require_servable
from leanrl.trainer.rollout_bridge import PolicyScorer, RolloutBridge, adapter_of

if TYPE_CHECKING:
    from leanrl.trainer.grpo import LeanGRPOTrainer


def open_rollout(config: RunConfig, trainer: "LeanGRPOTrainer") -> RolloutBridge:
    """Return the bridge to the engine of `rollout.engine`; close it when the run ends.

    Raises:
        ConfigError: if the engine cannot serve the policy.
    """
    if config.rollout.engine == "hf":
        return _open_hf(config, trainer)
    return _open_colocate(config, trainer)


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
        policy=lambda step: Policy(step, None),
        scorer=None,
        tolerance=0.0,
        test_every_steps=config.rollout.selftest_every_steps,
    )


def _open_colocate(config: RunConfig, trainer: "LeanGRPOTrainer") -> RolloutBridge:
    from leanrl.rollout.vllm_colocate import VllmColocate

    model = trainer.accelerator.unwrap_model(trainer.model)
    assert isinstance(model, PeftModel), "full parameters were let through to an engine that only takes adapters"
    base = model.get_base_model().config
    require_servable(model.active_peft_config, base, max_model_tokens=config.max_model_tokens)
    device = trainer.accelerator.device
    is_on_card = device.type == "cuda"
    arguments = engine_arguments(
        config,
        model=base.name_or_path,
        shape=shape_from_config(base.to_dict()),
        adapter=model.active_peft_config,
        usable_bytes=torch.cuda.mem_get_info(device)[1] if is_on_card else None,
        seed=config.train.seed + trainer.accelerator.process_index,
    )
    return RolloutBridge(
        # A CPU has one memory: there is nowhere to move weights to.
        VllmColocate(arguments, sleep_level=config.rollout.sleep_level if is_on_card else 0),
        policy=partial(_policy_of, model),
        scorer=PolicyScorer(
            model,
            pad_id=trainer._tokenizer.pad_token_id,
            device=device,
            rows_at_once=config.train.micro_batch_completions,
            autocast=trainer.accelerator.autocast,
        ),
        tolerance=tolerance_for(config.model.compute_dtype),
        test_every_steps=config.rollout.selftest_every_steps,
    )


def _policy_of(model: PeftModel, step: int) -> Policy:
    return Policy(step, adapter_of(model))
