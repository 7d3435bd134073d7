"""A child's program: unsloth's loader and leanrl's trainer on what it makes, with a card pretended; no forward pass.

    python -m tests.unsloth.load_policy MODEL_FOLDER RUNS_FOLDER

Prints one JSON object: the adapter that a policy has, what a trainer makes of it, and what is refused.
"""

import json
import sys
from pathlib import Path

from leanrl.errors import LeanRLError
from tests.unsloth.no_card import force_patch, pretend_card


def main(folder: str, runs: str) -> None:
    import unsloth  # noqa: F401 - before everything that it patches

    force_patch()
    pretend_card()
    policy, trainer = _built(folder, Path(runs) / "run")
    refused = {
        "qlora": _refusal(folder, tuning={"rank": 4, "method": "qlora"}),
        "long": _refusal(folder, max_completion_tokens=449),
        "foreign": _refusal_of_a_foreign_model(),
    }
    print(json.dumps({"policy": policy, "trainer": trainer, "refused": refused}))


def _load(folder, *, tuning, max_completion_tokens=32):
    from leanrl.models.locate import LocatedModel
    from leanrl.models.unsloth import load_unsloth_policy
    from tests.trainer.small_trainer import small_config

    dtypes = {"dtype": "bfloat16", "compute_dtype": "bfloat16"}
    config = small_config(
        folder,
        backend="unsloth",
        model={**dtypes, "tuning": tuning},
        rollout={"max_prompt_tokens": 64, "max_completion_tokens": max_completion_tokens},
        train={"gradient_checkpointing": True},
    )
    return load_unsloth_policy(config, LocatedModel(folder, None, "folder")), config


def _built(folder, run_path):
    """Return what is to be known of a policy, and of a trainer built on it."""
    from tests.unsloth.train_steps import build

    tuning = {"rank": 4, "alpha": 8.0, "dropout": 0.05}
    policy, config = _load(folder, tuning=tuning)
    adapter = policy.peft_config["default"]
    trained = [weight for weight in policy.parameters() if weight.requires_grad]
    found = {
        "rank": adapter.r,
        "alpha": adapter.lora_alpha,
        "dropout": adapter.lora_dropout,
        "modules": sorted({name.rsplit(".", 1)[-1] for name in adapter.target_modules}),
        "num_weights": sum(weight.numel() for weight in trained),
        "dtypes": sorted({str(weight.dtype) for weight in trained}),
        "checkpointing": policy._unsloth_gradient_checkpointing,
    }
    trainer, _ = build(config, policy, run_path)
    trainer.model.for_inference()
    modes = [_mode(trainer.model)]
    trainer.model.for_training()
    modes.append(_mode(trainer.model))
    kept = sorted({str(weight.dtype) for weight in trainer.model.parameters() if weight.requires_grad})
    travels = _travels(trainer.model, folder, config)
    return found, {"class": type(trainer).__name__, "dtypes": kept, "modes": modes, "travels": travels}


def _travels(policy, folder, config):
    """Return whether an engine receives what PEFT's own adapter would be: names, shapes, config, and the base's."""
    from peft import get_peft_model
    from transformers import AutoConfig, AutoModelForCausalLM

    from leanrl.models.adapters.adapter import lora_config
    from leanrl.rollout.server.base import config_hash
    from leanrl.rollout.vllm.servable import require_servable
    from leanrl.trainer.rollouts.bridge import adapter_of

    base = AutoModelForCausalLM.from_pretrained(folder)
    require_servable(policy.active_peft_config, policy.get_base_model().config, max_model_tokens=96)
    ours, pefts = adapter_of(policy), adapter_of(get_peft_model(base, lora_config(config.model.tuning)))
    json.dumps(ours.config)
    served = ("r", "lora_alpha", "use_rslora", "use_dora", "bias", "modules_to_save")  # what vLLM reads (peft_helper)
    return {
        "tensors": _shapes(ours) == _shapes(pefts),
        "config": [name for name in served if ours.config[name] != pefts.config[name]],
        "base": config_hash(policy.get_base_model().config) == config_hash(AutoConfig.from_pretrained(folder)),
    }


def _shapes(adapter):
    return {name: list(tensor.shape) for name, tensor in adapter.tensors.items()}


def _mode(model):
    """Return whether a model trains, and how its layers are checkpointed."""
    layers = {str(m.gradient_checkpointing) for m in model.modules() if hasattr(m, "gradient_checkpointing")}
    return [model.training, sorted(layers)]


def _refusal(folder, **changes):
    try:
        _load(folder, **{"tuning": {"rank": 4}} | changes)
    except LeanRLError as error:
        return str(error)
    return None


def _refusal_of_a_foreign_model():
    from peft import LoraConfig, get_peft_model
    from transformers import GPT2Config, GPT2LMHeadModel

    from leanrl.models.unsloth import require_patched_model

    base = GPT2LMHeadModel(GPT2Config(n_layer=1, n_head=2, n_embd=32, vocab_size=64))
    try:
        require_patched_model(get_peft_model(base, LoraConfig(r=4, target_modules="all-linear")))
    except LeanRLError as error:
        return str(error)
    return None


if __name__ == "__main__":
    main(*sys.argv[1:])
