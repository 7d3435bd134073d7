"""Each family through the engine against plain transformers: eager attention, fp32, whole logits, our own loss.

Tiles of 13 tokens, the tiled head, checkpointing, sdpa where the family has it, and adapters or all weights.
"""

import re

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers.pytorch_utils import Conv1D

from leanrl.config.schema import TrainConfig
from leanrl.engine.prepare import prepare_model
from leanrl.engine.rows import PADDED, StepRow
from leanrl.engine.settings import LossSettings
from leanrl.engine.step import train_micro_batch
from leanrl.models.structure.attention import usable_attention
from tests.engine.tiny_families import FAMILIES, config_of, model_of

REFUSED = ("gptj",)  # a bias on the head
SETTINGS = LossSettings(clip_low=0.2, clip_high=0.2, kl_beta=0.0, temperature=0.8)


def _rows():
    generator = torch.Generator().manual_seed(1)
    return [
        StepRow(
            prompt_ids=torch.randint(3, 64, (10,), generator=generator).tolist(),
            completion_ids=torch.randint(3, 64, (length,), generator=generator).tolist(),
            advantage=advantage,
            weight=0.1,
        )
        for length, advantage in ((7, 1.0), (21, -0.5), (12, 2.0))
    ]


def _adapted(model, method):
    if method == "full":
        return model
    torch.manual_seed(3)
    linear = [name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear | Conv1D)]
    in_mlp = [name for name in linear if re.search(r"(mlp|feed_forward|fc\d)", name) and "router" not in name]
    names = in_mlp or [name for name in linear if name.endswith(("q_proj", "in_proj"))]
    return get_peft_model(model, LoraConfig(r=2, target_modules=names, init_lora_weights=False))


def _plain_loss(model):
    """Each row alone, its logits by the model's own head: -sum of advantage x weight x probability ratio."""
    total = torch.zeros(())
    for row in _rows():
        ids = torch.tensor([[*row.prompt_ids, *row.completion_ids]])
        logits_S_V = model(input_ids=ids, use_cache=False).logits[0, len(row.prompt_ids) - 1 : -1].float()
        logprobs_S_V = torch.log_softmax(logits_S_V / SETTINGS.temperature, dim=-1)
        logprobs = logprobs_S_V.gather(-1, torch.tensor(row.completion_ids)[:, None])
        total = total - row.weight * row.advantage * torch.exp(logprobs - logprobs.detach()).sum()
    total.backward()
    return total.detach()


def _gradients(model):
    return {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("family", [family for family in FAMILIES if family not in REFUSED])
def test_loss_and_gradients_are_those_of_plain_transformers(family, method):
    plain = _adapted(model_of(family), method).eval()
    expected = _plain_loss(plain)
    bare = model_of(family, attention=usable_attention(config_of(family), "sdpa").name)
    policy = _adapted(bare, method)
    prepare_model(bare, TrainConfig(tile_tokens=13))
    policy.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    policy.train()
    sums = train_micro_batch(policy, PADDED.lay_out(_rows(), pad_id=0, device="cpu"), settings=SETTINGS)
    assert sums.loss.item() == pytest.approx(expected.item(), abs=1e-5)
    ours, theirs = _gradients(policy), _gradients(plain)
    norm = torch.stack([gradient.norm() for gradient in theirs.values()]).norm()
    for name, gradient in theirs.items():
        assert (ours.get(name, torch.zeros(())) - gradient).norm() <= 1e-4 * norm, name
    assert norm > 1e-3
