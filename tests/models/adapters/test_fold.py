"""W + scale * B A, by hand."""

import re
from pathlib import Path

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel

from leanrl.errors import ConfigError
from leanrl.models.adapters.fold import attach_adapter, fold_adapter
from leanrl.models.structure.adaptable import SHARED, out_of_reach
from tests.models.conftest import MakeRun
from tests.tiny_model import make_tiny_model


def test_the_fold_is_w_plus_scale_b_a(tiny_model: Path) -> None:
    """Rank 2, alpha 6: scale 3. A is 1 in input 0, B is 2 in output 1 (both ranks), so W[1, 0] grows by 3 * 2 * 2."""
    base = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    before = base.model.layers[0].self_attn.v_proj.weight.clone()
    untouched = base.model.layers[1].self_attn.v_proj.weight.clone()
    shape = LoraConfig(r=2, lora_alpha=6, target_modules=r"model\.layers\.0\.self_attn\.v_proj")
    policy = get_peft_model(base, shape)
    layer = policy.base_model.model.model.layers[0].self_attn.v_proj
    with torch.no_grad():
        layer.lora_A["default"].weight.zero_()[:, 0] = 1.0
        layer.lora_B["default"].weight.zero_()[1, :] = 2.0
    model, num_folded = fold_adapter(policy)
    change = model.model.layers[0].self_attn.v_proj.weight - before
    assert num_folded == 1
    assert change[1, 0].item() == pytest.approx(12.0)
    change[1, 0] = 0.0
    assert torch.count_nonzero(change) == 0
    assert torch.equal(model.model.layers[1].self_attn.v_proj.weight, untouched)
    assert not any("lora" in name for name in model.state_dict())


def test_a_transposed_weight_gets_a_transposed_change() -> None:
    """GPT-2 keeps (in, out): the change of A at input 0 and B at output 1 is at [0, 1]."""
    base = GPT2LMHeadModel(GPT2Config(n_layer=1, n_embd=8, n_head=2, vocab_size=10))
    before = base.transformer.h[0].attn.c_attn.weight.clone()
    policy = get_peft_model(base, LoraConfig(r=1, lora_alpha=1, target_modules=["c_attn"], fan_in_fan_out=True))
    layer = policy.base_model.model.transformer.h[0].attn.c_attn
    with torch.no_grad():
        layer.lora_A["default"].weight.zero_()[0, 0] = 1.0
        layer.lora_B["default"].weight.zero_()[1, 0] = 5.0
    model, _ = fold_adapter(policy)
    change = model.transformer.h[0].attn.c_attn.weight - before
    assert change[0, 1].item() == pytest.approx(5.0)
    assert torch.count_nonzero(change) == 1


def test_a_bf16_base_is_never_folded_into(tiny_model: Path) -> None:
    base = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.bfloat16)
    with pytest.raises(ValueError, match=r"torch\.bfloat16; fold into fp32"):
        fold_adapter(get_peft_model(base, LoraConfig(r=1, target_modules=["q_proj"])))


def _tie_to_the_next_layer(model):
    model.model.layers[1].self_attn.q_proj.weight = model.model.layers[0].self_attn.q_proj.weight


def _stand_in_two_layers(model):
    model.model.layers[1].self_attn.q_proj = model.model.layers[0].self_attn.q_proj


def _tie_to_the_embedding(model):
    """A head that the model does not call its head."""
    model.score = torch.nn.Linear(model.config.hidden_size, model.config.vocab_size, bias=False)
    model.score.weight = model.model.embed_tokens.weight


@pytest.mark.parametrize(
    ("share", "target", "shared"),
    [
        (_tie_to_the_next_layer, "q_proj", 2),
        (_stand_in_two_layers, "q_proj", 1),
        (_tie_to_the_embedding, "score", 1),
    ],
)
def test_an_adapter_on_a_weight_of_two_modules_is_left_out_and_not_folded(
    share, target: str, shared: int, tiny_model: Path
) -> None:
    """One fold would act in both modules; PEFT gives each a change of its own."""
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    assert out_of_reach(model) == {}
    share(model)
    left_out = out_of_reach(model)
    assert set(left_out.values()) == {SHARED}
    assert len(left_out) == shared
    assert all(name.endswith(target) for name in left_out)
    policy = get_peft_model(model, LoraConfig(r=1, target_modules=[target]))
    with pytest.raises(ConfigError, match=rf"{shared} of its modules share their weight .*{target} with model\."):
        fold_adapter(policy)


def test_an_adapter_of_another_base_is_refused(make_run: MakeRun, tmp_path: Path) -> None:
    """The other base lacks nothing of the same names, but its shapes differ."""
    checkpoint = make_run().checkpoint(7)
    other = GPT2LMHeadModel(GPT2Config(n_layer=1, n_embd=8, n_head=2, vocab_size=10))
    with pytest.raises(ConfigError, match="does not fit its base"):
        attach_adapter(other, checkpoint)


def test_a_weight_without_a_module_is_not_dropped_silently(make_run: MakeRun, tmp_path: Path) -> None:
    checkpoint = make_run().checkpoint(7)
    weights = load_file(checkpoint / "adapter_model.safetensors")
    name = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"
    weights[name.replace("layers.0", "layers.9")] = weights.pop(name)
    save_file(weights, checkpoint / "adapter_model.safetensors")
    base = AutoModelForCausalLM.from_pretrained(make_tiny_model(tmp_path / "again"), dtype=torch.float32)
    with pytest.warns(UserWarning, match="missing adapter keys"), pytest.raises(ConfigError, match="2 weights"):
        attach_adapter(base, checkpoint)


def test_an_adapter_that_diverged_is_refused(make_run: MakeRun, tiny_model: Path) -> None:
    checkpoint = make_run().checkpoint(7)
    weights = load_file(checkpoint / "adapter_model.safetensors")
    first = next(iter(weights))
    weights[first][0, 0] = float("nan")
    save_file(weights, checkpoint / "adapter_model.safetensors")
    base = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    with pytest.raises(ConfigError, match="not finite") as caught:
        attach_adapter(base, checkpoint)
    assert "earlier checkpoint" in (caught.value.hint or "")


@pytest.mark.parametrize("side", ["lora_A", "lora_B"])
def test_an_adapter_whose_values_are_not_those_of_its_file_is_refused(
    make_run: MakeRun, tiny_model: Path, monkeypatch: pytest.MonkeyPatch, side: str
) -> None:
    """A loader that leaves one number of one matrix as it was drawn: names and shapes tell nothing of it."""
    checkpoint = make_run().checkpoint(7)
    name = f"base_model.model.model.layers.0.self_attn.q_proj.{side}"
    load = PeftModel.from_pretrained

    @torch.no_grad()
    def loses_a_number(*arguments: object, **named: object) -> PeftModel:
        policy = load(*arguments, **named)
        policy.get_submodule(name)["default"].weight[0, 0] += 1
        return policy

    def base() -> torch.nn.Module:
        return AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)

    attach_adapter(base(), checkpoint)
    monkeypatch.setattr(PeftModel, "from_pretrained", loses_a_number)
    with pytest.raises(ConfigError, match=rf"{re.escape(name)}\.weight has other values than in the file"):
        attach_adapter(base(), checkpoint)
