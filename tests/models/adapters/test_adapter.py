"""The shape, the first weights and the scale of an adapter, and going on from one."""

import math
from pathlib import Path

import pytest
import torch
from peft import get_peft_model
from safetensors.torch import load_file
from transformers import LlamaConfig, LlamaForCausalLM

from leanrl.config.schema import ModelConfig, TuningConfig
from leanrl.errors import ConfigError
from leanrl.models.adapters.adapter import lora_config, start_from_adapter
from leanrl.models.load import load_policy
from leanrl.models.locate import LocatedModel
from tests.models.conftest import MakeRun


def policy_of(folder: Path, **tuning):
    model = ModelConfig(id=str(folder), dtype="float32", compute_dtype="float32", tuning=TuningConfig(**tuning))
    return load_policy(model, LocatedModel(str(folder), None, "folder"), device="cpu")


@pytest.mark.parametrize(
    ("tuning", "scale"),
    [
        ({"rank": 4, "alpha": 8.0}, 2.0),  # alpha / rank
        ({"rank": 4, "alpha": 8.0, "alpha_ratio": 4.0}, 4.0),  # the ratio itself, whatever alpha is
        ({"rank": 16, "alpha": 8.0, "rslora": True}, 2.0),  # alpha / sqrt(rank)
        ({"rank": 16, "alpha_ratio": 1.0, "rslora": True}, 4.0),  # 16 / sqrt(16)
    ],
)
def test_the_scale_of_an_adapter(tiny_model: Path, tuning: dict[str, object], scale: float) -> None:
    adapted = get_peft_model(policy_of(tiny_model), lora_config(TuningConfig(**tuning)))
    assert adapted.base_model.model.model.layers[0].mlp.up_proj.scaling["default"] == pytest.approx(scale)


@pytest.mark.parametrize(
    ("init", "deviation"),
    [
        ("kaiming", 1 / math.sqrt(3 * 64)),  # uniform in +-1/sqrt(64 inputs)
        ("gaussian", 1 / 4),  # 1 / rank
    ],
)
def test_first_weights(tiny_model: Path, init: str, deviation: float) -> None:
    torch.manual_seed(0)
    adapted = get_peft_model(policy_of(tiny_model), lora_config(TuningConfig(rank=4, init=init)))
    layer = adapted.base_model.model.model.layers[0].self_attn.q_proj
    assert layer.lora_A["default"].weight.std().item() == pytest.approx(deviation, rel=0.15)
    assert torch.count_nonzero(layer.lora_B["default"].weight) == 0


def test_a_run_goes_on_from_an_adapter_with_a_dropout_of_its_own(make_run: MakeRun, tmp_path: Path) -> None:
    checkpoint = make_run().checkpoint(7)
    tuning = TuningConfig(rank=4, alpha=8.0, dropout=0.25, start_adapter=str(checkpoint))
    policy = start_from_adapter(policy_of(tmp_path / "tiny-llama"), tuning)
    saved = load_file(checkpoint / "adapter_model.safetensors")
    trained = {name: weight for name, weight in policy.named_parameters() if weight.requires_grad}
    assert len(trained) == len(saved) == 28
    for name, weight in saved.items():
        assert torch.equal(trained[name.replace(".weight", ".default.weight")], weight)
    assert policy.base_model.model.model.layers[0].mlp.up_proj.lora_dropout["default"].p == 0.25


def test_another_shape_than_the_adapters_is_refused_with_every_difference(make_run: MakeRun, tmp_path: Path) -> None:
    tuning = TuningConfig(rank=8, alpha=8.0, rslora=True, targets=["q_proj"], start_adapter=str(make_run().path))
    with pytest.raises(ConfigError) as caught:
        start_from_adapter(policy_of(tmp_path / "tiny-llama"), tuning)
    assert [problem.where.rsplit(".", 1)[1] for problem in caught.value.problems] == ["rank", "rslora", "targets"]
    assert "is 8, but the adapter in" in caught.value.message


def test_an_adapter_of_a_base_of_another_size_is_refused_with_both_sizes(make_run: MakeRun, tmp_path: Path) -> None:
    wide = LlamaForCausalLM(
        LlamaConfig(hidden_size=96, intermediate_size=128, num_hidden_layers=2, num_attention_heads=2, vocab_size=260)
    )
    tuning = TuningConfig(rank=4, alpha=8.0, start_adapter=str(make_run().path))
    with pytest.raises(ConfigError, match="another base: it is of hidden size 64, and this base of 96"):
        start_from_adapter(wide, tuning)
