"""Packing proved before step 1, on the model and the device that train; without proof a run keeps padded rows.

Axes: B rows, T completion tokens.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from accelerate.utils import gather_object
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel

from leanrl.config.schema import RunConfig
from leanrl.engine.attention.packed import RowBounds, attend_by_varlen, attend_row_by_row, attend_to_packed_rows
from leanrl.engine.rows import PACKED, PADDED, Layout, MicroBatch, StepRow
from leanrl.engine.step import score_micro_batch, score_with_graph
from leanrl.errors import ConfigError
from leanrl.models.structure.layer_values import AttentionSizes, attention_sizes
from leanrl.prompting.rendering import prompt_ids
from leanrl.trainer.grpo import LeanGRPOTrainer
from leanrl.trainer.proofs.influence import found_in_gradients, found_in_values, input_gradients
from leanrl.types import Listener

# Of the difference that a neighbour in sight makes: rounding in bfloat16 stays below it, a row that leaks is 1.
_MOST_OF_A_LEAK = 0.25
# By norm: a 16-bit kernel's results have an error of 2**-9 and their sums hardly more.
_MOST_KERNEL_ERROR = 0.02
_KERNEL_ROWS, _KERNEL_WINDOW = (1, 40, 17), 8
_COMPLETION_TOKENS = (8, 16)
# Gradients are taken without checkpointing: rows of a few tokens hold little.
_FEW_PROMPT_TOKENS = 24


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
    models = _models(trainer)
    unable = _unable(models[0])
    if unable is not None:
        return unable
    try:
        padded = _measure(trainer, PADDED)
        leaked = _measure_leak(trainer)
        for model in models:
            attend_to_packed_rows(model)
        influence = found_in_values(partial(score_rows, trainer, layout=PACKED), _short_rows(trainer))
        if influence is not None:
            return influence
        packed = _measure(trainer, PACKED)
        error = (
            0.0 if trainer.accelerator.device.type != "cuda" else kernel_error(models[0].config, trainer.lean_config)
        )
    except (RuntimeError, TypeError, ValueError) as failure:  # of a kernel: for a card, a dtype or an older torch
        first_line, _, _ = str(failure).partition("\n")
        return f"a pack failed with {type(failure).__name__}: {first_line}"
    finally:
        trainer.model.zero_grad(set_to_none=True)
    influence = found_in_gradients(packed.whole_gradients, [row.num_tokens for row in _short_rows(trainer)])
    if influence is not None:
        return influence
    for name, share in packed.shares(padded, leaked):
        if not share <= _MOST_OF_A_LEAK:
            return f"a pack's {name} differ from padded rows' by {share:.2f} of what a row in sight changes"
    return f"the kernel for packs is off by {error:.1%}" if not error <= _MOST_KERNEL_ERROR else None


@dataclass(frozen=True)
class _Measured:
    """Scores of two rows, and the gradient of each short row's scores at its own input; of a leak, the last row's.

    `whole_gradients` are those at the input of the whole sequence, with axes S and H.
    """

    logprobs: Tensor
    gradients: list[Tensor]
    whole_gradients: list[Tensor]

    def shares(self, padded: "_Measured", leaked: "_Measured") -> Iterator[tuple[str, float]]:
        """Yield how far this is from padded rows, as a fraction of how far a leak is."""
        scale = (leaked.logprobs[-1] - padded.logprobs[-1]).abs().mean()
        yield "log-probabilities", ((self.logprobs - padded.logprobs).abs().mean() / scale).item()
        far = (leaked.gradients[-1] - padded.gradients[-1]).norm()
        near = max((ours - theirs).norm().item() for ours, theirs in zip(self.gradients, padded.gradients, strict=True))
        yield "gradients", near / far.item()


def _measure(trainer: LeanGRPOTrainer, layout: Layout) -> _Measured:
    short = _short_rows(trainer)
    whole = _gradients(trainer, short, layout)
    lengths = [row.num_tokens for row in short]
    if layout is PACKED:
        own = [gradient_1_S_H[0].split(lengths)[number] for number, gradient_1_S_H in enumerate(whole)]
    else:
        own = [gradient_B_S_H[number, : lengths[number]] for number, gradient_B_S_H in enumerate(whole)]
    return _Measured(score_rows(trainer, proof_rows(trainer), layout), own, [gradient[0] for gradient in whole])


def _measure_leak(trainer: LeanGRPOTrainer) -> _Measured:
    rows, short = proof_rows(trainer), _short_rows(trainer)
    (whole_1_S_H,) = _gradients(trainer, [_beside(*short)], PADDED)
    own = whole_1_S_H[0, -short[1].num_tokens :]
    return _Measured(score_rows(trainer, [_beside(*rows)], PADDED), [own], [whole_1_S_H[0]])


def kernel_error(model_config: PretrainedConfig, config: RunConfig, *, device: str = "cuda") -> float:
    """Return the largest error, by norm, of torch's varlen kernel and its gradients against plain fp32 attention.

    Random numbers in the model's head sizes, with and without a window; 0 where no pack reaches the kernel.
    """
    if config.model.compute_dtype == "float32":
        return 0.0
    distinct = set(attention_sizes(model_config.get_text_config()))
    return max(_kernel_error(sizes, device=device) for sizes in distinct)


def _kernel_error(sizes: AttentionSizes, *, device: str) -> float:
    num_heads, num_kv_heads, head_size = sizes.num_heads, sizes.num_kv_heads, sizes.head_dim
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


def _unable(model: PreTrainedModel) -> str | None:
    """Return by name what packed attention does not stand in for."""
    attention, family = model.config._attn_implementation, model.config.model_type
    if attention != "sdpa":
        return f"{family} runs on {attention} attention"
    return None if model.is_backend_compatible() else f"{family} chooses its attention itself"


def _models(trainer: LeanGRPOTrainer) -> list[Any]:
    reference = [] if trainer.ref_model is None else [trainer.accelerator.unwrap_model(trainer.ref_model)]
    return [trainer.bare_model, *reference]


def proof_rows(trainer: LeanGRPOTrainer) -> list[StepRow]:
    """Return the first prompt and the last, each with tokens of its own as a completion; the second is the longer."""
    template_kwargs = trainer.lean_config.model.chat_template_kwargs
    asked = (trainer.rows[number].prompt for number in (0, -1))
    prompts = [prompt_ids(trainer.processing_class, prompt, template_kwargs) for prompt in asked]
    return [
        StepRow(prompt, (prompt * length)[:length]) for prompt, length in zip(prompts, _COMPLETION_TOKENS, strict=True)
    ]


def _short_rows(trainer: LeanGRPOTrainer) -> list[StepRow]:
    """Return these rows with few tokens, of which every one but the first is scored.

    A state that one row hands to the next fades with a prompt; these show it whole.
    """
    return [
        StepRow(row.prompt_ids[:1], [*row.prompt_ids[1:_FEW_PROMPT_TOKENS], *row.completion_ids])
        for row in proof_rows(trainer)
    ]


def _beside(first: StepRow, second: StepRow) -> StepRow:
    """Return the second row with the first in its sight."""
    return StepRow([*first.prompt_ids, *first.completion_ids, *second.prompt_ids], second.completion_ids)


def score_rows(trainer: LeanGRPOTrainer, rows: list[StepRow], layout: Layout) -> Tensor:
    """Return logprobs_B_T of the rows under the policy, wherever its weights are before training begins."""
    with _evaluating(trainer):
        return score_micro_batch(trainer.model, _lay_out(trainer, rows, layout), temperature=1.0)


def _gradients(trainer: LeanGRPOTrainer, rows: list[StepRow], layout: Layout) -> list[Tensor]:
    """Return, for each row, the gradient of the sum of its log-probabilities at the embeddings of all rows."""
    gradients = []
    for number in range(len(rows)):
        with _evaluating(trainer), input_gradients(_models(trainer)[0].get_input_embeddings()) as seen:
            logprobs_B_T = score_with_graph(trainer.model, _lay_out(trainer, rows, layout), temperature=1.0)
            trainer.accelerator.backward(logprobs_B_T[number].sum())
            (embedded,) = seen
            assert embedded.grad is not None
            gradients.append(embedded.grad)
    return gradients


def _lay_out(trainer: LeanGRPOTrainer, rows: list[StepRow], layout: Layout) -> MicroBatch:
    return layout.lay_out(rows, pad_id=0, device=next(trainer.model.parameters()).device)


@contextmanager
def _evaluating(trainer: LeanGRPOTrainer) -> Iterator[None]:
    """Run without the adapter's dropout, in the precision of training."""
    model = trainer.model
    was_training = model.training
    model.eval()
    try:
        with trainer.accelerator.autocast():
            yield
    finally:
        model.train(was_training)
