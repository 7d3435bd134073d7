"""Packing proved before step 1, on the model and the device that train; without proof a run keeps padded rows.

Axes: B rows, T completion tokens.
"""

from collections.abc import Sequence
from typing import Any

import torch
from accelerate.utils import gather_object
from peft import PeftModel
from torch import Tensor, nn
from transformers import PretrainedConfig

from leanrl.config.schema import RunConfig
from leanrl.engine.packed_attention import RowBounds, attend_by_varlen, attend_row_by_row, attend_to_packed_rows
from leanrl.engine.rows import PACKED, PADDED, Layout, StepRow
from leanrl.engine.step import score_micro_batch
from leanrl.errors import ConfigError
from leanrl.rollout.hf import prompt_ids
from leanrl.trainer.grpo import LeanGRPOTrainer
from leanrl.types import Listener

# Of the difference that a neighbour in sight makes: rounding in bfloat16 stays below it, a row that leaks is 1.
_MOST_OF_A_LEAK = 0.25
# By norm: a 16-bit kernel's results have an error of 2**-9 and their sums hardly more.
_MOST_KERNEL_ERROR = 0.02
_KERNEL_ROWS, _KERNEL_WINDOW = (1, 40, 17), 8
_COMPLETION_TOKENS = (8, 16)


def pack_if_proved(trainer: LeanGRPOTrainer, *, listener: Listener) -> None:
    """Let the trainer's micro-batches be packs where `train.pack_rows` allows it and every rank has proved it.

    Raises:
        ConfigError: if packing is asked for (`always`) and cannot be had.
    """
    config = trainer.lean_config
    if not config.packs_rows:
        return
    attention = _models(trainer)[0].config._attn_implementation
    reasons = [reason for reason in gather_object([_why_not(trainer)]) if reason is not None]
    if not reasons:
        trainer.budget.layout = PACKED
        return
    for model in _models(trainer):
        model.config._attn_implementation = attention
    if config.train.pack_rows == "always":
        raise ConfigError(
            f"train.pack_rows: rows cannot be packed, {reasons[0]}.", hint="-s train.pack_rows=auto trains padded rows"
        )
    listener.warn(f"rows are padded, not packed: {reasons[0]} (-s train.pack_rows=never asks for that)")


def _why_not(trainer: LeanGRPOTrainer) -> str | None:
    """Return what stands against packing, or None with the models set to it."""
    config = trainer.lean_config
    models = _models(trainer)
    unable = _unable(models[0].config.get_text_config())
    if unable is not None:
        return unable
    try:
        rows = _proof_rows(trainer)
        padded = _score(trainer, rows, PADDED)
        for model in models:
            attend_to_packed_rows(model)
        packed = _score(trainer, rows, PACKED)
        error = 0.0 if trainer.accelerator.device.type != "cuda" else kernel_error(models[0].config, config)
        leaked = _score(trainer, [_beside(*rows)], PADDED)
    except (RuntimeError, TypeError, ValueError) as failure:  # of a kernel: for a card, a dtype or an older torch
        first_line, _, _ = str(failure).partition("\n")
        return f"a pack failed with {type(failure).__name__}: {first_line}"
    share = ((packed - padded).abs().mean() / (leaked[0] - padded[1]).abs().mean()).item()
    if not share <= _MOST_OF_A_LEAK:
        return f"a pack's log-probabilities differ from padded rows' by {share:.2f} of what a row in sight changes"
    return f"the kernel for packs is off by {error:.1%}" if not error <= _MOST_KERNEL_ERROR else None


def kernel_error(model_config: PretrainedConfig, config: RunConfig, *, device: str = "cuda") -> float:
    """Return the largest error, by norm, of torch's varlen kernel and its gradients against plain fp32 attention.

    Random numbers in the model's head sizes, with and without a window; 0 where no pack reaches the kernel.
    """
    text = model_config.get_text_config()
    if config.model.compute_dtype == "float32":
        return 0.0
    num_heads, num_kv_heads = text.num_attention_heads, text.num_key_value_heads or text.num_attention_heads
    head_size = getattr(text, "head_dim", None) or text.hidden_size // num_heads
    generator = torch.Generator(device).manual_seed(0)
    exact = [
        torch.randn(1, sum(_KERNEL_ROWS), heads, head_size, device=device, generator=generator).transpose(1, 2)
        for heads in (num_heads, num_kv_heads, num_kv_heads, num_heads)
    ]
    module = nn.Module()
    module.num_key_value_groups = num_heads // num_kv_heads
    bounds = RowBounds.of(_KERNEL_ROWS, device)
    errors = []
    for window in (None, _KERNEL_WINDOW):
        asked: dict[str, Any] = {"scaling": head_size**-0.5, "sliding_window": window}
        ours, gradient = _leaves(exact, torch.bfloat16)
        plain, plain_gradient = _leaves(exact, torch.float32)
        output = attend_by_varlen(*ours, bounds, **asked)
        expected = attend_row_by_row(module, *plain, _KERNEL_ROWS, **asked)
        output.backward(gradient.transpose(1, 2))
        expected.backward(plain_gradient.transpose(1, 2))
        pairs = [(output, expected), *((one.grad, other.grad) for one, other in zip(ours, plain, strict=True))]
        errors += [((one.float() - other).norm() / other.norm()).item() for one, other in pairs]
    return max(errors)


def _leaves(exact: Sequence[Tensor], dtype: torch.dtype) -> tuple[list[Tensor], Tensor]:
    """Return queries, keys and values that ask for a gradient, rounded alike for both dtypes, and one of the output."""
    *inputs, gradient = (tensor.to(torch.bfloat16).to(dtype) for tensor in exact)
    return [tensor.requires_grad_() for tensor in inputs], gradient


def _unable(text: PretrainedConfig) -> str | None:
    """Return by name what packed attention does not compute."""
    for key in ("attn_logit_softcapping", "attention_dropout"):
        if getattr(text, key, None):
            return f"{text.model_type} has {key} in its config"
    return None


def _models(trainer: LeanGRPOTrainer) -> list[Any]:
    policy = trainer.model.get_base_model() if isinstance(trainer.model, PeftModel) else trainer.model
    reference = [] if trainer.ref_model is None else [trainer.accelerator.unwrap_model(trainer.ref_model)]
    return [policy, *reference]


def _proof_rows(trainer: LeanGRPOTrainer) -> list[StepRow]:
    """Return the first prompt and the last, each with tokens of its own as a completion; the second is the longer."""
    prompts = [prompt_ids(trainer.processing_class, trainer.rows[number].prompt) for number in (0, -1)]
    return [
        StepRow(prompt, (prompt * length)[:length]) for prompt, length in zip(prompts, _COMPLETION_TOKENS, strict=True)
    ]


def _beside(first: StepRow, second: StepRow) -> StepRow:
    """Return the second row with the first in its sight."""
    return StepRow([*first.prompt_ids, *first.completion_ids, *second.prompt_ids], second.completion_ids)


def _score(trainer: LeanGRPOTrainer, rows: list[StepRow], layout: Layout) -> Tensor:
    """Return logprobs_B_T of the rows under the policy, wherever its weights are before training begins."""
    model = trainer.model
    micro_batch = layout.lay_out(rows, pad_id=0, device=next(model.parameters()).device)
    was_training = model.training
    model.eval()
    try:
        with trainer.accelerator.autocast():
            return score_micro_batch(model, micro_batch, temperature=1.0)
    finally:
        model.train(was_training)
