"""Every loss, divergence, bonus and correction of a step against its formula from whole logits, in float64."""

from dataclasses import replace
from functools import partial

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from leanrl.engine.cut import fill_up, rows_that_teach
from leanrl.engine.head.scoring import attach_logprob_head
from leanrl.engine.rows import StepRow, lay_out
from leanrl.engine.settings import LossSettings
from leanrl.engine.step import train_micro_batch
from leanrl.seams.plugins.corrections import sequence_mask, token_truncate

COMPLETIONS = [[70, 71], [72, 73, 74, 75, 76], [77], [78, 79, 80]]
ADVANTAGES = [1.2, -0.4, 0.3, -1.1]
WEIGHTS = [0.11, 0.07, 0.2, 0.13]
PLAIN = LossSettings(clip_low=0.2, clip_high=0.3, kl_beta=0.04, temperature=0.7)


def _model(folder, method):
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64)
    if method == "lora":
        torch.manual_seed(1)
        config = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False)
        model = get_peft_model(model, config, autocast_adapter_dtype=False)
    return model


def _whole(model, rows, temperature):
    """Log-probabilities and entropies of the completion tokens, row by row, from logits of every position."""
    for row in rows:
        logits = model(torch.tensor([[*row.prompt_ids, *row.completion_ids]])).logits[0] / temperature
        logprobs = torch.log_softmax(logits[len(row.prompt_ids) - 1 : -1], dim=-1)
        chosen = logprobs.gather(-1, torch.tensor(row.completion_ids)[:, None]).squeeze(-1)
        yield chosen, -(logprobs.exp() * logprobs).sum(-1)


def _rows(model):
    """Sampled, reference and rollout log-probabilities lie around the policy's own, near enough for every bound."""
    bare = [StepRow([40, 50][: 1 + i % 2], ids) for i, ids in enumerate(COMPLETIONS)]
    generator = torch.Generator().manual_seed(3)

    def near(logprobs):
        return logprobs.detach() + 0.5 * torch.randn(logprobs.shape, generator=generator, dtype=torch.float64)

    return [
        StepRow(
            row.prompt_ids,
            row.completion_ids,
            advantage=ADVANTAGES[i],
            weight=WEIGHTS[i],
            sampled_logprobs=near(logprobs),
            reference_logprobs=near(logprobs),
            rollout_logprobs=near(logprobs),
        )
        for i, (row, (logprobs, _)) in enumerate(zip(bare, _whole(model, bare, 0.7), strict=True))
    ]


def _policy_losses(loss, logprobs, row, advantages):
    log_ratio = logprobs - row.sampled_logprobs
    if loss == "cispo":
        return -log_ratio.exp().clamp(0.8, 1.3).detach() * advantages * logprobs
    ratio = log_ratio.mean().exp() if loss == "gspo" else log_ratio.exp()
    return -torch.minimum(ratio * advantages, ratio.clamp(0.8, 1.3) * advantages)


def _importance(correction, row):
    ratio = (row.sampled_logprobs - row.rollout_logprobs).exp()
    if correction is None:
        return torch.ones_like(ratio)
    geometric = ratio.log().mean().exp()
    is_kept = correction is TRUNCATE or 0.8 <= geometric <= 1.25
    return ratio.clamp(max=1.1) * is_kept


def _divergences(estimator, logprobs, row):
    difference = row.reference_logprobs - logprobs
    return {"k1": -difference, "k2": difference**2 / 2, "k3": difference.exp() - difference - 1}[estimator]


def _plain_loss(model, rows, settings):
    loss = 0.0
    for row, (logprobs, entropies) in zip(rows, _whole(model, rows, settings.temperature), strict=True):
        advantages = row.advantage if row.token_advantages is None else row.token_advantages
        losses = _policy_losses(settings.loss, logprobs, row, advantages) * _importance(settings.correction, row)
        if settings.token_weights is not None:
            losses = losses * (entropies.detach() > entropies.detach().mean())
        losses = losses + settings.kl_beta * _divergences(settings.kl_estimator, logprobs, row)
        losses = losses - settings.entropy_coef * entropies
        loss = loss + row.weight * (losses * (1 if row.token_weights is None else row.token_weights)).sum()
    return loss


