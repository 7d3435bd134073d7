"""Five steps with every saving on, against the plain path: whole logits, a mask, autograd alone.

The plain path takes all rows of a step at once: padded, or in one sequence under a block-diagonal mask. Ours sorts
them, cuts them by tokens, drops those without a gradient, scores tile by tile without a mask, padded or packed, and
adds the head's gradient to `.grad` by hand.
"""

import math
from functools import partial

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from leanrl.algorithms.advantages import group_advantages
from leanrl.algorithms.aggregation import completion_weights
from leanrl.config.schema import TrainConfig
from leanrl.engine.attention.packed import attend_to_packed_rows
from leanrl.engine.cut import cut_step, rows_that_teach
from leanrl.engine.head.scoring import attach_logprob_head
from leanrl.engine.rows import PACKED, PADDED, StepRow
from leanrl.engine.settings import LossSettings
from leanrl.engine.step import train_micro_batch
from tests.tiny_model import make_tiny_model

NUM_STEPS, GROUP = 5, 4
TRAIN = TrainConfig(max_tokens_per_micro_batch=128)
# A long tail, one token, no token at all, a group cut at the limit, and a group whose rewards are all equal.
LENGTHS = [3, 1, 96, 14, 40, 40, 40, 40, 7, 0, 2, 11, 25, 5, 8, 60]
REWARDS = [0.0, 1.0, 1.0, 0.0, 0.3, 0.3, 0.3, 0.3, 1.0, 0.0, 0.5, 0.0, 0.7, 0.7, 0.7, 0.7]


def _model(folder, method, dtype):
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=dtype)
    if method == "lora":
        torch.manual_seed(1)
        config = LoraConfig(r=4, target_modules="all-linear", init_lora_weights="gaussian")
        model = get_peft_model(model, config, autocast_adapter_dtype=False)
    return model.train()


