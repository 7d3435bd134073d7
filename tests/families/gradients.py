"""A family's gradients through leanrl's engine, against plain transformers: eager attention, whole logits."""

from pathlib import Path

import torch
from peft import PeftModel, get_peft_model
from torch import Tensor
from transformers import AutoModelForCausalLM

from leanrl.config.load import load_config
from leanrl.config.schema import ModelConfig
from leanrl.engine.prepare import prepare_model
from leanrl.engine.rows import PADDED, StepRow
from leanrl.engine.settings import LossSettings
from leanrl.engine.step import train_micro_batch
from leanrl.models.adapters.adapter import lora_config
from leanrl.models.load import load_policy
from leanrl.models.locate import LocatedModel
from tests.families.family import Family, Method

# Three prompts and completions, longer than a window of 16, that end apart.
_LENGTHS = ((24, 17), (9, 30), (13, 1))
_ADVANTAGES = (1.0, -0.5, 0.7)
_WEIGHT = 0.1
_TEMPERATURE = 0.7


def gradient_error(model: Path, family: Family, method: Method) -> float:
    """Return the distance of all gradients by norm, over the norm of those of plain transformers, in fp32."""
    config = load_config("cpu-demo", _settings(model, family, method)).config
    ours = _policy(load_policy(config.model, LocatedModel(str(model), None, "folder"), device="cpu"), config.model)
    bare = ours.get_base_model() if isinstance(ours, PeftModel) else ours
    bare.gradient_checkpointing_enable({"use_reentrant": False})
    prepare_model(bare, config.train)
    plain_model = AutoModelForCausalLM.from_pretrained(
        model, dtype=torch.float32, attn_implementation=family.reference_attention
    )
    plain = _policy(plain_model, config.model).eval()
    expected, found = _plain_gradients(plain), _lean_gradients(ours.train())
    assert expected.keys() == found.keys()
    error = torch.stack([(found[name] - expected[name]).norm() for name in expected]).norm()
    return float(error / torch.stack([gradient.norm() for gradient in expected.values()]).norm())


def _settings(model: Path, family: Family, method: Method) -> list[str]:
    targets = "all-linear" if family.targets is None else f"[{','.join(family.targets)}]"
    tuning = [] if method == "full" else ["model.tuning.rank=4", f"model.tuning.targets={targets}"]
    settings = [f"model.id={model}", "model.wheel=null", "model.dtype=float32", "model.compute_dtype=float32"]
    return [*settings, f"model.tuning.method={method}", "train.tile_tokens=16", *tuning]


def _policy(model: torch.nn.Module, chosen: ModelConfig) -> torch.nn.Module:
    """An adapter whose B is not 0: else A would have no gradient."""
    if chosen.tuning.method == "full":
        return model
    torch.manual_seed(1)
    adapted = get_peft_model(model, lora_config(chosen.tuning, model))
    for name, weight in adapted.named_parameters():
        if ".lora_B." in name:
            weight.data.normal_(std=0.1)
    return adapted


def _rows() -> list[StepRow]:
    generator = torch.Generator().manual_seed(3)
    return [
        StepRow(
            *(torch.randint(4, 250, (length,), generator=generator).tolist() for length in lengths),
            advantage=advantage,
            weight=_WEIGHT,
        )
        for lengths, advantage in zip(_LENGTHS, _ADVANTAGES, strict=True)
    ]


def _lean_gradients(model: torch.nn.Module) -> dict[str, Tensor]:
    micro_batch = PADDED.lay_out(_rows(), pad_id=0, device="cpu")
    settings = LossSettings(clip_low=0.2, clip_high=0.2, kl_beta=0.0, temperature=_TEMPERATURE)
    train_micro_batch(model, micro_batch, settings=settings)
    return _gradients(model)


def _plain_gradients(model: torch.nn.Module) -> dict[str, Tensor]:
    """Each row alone, so that no mask and no padding takes part."""
    loss = torch.zeros(())
    for row in _rows():
        logits_S_V = model(input_ids=torch.tensor([[*row.prompt_ids, *row.completion_ids]])).logits[0]
        scored_T_V = logits_S_V[len(row.prompt_ids) - 1 : -1] / _TEMPERATURE
        targets_T = torch.tensor(row.completion_ids)[:, None]
        logprobs_T = torch.log_softmax(scored_T_V.float(), dim=-1).gather(-1, targets_T)
        loss = loss - row.weight * row.advantage * logprobs_T.sum()
    loss.backward()
    return _gradients(model)


def _gradients(model: torch.nn.Module) -> dict[str, Tensor]:
    """Return the gradients by name; a weight that text does not reach has none on either side."""
    return {
        name: weight.grad.double()
        for name, weight in model.named_parameters()
        if weight.grad is not None and bool(weight.grad.any())
    }
