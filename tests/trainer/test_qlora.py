"""QLoRA trains: the adapter moves, its NF4 base does not, and rollouts see the adapter."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from leanrl.models.weights.nf4 import nf4_layers
from leanrl.rollout.hf import complete
from tests.trainer.small_trainer import Notes, small_config, small_trainer

pytest.importorskip("bitsandbytes", reason="QLoRA needs the package bitsandbytes (extra qlora)")

MODEL = {"dtype": "bfloat16", "compute_dtype": "bfloat16"}


def qlora_config(folder: Path, *, tuning=None, **sections):
    model = {"id": str(folder), **MODEL, "tuning": {"method": "qlora", "rank": 4, "alpha": 8.0, **(tuning or {})}}
    return small_config(folder, model=model, **sections)


def base_weights(model) -> dict[str, torch.Tensor]:
    """Every tensor of the base: packed NF4 weights, both levels of their scales, and what stays 16-bit."""
    return {name: value.clone() for name, value in model.state_dict().items() if ".lora_" not in name}


def test_the_base_stays_bit_identical_and_every_adapter_weight_moves(tiny_model, tmp_path):
    config = qlora_config(tiny_model, optimizer={"learning_rate": 1.0e-2})
    trainer, _, _ = small_trainer(config, tmp_path / "run", listener=Notes())
    before, adapter = base_weights(trainer.model), {n: w.clone() for n, w in trainer.model.named_parameters()}
    assert sum(".absmax" in name for name in before) == 14
    trainer.train_from(None)
    after = base_weights(trainer.model)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    moved = {n for n, w in trainer.model.named_parameters() if ".lora_" in n and not torch.equal(w, adapter[n])}
    assert moved == {name for name in adapter if ".lora_" in name}


def test_rollouts_see_the_adapter(tiny_model, tmp_path):
    """An adapter with random B makes the hf engine answer otherwise than the NF4 base does, and as the policy says."""
    trainer, _, _ = small_trainer(qlora_config(tiny_model), tmp_path / "run", listener=Notes())
    model, tokenizer = trainer.model, trainer.processing_class

    def answer() -> str:
        asked = complete(
            model,
            tokenizer,
            ["1+1="],
            stopping=trainer.stopping,
            template_kwargs={},
            max_completion_tokens=8,
            temperature=0,
            batch_size=1,
        )
        return next(iter(asked))

    untrained = answer()
    torch.manual_seed(1)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.5)
    trained = answer()
    with model.disable_adapter():
        assert answer() == untrained
    assert trained != untrained
    ids = tokenizer("1+1=", return_tensors="pt").input_ids
    with torch.no_grad():
        first = model(ids).logits[0, -1].argmax()
    assert trained.startswith(tokenizer.decode(first))


def test_generation_does_not_take_the_gradient_through_the_base_away(tiny_model, tmp_path):
    """bitsandbytes' packed CPU kernel, which eval mode would switch on for good, has no backward pass."""
    trainer, _, _ = small_trainer(qlora_config(tiny_model), tmp_path / "run", listener=Notes())
    model, ids = trainer.model, torch.tensor([[5, 6, 7]])

    def gradient_of_first_layer() -> torch.Tensor:
        model.train()
        model.zero_grad()
        model(ids).logits.float().square().mean().backward()
        return next(w.grad.clone() for n, w in model.named_parameters() if "layers.0.self_attn.q_proj.lora_B" in n)

    before = gradient_of_first_layer()
    list(
        complete(
            model,
            trainer.processing_class,
            ["1+1="],
            stopping=trainer.stopping,
            template_kwargs={},
            max_completion_tokens=4,
            temperature=0,
            batch_size=1,
        )
    )
    assert all(not getattr(x.weight.quant_state, "packing_format_for_cpu", False) for x in nf4_layers(model).values())
    assert before.abs().max() > 0
    assert torch.equal(gradient_of_first_layer(), before)


@pytest.mark.parametrize(("name", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
@pytest.mark.parametrize("method", ["lora", "qlora"])
def test_the_adapter_has_the_asked_dtype(tiny_model, tmp_path, method, name, dtype):
    """Also where TRL would choose one by itself: bf16 for every adapter on a quantised base."""
    config = qlora_config(tiny_model, tuning={"method": method, "adapter_dtype": name})
    trainer, _, _ = small_trainer(config, tmp_path / "run", listener=Notes())
    trainer.train_from(None)
    assert {weight.dtype for weight in trainer.model.parameters() if weight.requires_grad} == {dtype}
    moments = [state["exp_avg"].dtype for state in trainer.optimizer.state.values()]
    assert set(moments) == {dtype}


def test_a_run_from_an_adapter_starts_exactly_there_and_measures_its_kl_from_there(tiny_model, tmp_path):
    """At the first step policy and reference are the same model, adapter included: the KL is 0, though B is not."""
    first, _, _ = small_trainer(qlora_config(tiny_model), tmp_path / "first", listener=Notes())
    torch.manual_seed(1)
    for name, weight in first.model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weight, std=0.1)
    first.train_from(None)
    saved = first.run.complete_checkpoints()[-1]

    tuning = {"start_adapter": str(saved)}
    config = qlora_config(tiny_model, tuning=tuning, algorithm={"kl_beta": 0.1})
    notes = Notes()
    again, _, _ = small_trainer(config, tmp_path / "again", listener=notes)
    policy = {name: w for name, w in again.model.named_parameters() if w.requires_grad}
    weights = load_file(saved / "adapter_model.safetensors")
    assert {name.replace(".weight", ".default.weight") for name in weights} == policy.keys()
    for name, weight in weights.items():
        assert torch.equal(policy[name.replace(".weight", ".default.weight")], weight)
    again.train_from(None)
    assert notes.steps[0]["kl"] < 1.0e-4
    assert notes.steps[1]["kl"] > notes.steps[0]["kl"]
    written = load_file(again.run.complete_checkpoints()[-1] / "adapter_model.safetensors")
    assert written.keys() == weights.keys()
    assert not any(torch.equal(written[name], weights[name]) for name in weights)
