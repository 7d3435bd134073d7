"""What a run with `backend: unsloth` trains: the model as unsloth loads it, with the adapter that unsloth gives it.

unsloth is imported by `leanrl.launch.unsloth`, long before this file.
"""

from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoConfig, PreTrainedModel

from leanrl.config.schema import RunConfig
from leanrl.errors import ConfigError, MissingError
from leanrl.hints import setting
from leanrl.models.adapters.adapter import check_targets, lora_config
from leanrl.models.locate import LocatedModel
from leanrl.models.weights.nf4 import nf4_layers, require_bitsandbytes


def load_unsloth_policy(config: RunConfig, located: LocatedModel) -> PeftModel:
    """Return the model with its adapter, ready to be trained; a base for QLoRA is quantised on the way.

    It is loaded from a folder: a Hub id unsloth would replace by one of its own repositories, and ask the network.

    Raises:
        ConfigError: if the adapter has no target, or the context is longer than the model's.
        MissingError: if unsloth has not patched the model, or has left it in 16 bits.
    """
    from unsloth import FastLanguageModel

    tuning, folder = config.model.tuning, located.folder()
    _require_positions(config, folder)
    if tuning.method == "qlora":
        require_bitsandbytes()
    model, _ = FastLanguageModel.from_pretrained(
        str(folder),
        max_seq_length=config.max_model_tokens,
        dtype=torch.bfloat16,
        load_in_4bit=tuning.method == "qlora",
        full_finetuning=False,
        fast_inference=False,
        use_exact_model_name=True,
        local_files_only=True,
        trust_remote_code=config.model.trust_remote_code,
        use_gradient_checkpointing=checkpointing(config),
        random_state=config.train.seed,
    )
    if tuning.method == "qlora" and not nf4_layers(model):
        raise MissingError(
            "unsloth has left the base in 16 bits: it found no bitsandbytes that it can use.",
            hint="python -m bitsandbytes says what is wrong with it; or -s model.tuning.method=lora",
        )
    check_targets(model, tuning)
    lora = lora_config(tuning)
    policy = FastLanguageModel.get_peft_model(
        model,
        r=lora.r,
        lora_alpha=lora.lora_alpha,
        lora_dropout=lora.lora_dropout,
        target_modules=lora.target_modules if isinstance(lora.target_modules, str) else sorted(lora.target_modules),
        use_rslora=lora.use_rslora,
        init_lora_weights=lora.init_lora_weights,
        bias=lora.bias,
        use_gradient_checkpointing=checkpointing(config),
        random_state=config.train.seed,
    )
    require_patched_model(policy)
    return policy


def checkpointing(config: RunConfig) -> bool | str:
    """Return unsloth's word for how activations are kept; "unsloth" sends layer inputs to host memory."""
    if config.train.offload_activations:
        return "unsloth"
    return config.train.gradient_checkpointing is not False


def require_patched_model(policy: PeftModel) -> None:
    """Check that the model has unsloth's switches, and that its attention and decoder run unsloth's code.

    Raises:
        MissingError: naming the classes that are as transformers made them.
    """
    base = policy.get_base_model()
    pristine = sorted({type(module).__name__ for module in _core(base) if not _is_unsloths(module)})
    lacking = [name for name in ("for_training", "for_inference") if not hasattr(policy, name)]
    if pristine or lacking:
        raise MissingError(
            f"unsloth has left {', '.join(pristine + lacking)} of a {base.config.model_type} as transformers made it.",
            hint="-s model.id=... with a Llama, Mistral, Qwen2 or Qwen3, or -s backend=hf",
        )


def _require_positions(config: RunConfig, folder: Path) -> None:
    """unsloth stretches the positions of a model that has too few, which makes another model of it."""
    positions = AutoConfig.from_pretrained(
        folder, local_files_only=True, trust_remote_code=config.model.trust_remote_code
    ).max_position_embeddings
    if config.max_model_tokens > positions:
        raise ConfigError(
            f"prompt and completion may have {config.max_model_tokens} tokens, {config.model.id} has {positions} "
            "positions, and unsloth would stretch them.",
            hint=f"{setting('rollout.max_model_tokens', positions)} with shorter rollout.max_prompt_tokens and "
            "rollout.max_completion_tokens",
        )


def _core(base: PreTrainedModel) -> list[torch.nn.Module]:
    """Return the decoder and its attention modules, which hold most of what unsloth replaces."""
    decoder = base.get_decoder()
    return [decoder, *(module for name, module in decoder.named_modules() if name.endswith("self_attn"))]


def _is_unsloths(module: torch.nn.Module) -> bool:
    """Whether a module's forward is unsloth's: of its own package, or of a module that it generated."""
    return module.forward.__module__.startswith("unsloth")
