"""A base in 4 bits: how it is quantised, taken as it is, and taken apart again."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import GPT2Config, GPT2LMHeadModel

from leanrl.config.schema import ModelConfig, TuningConfig
from leanrl.errors import ConfigError
from leanrl.models.load import load_nf4, load_policy
from leanrl.models.locate import LocatedModel
from leanrl.models.weights.nf4 import dequantise, nf4_layers

pytest.importorskip("bitsandbytes", reason="NF4 needs the package bitsandbytes (extra qlora)")

# The 16 values of NF4, QLoRA (arXiv 2305.14314), appendix E, rounded.
NF4_VALUES = (-1.0, -0.6962, -0.5251, -0.3949, -0.2844, -0.1848, -0.0911, 0.0)
NF4_VALUES += (0.0796, 0.1609, 0.2461, 0.3379, 0.4407, 0.5626, 0.7230, 1.0)


def at(folder: Path) -> LocatedModel:
    return LocatedModel(str(folder), None, "folder")


def test_linear_layers_are_nf4_with_double_quantisation_and_the_rest_stays_bf16(tiny_model: Path) -> None:
    model = ModelConfig(id=str(tiny_model), tuning=TuningConfig(method="qlora"))
    policy = load_policy(model, at(tiny_model), device="cpu")
    layers = nf4_layers(policy)
    assert len(layers) == 14
    for layer in layers.values():
        assert (layer.weight.quant_state.quant_type, layer.weight.quant_state.nested) == ("nf4", True)
        assert layer.compute_dtype == torch.bfloat16
    assert policy.get_output_embeddings().weight.dtype == torch.bfloat16
    assert policy.model.norm.weight.dtype == torch.bfloat16


def test_each_weight_is_the_nearest_of_sixteen_values_times_its_blocks_largest(tiny_model: Path) -> None:
    """Blocks of 64 whose scales are themselves rounded to 8 bits, a percent; what lies half way may go either way."""
    weight = load_file(tiny_model / "model.safetensors")["model.layers.0.mlp.up_proj.weight"].to(torch.bfloat16)
    blocks = weight.float().reshape(-1, 64)
    scales = blocks.abs().amax(dim=1, keepdim=True)
    values = torch.tensor(NF4_VALUES)
    nearest = values[(blocks / scales)[..., None].sub(values).abs().argmin(-1)] * scales
    plain = dequantise(load_nf4(at(tiny_model), device="cpu"))
    got = plain.model.layers[0].mlp.up_proj.weight.float().reshape(-1, 64)
    off = (got - nearest).abs() / scales
    assert (off < 0.01).float().mean() > 0.99
    assert ((got - blocks).abs() / scales).max() > 0.05


def test_a_dequantised_model_computes_what_the_nf4_model_does(tiny_model: Path) -> None:
    ids = torch.tensor([[5, 6, 7, 8]])
    nf4 = load_nf4(at(tiny_model), device="cpu")
    with torch.no_grad():
        of_nf4 = nf4(ids).logits
        plain = dequantise(nf4)
        of_plain = plain(ids).logits
    assert nf4_layers(plain) == {}
    assert torch.allclose(of_nf4.float(), of_plain.float(), atol=0.05)
    assert plain.float().dtype == torch.float32


def test_a_checkpoint_that_is_nf4_already_is_taken_as_it_is(tiny_model: Path, nf4_model: Path) -> None:
    model = ModelConfig(id=str(nf4_model), tuning=TuningConfig(method="qlora"))
    taken, made = (
        nf4_layers(load_policy(model, at(nf4_model), device="cpu")),
        nf4_layers(load_nf4(at(tiny_model), device="cpu")),
    )
    assert taken.keys() == made.keys()
    assert all(torch.equal(taken[name].weight.data, made[name].weight.data) for name in made)


def test_only_qlora_takes_a_quantised_checkpoint(nf4_model: Path) -> None:
    with pytest.raises(ConfigError, match="only qlora trains on a quantised base") as caught:
        load_policy(ModelConfig(id=str(nf4_model)), at(nf4_model), device="cpu")
    assert "-s model.tuning.method=qlora" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"quant_method": "gptq", "bits": 4}, "gptq"),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "fp4"}, "bitsandbytes fp4"),
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, "bitsandbytes"),
    ],
)
def test_other_quantisations_are_refused_by_name(
    tiny_model: Path, tmp_path: Path, settings: dict[str, object], name: str
) -> None:
    folder = Path(shutil.copytree(tiny_model, tmp_path / "model"))
    config = json.loads((folder / "config.json").read_text()) | {"quantization_config": settings}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ConfigError, match=f"is quantised by {name};"):
        load_nf4(at(folder), device="cpu")


def test_a_layer_that_is_kept_transposed_comes_back_transposed(tmp_path: Path) -> None:
    """GPT-2's layers are the transposes of linear ones; in NF4 they are linear, and their file is not."""
    model = GPT2LMHeadModel(GPT2Config(n_embd=64, n_layer=1, n_head=2, n_positions=64, vocab_size=100))
    model.save_pretrained(tmp_path / "base")
    nf4 = load_nf4(LocatedModel(str(tmp_path / "base"), None, "folder"), device="cpu").eval()
    ids = torch.arange(20)[None]
    expected = nf4(ids).logits
    dequantise(nf4).save_pretrained(tmp_path / "plain")
    plain = GPT2LMHeadModel.from_pretrained(tmp_path / "plain", dtype=torch.bfloat16).eval()
    assert plain.transformer.h[0].attn.c_attn.weight.shape == (64, 192)
    assert torch.allclose(plain(ids).logits.float(), expected.float(), atol=0.05)
    assert not torch.allclose(plain(ids).logits, model.eval()(ids).logits.bfloat16(), atol=1e-3)