def _gradients(model):
    return {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}


TRUNCATE = partial(token_truncate, clip=1.1)
MASK = partial(sequence_mask, clip=1.1, mask_low=0.8, mask_high=1.25)


def _above_the_rows_mean(logprobs_B_T, sampled_B_T, entropies_B_T, advantages_B_T, mask_B_T):
    means_B_1 = (entropies_B_T * mask_B_T).sum(1, keepdim=True) / mask_B_T.sum(1, keepdim=True)
    return (entropies_B_T > means_B_1).to(mask_B_T.dtype)


CASES = {
    "clip": {},
    "gspo": {"loss": "gspo"},
    "cispo": {"loss": "cispo"},
    "k1": {"kl_estimator": "k1"},
    "k2": {"kl_estimator": "k2"},
    "entropy": {"entropy_coef": 0.3},
    "token_truncate": {"correction": TRUNCATE},
    "sequence_mask": {"correction": MASK},
    "token_weights": {"token_weights": _above_the_rows_mean},
}


@pytest.mark.parametrize("size", [4, 1, 3])
@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("name", CASES)
def test_loss_and_gradients_equal_the_formula(tiny_model, name, method, size):
    """In one micro-batch of four rows, in four of one, and in 3 + 1."""
    settings = LossSettings(**vars(PLAIN) | CASES[name])
    plain, ours = _model(tiny_model, method), _model(tiny_model, method)
    rows = _rows(plain)
    expected = _plain_loss(plain, rows, settings)
    expected.backward()
    attach_logprob_head(ours.get_base_model() if method == "lora" else ours)
    loss = 0.0
    for start in range(0, len(rows), size):
        micro_batch = lay_out(rows[start : start + size], pad_id=0, device="cpu", dtype=torch.float64)
        loss += train_micro_batch(ours, micro_batch, settings=settings).loss.item()
    assert loss == pytest.approx(expected.item(), abs=1e-12)
    theirs, mine = _gradients(plain), _gradients(ours)
    assert mine.keys() == theirs.keys()
    for parameter, gradient in theirs.items():
        assert torch.allclose(mine[parameter], gradient, atol=1e-12), parameter


@pytest.mark.parametrize("size", [4, 1, 3])
@pytest.mark.parametrize("loss", ["clip", "gspo", "cispo"])
def test_tokens_with_advantages_and_weights_of_their_own(tiny_model, loss, size):
    """Rows 0 and 2 have advantages by token, rows 1 and 2 weights, row 3 neither."""
    settings = replace(PLAIN, loss=loss, entropy_coef=0.3)
    plain, ours = _model(tiny_model, "full"), _model(tiny_model, "full")
    rows = _rows(plain)
    rows[0] = replace(rows[0], token_advantages=torch.tensor([0.5, -2.0], dtype=torch.float64))
    rows[1] = replace(rows[1], token_weights=torch.tensor([0.0, 1.0, 2.0, 0.5, 0.0], dtype=torch.float64))
    rows[2] = replace(
        rows[2], token_advantages=torch.tensor([-1.5], dtype=torch.float64), token_weights=torch.tensor([3.0])
    )
    expected = _plain_loss(plain, rows, settings)
    expected.backward()
    attach_logprob_head(ours)
    loss_of_all = 0.0
    for start in range(0, len(rows), size):
        micro_batch = lay_out(rows[start : start + size], pad_id=0, device="cpu", dtype=torch.float64)
        loss_of_all += train_micro_batch(ours, micro_batch, settings=settings).loss.item()
    assert loss_of_all == pytest.approx(expected.item(), abs=1e-12)
    theirs, mine = _gradients(plain), _gradients(ours)
    for parameter, gradient in theirs.items():
        assert torch.allclose(mine[parameter], gradient, atol=1e-12), parameter


def test_a_row_teaches_by_the_advantages_of_its_tokens():
    rows = [
        StepRow([1], [2, 3], weight=1.0, token_advantages=torch.tensor([0.0, 1.0])),
        StepRow([1], [2, 3], weight=1.0, advantage=1.0, token_advantages=torch.zeros(2)),
        StepRow([1], [2, 3], weight=1.0),
    ]
    assert rows_that_teach(rows) == rows[:1]


