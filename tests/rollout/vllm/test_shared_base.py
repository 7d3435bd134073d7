"""Sharing a base with tensors laid out as vLLM lays them out: all parameters are views, or none is."""

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn
from transformers import AutoModelForCausalLM

from leanrl.rollout.vllm.base_layout import find_places
from leanrl.rollout.vllm.shared_base import CannotShareError, frozen_base, separate, share
from tests.tiny_model import make_tiny_model

IDS = torch.tensor([[5, 9, 17, 33]])
QKV = "model.layers.0.self_attn.qkv_proj.weight"


@pytest.fixture(params=["llama", "qwen2"])
def model(request, tmp_path):
    base = AutoModelForCausalLM.from_pretrained(make_tiny_model(tmp_path, family=request.param), dtype=torch.float32)
    return get_peft_model(base, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM")).eval()


def as_vllm_holds(base):
    """Return copies of the base's values in vLLM's layout."""
    places = find_places({name: parameter.shape[0] for name, parameter in base.items()})
    served = {}
    for name, place in places.items():
        empty = torch.empty(place.total_rows, *base[name].shape[1:])
        whole = served.setdefault(place.name, empty)
        whole[place.first_row : place.first_row + place.num_rows] = base[name].data
    return served


def refusal(base, served):
    """Return why sharing is refused; the base's own tensors are untouched."""
    before = {name: parameter.data_ptr() for name, parameter in base.items()}
    with pytest.raises(CannotShareError) as caught:
        share(base, served)
    assert {name: parameter.data_ptr() for name, parameter in base.items()} == before
    return str(caught.value)


def test_every_frozen_parameter_is_a_view_and_the_adapter_is_its_own(model):
    base = frozen_base(model)
    served = as_vllm_holds(base)
    before = model(IDS).logits
    share(base, served)
    homes = {tensor.untyped_storage().data_ptr() for tensor in served.values()}
    for name, parameter in model.named_parameters():
        assert (parameter.untyped_storage().data_ptr() in homes) == ("lora_" not in name)
        assert parameter.requires_grad == ("lora_" in name)
    assert torch.equal(model(IDS).logits, before)


def test_gradients_of_the_adapter_are_those_of_a_base_of_its_own(model):
    base = frozen_base(model)
    gradients = []
    for _ in range(2):
        model.zero_grad()
        model(IDS, labels=IDS).loss.backward()
        gradients.append([weight.grad.clone() for weight in model.parameters() if weight.requires_grad])
        share(base, as_vllm_holds(base))
    assert all(torch.equal(own, shared) for own, shared in zip(*gradients, strict=True))


def test_a_write_on_one_side_is_seen_on_the_other(model):
    base = frozen_base(model)
    served = as_vllm_holds(base)
    share(base, served)
    served[QKV][64] = 3.0  # two query heads of 32 come first, so this is the first row of the keys
    keys = base["model.layers.0.self_attn.k_proj.weight"]
    assert torch.equal(keys[0], torch.full_like(keys[0], 3.0))
    keys.data[1] = 5.0
    assert torch.equal(served[QKV][65], torch.full_like(keys[0], 5.0))


def test_a_base_that_is_separated_keeps_its_values_when_vllm_is_gone(model):
    base = frozen_base(model)
    served = as_vllm_holds(base)
    share(base, served)
    before = model(IDS).logits
    separate(base)
    for tensor in served.values():
        tensor.zero_()
    assert torch.equal(model(IDS).logits, before)


def test_what_does_not_match_is_refused_by_name_and_nothing_changes(model):
    base = frozen_base(model)
    good = as_vllm_holds(base)
    other = good[QKV].clone()
    other[70, 3] += 1e-3
    table = good["model.embed_tokens.weight"]
    cases = {
        "vLLM has no tensor model.layers.0.self_attn.qkv_proj.weight": None,
        "packed for the CPU": torch.empty(0),
        "torch.bfloat16 in vLLM and torch.float32 in the trainer": good[QKV].bfloat16(),
        "has shape (64, 64) in vLLM, and (128, 64) is needed": good[QKV][:64],
        "does not lie row by row": good[QKV].T.contiguous().T,
        "model.layers.0.self_attn.k_proj.weight has other values": other,
    }
    for said, tensor in cases.items():
        served = {name: one for name, one in (good | {QKV: tensor}).items() if one is not None}
        assert said in refusal(base, served)
    padded = {"model.embed_tokens.weight": torch.cat([table, table[:4]])}
    assert f"pads the vocabulary of {len(table)}" in refusal(base, good | padded)
    with torch.inference_mode():
        unusable = good[QKV].clone()
    assert "inference mode" in refusal(base, good | {QKV: unusable})


def test_a_tensor_without_an_adapter_belongs_to_the_base():
    class Layer(nn.Module):
        def __init__(self):
            super().__init__()
            self.base_layer = nn.Linear(2, 2, bias=False).requires_grad_(False)
            self.lora_A = nn.Linear(2, 2, bias=False)

    model = nn.ModuleDict({"q_proj": Layer(), "norm": nn.LayerNorm(2, bias=False).requires_grad_(False)})
    assert list(frozen_base(model)) == ["q_proj.weight", "norm.weight"]