def _steps(kl_beta, dtype):
    """The same rows for both paths: fixed completions, of which some have no gradient without a KL."""
    generator = torch.Generator().manual_seed(3)
    by_group = [LENGTHS[start : start + GROUP] for start in range(0, len(LENGTHS), GROUP)]
    weights_P_G = completion_weights(by_group, aggregation="batch_token_mean", max_completion_tokens=96)
    weights = [weight for weights_G in weights_P_G for weight in weights_G]
    rewards = torch.tensor(REWARDS, dtype=torch.float64)
    steps = []
    for _ in range(NUM_STEPS):
        shuffled = rewards.view(-1, GROUP)[:, torch.randperm(GROUP, generator=generator)]
        advantages = group_advantages(shuffled, baseline="mean", scale="group").flatten().tolist()
        rows = []
        for index, length in enumerate(LENGTHS):
            prompt = torch.randint(4, 250, (2 + index // GROUP * 9,), generator=generator).tolist()
            completion = torch.randint(4, 250, (length,), generator=generator).tolist()
            reference = -5 - torch.rand(length, generator=generator, dtype=torch.float64)
            rows.append(
                StepRow(
                    prompt,
                    completion,
                    advantage=advantages[index],
                    weight=weights[index],
                    reference_logprobs=reference.to(dtype) if kl_beta else None,
                )
            )
        steps.append(rows)
    return steps


def _plain_loss(model, rows, *, settings, dtype):
    """All rows at once: logits of every position, a mask, and the formula."""
    width = max(row.num_tokens for row in rows)
    ids = torch.tensor([[*row.prompt_ids, *row.completion_ids] + [0] * (width - row.num_tokens) for row in rows])
    mask = torch.tensor([[1] * row.num_tokens + [0] * (width - row.num_tokens) for row in rows])
    return _loss_of_logits(model(input_ids=ids, attention_mask=mask).logits, rows, settings=settings, dtype=dtype)


def _block_diagonal_loss(model, rows, *, settings, dtype):
    """All rows in one sequence, and a mask in which a token sees what stands before it in its own row."""
    lengths = [row.num_tokens for row in rows]
    ids = torch.tensor([[token for row in rows for token in (*row.prompt_ids, *row.completion_ids)]])
    positions = torch.tensor([[position for length in lengths for position in range(length)]])
    mask = torch.block_diag(*(torch.ones(length, length).tril() for length in lengths)).bool()[None, None]
    logits_1_N_V = model(input_ids=ids, position_ids=positions, attention_mask=mask).logits
    return _loss_of_logits(logits_1_N_V[0].split(lengths), rows, settings=settings, dtype=dtype)


def _loss_of_logits(logits, rows, *, settings, dtype):
    loss = torch.zeros((), dtype=dtype)
    for row, logits_S_V in zip(rows, logits, strict=True):
        first = len(row.prompt_ids) - 1
        targets = torch.tensor(row.completion_ids, dtype=torch.int64)[:, None]
        logprobs_S_V = torch.log_softmax(logits_S_V[first : first + len(targets)] / settings.temperature, dim=-1)
        logprobs = logprobs_S_V.gather(-1, targets).squeeze(-1)
        losses = -torch.exp(logprobs - logprobs.detach()) * row.advantage
        if row.reference_logprobs is not None:
            difference = row.reference_logprobs - logprobs
            losses = losses + settings.kl_beta * (difference.exp() - difference - 1)
        loss = loss + row.weight * losses.sum()
    loss.backward()
    return loss.item()


def _lean_loss(model, rows, *, settings, dtype, layout=PADDED):
    if not settings.needs_every_row:
        rows = rows_that_teach(rows)
    loss = 0.0
    for numbers in cut_step([row.num_tokens for row in rows], TRAIN, layout):
        micro_batch = layout.lay_out([rows[number] for number in numbers], pad_id=0, device="cpu", dtype=dtype)
        loss += train_micro_batch(model, micro_batch, settings=settings).loss.item()
    return loss


_packed_loss = partial(_lean_loss, layout=PACKED)


def _run(model, steps, take, *, settings, dtype, learning_rate):
    """Return the losses, the gradients of every step as one vector, and the change of the weights as another."""
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    before = torch.cat([weight.detach().flatten().clone() for weight in trained])
    # Adam divides each number by its own size: at its usual eps of 1e-8 gradients near 0 become steps of pure rounding.
    optimizer = torch.optim.AdamW(trained, lr=learning_rate, eps=1e-6)
    losses, gradients = [], []
    for rows in steps:
        optimizer.zero_grad()
        losses.append(take(model, rows, settings=settings, dtype=dtype))
        gradients.append(torch.cat([weight.grad.flatten().clone() for weight in trained]))
        optimizer.step()
    after = torch.cat([weight.detach().flatten() for weight in trained])
    return losses, torch.cat(gradients), after - before


def _both(folder, method, kl_beta, dtype, plain=_plain_loss, lean=_lean_loss):
    settings = LossSettings(clip_low=0.2, clip_high=0.2, kl_beta=kl_beta, temperature=0.7)
    steps = _steps(kl_beta, dtype)
    choices = {"settings": settings, "dtype": dtype, "learning_rate": 1e-3}
    expected = _run(_model(folder, method, dtype), steps, plain, **choices)
    lean_model = _model(folder, method, dtype)
    bare = lean_model.get_base_model() if method == "lora" else lean_model
    attach_logprob_head(bare)
    if lean is _packed_loss:
        attend_to_packed_rows(bare)
    return expected, _run(lean_model, steps, lean, **choices)


def _distance(ours, plain):
    return ((ours - plain).norm() / plain.norm()).item()


CASES = pytest.mark.parametrize(
    ("family", "method", "kl_beta"),
    [
        ("llama", "full", 0.0),
        ("llama", "full", 0.04),
        ("qwen2", "full", 0.04),
        ("qwen2", "lora", 0.0),
        ("llama", "lora", 0.04),
    ],
)


PATHS = pytest.mark.parametrize(
    ("plain", "lean"),
    [(_plain_loss, _lean_loss), (_plain_loss, _packed_loss), (_block_diagonal_loss, _packed_loss)],
    ids=["padded", "packed", "packed against a block-diagonal mask"],
)


@PATHS
@CASES
def test_in_float64_to_1e_9(tmp_path, family, method, kl_beta, plain, lean):
    folder = make_tiny_model(tmp_path / "model", family=family)
    expected, ours = _both(folder, method, kl_beta, torch.float64, plain, lean)
    assert ours[0] == pytest.approx(expected[0], abs=1e-9)
    assert _distance(ours[1], expected[1]) < 1e-9
    assert _distance(ours[2], expected[2]) < 1e-9


@pytest.mark.parametrize("lean", [_lean_loss, _packed_loss], ids=["padded", "packed"])
@CASES
def test_in_float32_to_1e_5_without_a_bias(tmp_path, family, method, kl_beta, lean):
    """The loss to 1e-6, gradients and update to 1e-5 by norm, and the residual's mean within 3 standard errors of 0."""
    folder = make_tiny_model(tmp_path / "model", family=family)
    (losses, gradients, update), (our_losses, our_gradients, our_update) = _both(
        folder, method, kl_beta, torch.float32, lean=lean
    )
    assert our_losses == pytest.approx(losses, abs=1e-6)
    assert _distance(our_gradients, gradients) < 1e-5
    assert _distance(our_update, update) < 1e-5
    # Neighbours round alike, so the standard error is taken over parts.
    parts = torch.stack([part.mean() for part in (our_gradients - gradients).double().tensor_split(64)])
    assert abs(parts.mean()) < 3 * parts.std() / math.sqrt(64)


def test_the_savings_are_on(tmp_path):
    """Of 16 rows 8 have no gradient (two groups of equal rewards), one of the others no token."""
    rows = _steps(0.0, torch.float64)[0]
    teaching = rows_that_teach(rows)
    assert len(teaching) == 7
    lengths = [row.num_tokens for row in teaching]
    padded, packed = (cut_step(lengths, TRAIN, layout) for layout in (PADDED, PACKED))
    assert 1 < len(packed) < len(padded) < len(teaching)