def test_the_cases_tell_the_choices_apart(tiny_model):
    """A bound or mask that acts nowhere would prove nothing: all losses differ."""
    model = _model(tiny_model, "full")
    rows = _rows(model)
    losses = [_plain_loss(model, rows, LossSettings(**vars(PLAIN) | case)).item() for case in CASES.values()]
    assert len({round(loss, 9) for loss in losses}) == len(losses)


def test_raw_ratios_are_handed_on_whatever_the_correction(tiny_model):
    model = _model(tiny_model, "full")
    rows = _rows(model)
    attach_logprob_head(model)
    micro_batch = lay_out(rows, pad_id=0, device="cpu", dtype=torch.float64)
    (flat,) = train_micro_batch(model, micro_batch, settings=PLAIN).log_ratios
    expected = torch.cat([row.sampled_logprobs - row.rollout_logprobs for row in rows])
    assert torch.allclose(flat[~flat.isnan()], expected)
    assert flat.isnan().sum() == 4 * 5 - 11


def test_padding_never_overflows(tiny_model):
    """Behind the end stand scores of word 0; where they lie below -89, exp(0 - score) is infinite in fp32.

    Infinity times a mask of 0 is NaN. The reference is the policy itself, so that the divergence is 0 elsewhere.
    """
    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    attach_logprob_head(model)
    bare = [StepRow([40], [70]), StepRow([40], [71] * 20)]
    settings = LossSettings(clip_low=0.2, clip_high=0.2, kl_beta=0.04, temperature=1e-3)
    layout = lay_out(bare, pad_id=0, device="cpu")
    scores = model(
        layout.input_ids_B_S,
        positions_B_T=layout.positions_B_T,
        target_ids_B_T=layout.target_ids_B_T,
        temperature=settings.temperature,
    )[0].detach()
    assert scores[0, 1:].min() < -89
    rows = [
        replace(row, advantage=1.0, weight=0.5, reference_logprobs=scores[i, : len(row.completion_ids)])
        for i, row in enumerate(bare)
    ]
    sums = train_micro_batch(model, lay_out(rows, pad_id=0, device="cpu"), settings=settings)
    assert torch.isfinite(sums.loss)
    assert sums.divergence == 0
    assert all(torch.isfinite(weight.grad).all() for weight in model.parameters())


def test_empty_and_one_token_completions(tiny_model):
    """The empty one adds nothing; the other counts as if it stood alone."""
    model = _model(tiny_model, "full")
    attach_logprob_head(model)
    one, empty = StepRow([40, 41], [70], advantage=0.5, weight=0.3), StepRow([40], [], advantage=0.5, weight=0.0)
    settings = LossSettings(clip_low=0.2, clip_high=0.2, kl_beta=0.0, temperature=1.0)
    results = []
    for rows in ([one], [one, empty]):
        model.zero_grad()
        sums = train_micro_batch(model, lay_out(rows, pad_id=0, device="cpu", dtype=torch.float64), settings=settings)
        results.append((sums.loss.item(), sums.num_tokens.item(), _gradients(model)))
    (loss, num_tokens, alone), (loss_beside, num_tokens_beside, beside) = results
    assert (loss_beside, num_tokens_beside) == (pytest.approx(loss), num_tokens)
    assert all(torch.allclose(beside[name], gradient, atol=1e-12) for name, gradient in alone.items())


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("name", CASES)
def test_a_pass_without_a_completion_adds_zero_to_every_trained_weight(tiny_model, name, method):
    """Ranks exchange gradients in one, so each weight has to take part."""
    model = _model(tiny_model, method)
    attach_logprob_head(model.get_base_model() if method == "lora" else model)
    (idle,) = fill_up([], count=1, pad_id=0)
    settings = LossSettings(**vars(PLAIN) | CASES[name])
    sums = train_micro_batch(model, lay_out(idle, pad_id=0, device="cpu", dtype=torch.float64), settings=settings)
    assert sums.loss == 0
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    assert all(weight.grad is not None and not weight.grad.any() for weight in trained)
