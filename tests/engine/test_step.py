"""One step's gradients: the same however it is cut, and equal to the formula written plainly."""

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from leanrl.algorithms.aggregation import completion_weights
from leanrl.engine.cut import cut_by_count
from leanrl.engine.head.scoring import attach_logprob_head
from leanrl.engine.rows import StepRow, lay_out
from leanrl.engine.step import LossSettings, score_micro_batch, train_micro_batch

PROMPT = [40, 50, 60]
COMPLETIONS = [[70, 71], [72, 73, 74, 75, 76], [77], [78, 79, 80], [81, 82], [83, 84, 85, 86]]
ADVANTAGES = [1.2, -0.4, 0.3, -1.1, 0.5, -0.5]
SETTINGS = LossSettings(clip_low=0.2, clip_high=0.2, kl_beta=0.04, temperature=0.7)


def _model(folder, method="full"):
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64)
    if method == "lora":
        torch.manual_seed(1)
        config = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False)
        model = get_peft_model(model, config, autocast_adapter_dtype=False)
        attach_logprob_head(model.get_base_model())
    else:
        attach_logprob_head(model)
    return model


def _rows(aggregation="prompt_token_mean"):
    lengths = [len(ids) for ids in COMPLETIONS]
    (weights,) = completion_weights([lengths], aggregation=aggregation, max_completion_tokens=8)
    generator = torch.Generator().manual_seed(3)
    return [
        StepRow(
            PROMPT[: 1 + i % 3],
            ids,
            advantage=ADVANTAGES[i],
            weight=weights[i],
            reference_logprobs=-1 - torch.rand(len(ids), generator=generator),
        )
        for i, ids in enumerate(COMPLETIONS)
    ]


def _gradients(model, rows, size):
    model.zero_grad()
    loss = 0.0
    for numbers in cut_by_count(range(len(rows)), max_rows=size):
        batch = lay_out([rows[i] for i in numbers], pad_id=0, device="cpu")
        loss += train_micro_batch(model, batch, settings=SETTINGS).loss.item()
    gradients = {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}
    return loss, gradients


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("aggregation", ["prompt_token_mean", "batch_token_mean", "completion_mean", "fixed_length"])
@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_micro_batches_do_not_change_the_estimator(tiny_model, method, aggregation, size):
    """6 x 1, 3 x 2, 2 x 3 (and an uneven 4 + 2) give the loss and gradients of 1 x 6."""
    model = _model(tiny_model, method)
    rows = _rows(aggregation)
    whole_loss, whole = _gradients(model, rows, 6)
    loss, parts = _gradients(model, rows, size)
    assert loss == pytest.approx(whole_loss, rel=1e-6)
    assert parts.keys() == whole.keys()
    scale = max(gradient.abs().max() for gradient in whole.values())
    for name, gradient in whole.items():
        assert (parts[name] - gradient).abs().max() < 1e-6 * scale, name


def test_gradient_equals_the_formula_written_plainly(tiny_model):
    """bnpo over one group: (1 / tokens) sum_t (-A ratio + beta k3), from full logits and autograd alone."""
    model = _model(tiny_model)
    rows = _rows()
    _, ours = _gradients(model, rows, 2)

    plain = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float64)
    loss = 0.0
    for row in rows:
        logits = plain(torch.tensor([row.prompt_ids + row.completion_ids])).logits[0] / 0.7
        start = len(row.prompt_ids) - 1
        logprobs = torch.log_softmax(logits[start:-1], dim=-1)
        logprobs = logprobs.gather(-1, torch.tensor(row.completion_ids)[:, None]).squeeze(-1)
        ratio = torch.exp(logprobs - logprobs.detach())
        difference = row.reference_logprobs - logprobs
        token_losses = -ratio * row.advantage + 0.04 * (difference.exp() - difference - 1)
        loss = loss + token_losses.sum() / sum(len(ids) for ids in COMPLETIONS)
    loss.backward()
    for name, weight in plain.named_parameters():
        scale = weight.grad.abs().max()
        assert (ours[name] - weight.grad).abs().max() < 1e-5 * scale, name


def test_padding_changes_nothing(tiny_model):
    """A row scored alone and beside a longer one has the same log-probabilities."""
    model = _model(tiny_model)
    rows = _rows()
    alone = score_micro_batch(model, lay_out(rows[2:3], pad_id=0, device="cpu"), temperature=1.0)
    beside = score_micro_batch(model, lay_out(rows, pad_id=0, device="cpu"), temperature=1.0)
    assert beside[2, 0].item() == pytest.approx(alone[0, 0].item(), abs=1e-6)
    assert beside[2, 1:].tolist() == [0.0] * (beside.shape[1] - 1)


def test_sums_count_clipped_tokens(tiny_model):
    """Sampled at ratio e^1: beyond 1.2, so a good token is clipped and a bad one is not."""
    model = _model(tiny_model)
    rows = [StepRow(PROMPT, [70, 71]), StepRow(PROMPT, [72])]
    logprobs = score_micro_batch(model, lay_out(rows, pad_id=0, device="cpu"), temperature=0.7)
    rows = [
        StepRow(PROMPT, [70, 71], advantage=1.0, weight=1.0, sampled_logprobs=logprobs[0] - 1),
        StepRow(PROMPT, [72], advantage=-1.0, weight=1.0, sampled_logprobs=logprobs[1, :1] - 1),
    ]
    sums = train_micro_batch(model, lay_out(rows, pad_id=0, device="cpu"), settings=SETTINGS)
    assert sums.num_tokens.item() == 3
    assert sums.num_clipped.item() == 2


def test_generation_is_as_before(tiny_model):
    plain = AutoModelForCausalLM.from_pretrained(tiny_model)
    ours = AutoModelForCausalLM.from_pretrained(tiny_model)
    attach_logprob_head(ours)
    prompt = torch.tensor([PROMPT])
    kept = {"max_new_tokens": 8, "do_sample": False}
    assert ours.generate(prompt, **kept).tolist() == plain.generate(prompt, **kept).tolist()


@pytest.mark.parametrize("activations", ["kept", "checkpointed"])
@pytest.mark.parametrize("method", ["full", "lora"])
def test_no_mask_reaches_attention(tiny_model, attention_masks, method, activations):
    """Right-padded causal rows need none; a mask would cost memory and the flash kernel."""
    model = _model(tiny_model, method).train()
    if activations == "checkpointed":
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        model.enable_input_require_grads()
    batch = lay_out(_rows(), pad_id=0, device="cpu")
    score_micro_batch(model, batch, temperature=1.0)
    train_micro_batch(model, batch, settings=SETTINGS)
    # One call in each of two layers, scored and trained, and two more where the backward pass recomputes.
    assert attention_masks == [(None, True)] * (4 if activations == "kept" else 6)
