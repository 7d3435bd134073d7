"""A QLoRA adapter on the weights it was trained on, and on those that these were made from."""

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from leanrl.errors import ConfigError
from leanrl.models.load import load_nf4
from leanrl.models.locate import LocatedModel
from leanrl.models.merging.merge import merge_run
from leanrl.models.weights.nf4 import dequantise
from tests.models.conftest import MakeRun

pytest.importorskip("bitsandbytes", reason="QLoRA needs the package bitsandbytes (extra qlora)")

NAME = "model.layers.0.mlp.down_proj"


def delta(checkpoint: Path) -> torch.Tensor:
    """Alpha 8 over rank 4, times B A."""
    adapter = load_file(checkpoint / "adapter_model.safetensors")
    a, b = (adapter[f"base_model.model.{NAME}.lora_{side}.weight"] for side in "AB")
    return 2.0 * b @ a


def test_the_original_base_is_the_16_bit_one(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(method="qlora")
    merge_run(run.path, tmp_path / "out", dtype="float32")
    base = load_file(tmp_path / "tiny-llama" / "model.safetensors")[f"{NAME}.weight"].to(torch.bfloat16).float()
    merged = load_file(tmp_path / "out" / "model.safetensors")[f"{NAME}.weight"]
    assert torch.allclose(merged, base + delta(run.checkpoint(7)), atol=1e-6)


def test_the_dequantised_base_is_what_nf4_computes_with(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run(method="qlora")
    merge_run(run.path, tmp_path / "out", dtype="float32", base="dequantised")
    plain = dequantise(load_nf4(LocatedModel(str(tmp_path / "tiny-llama"), None, "folder"), device="cpu"))
    base = plain.get_submodule(NAME).weight.float()
    merged = load_file(tmp_path / "out" / "model.safetensors")[f"{NAME}.weight"]
    assert torch.allclose(merged, base + delta(run.checkpoint(7)), atol=1e-6)
    config = (tmp_path / "out" / "config.json").read_text()
    assert "quantization_config" not in config


@pytest.mark.parametrize("kind", ["original", "dequantised"])
def test_the_distance_of_both_bases_is_measured_whichever_is_written(
    make_run: MakeRun, tmp_path: Path, kind: str
) -> None:
    """The dequantised base differs from the policy as trained by bf16's rounding; the original by NF4's as well."""
    report = merge_run(make_run(method="qlora").path, tmp_path / "out", base=kind)
    near, far = report.from_trained["dequantised"], report.from_trained["original"]
    assert 0 < near.mean < far.mean / 3
    assert f"({kind}): 14 modules" in report.text()
    assert f"the adapter on the original base is {far.text()}" in report.text()
    card = (tmp_path / "out" / "README.md").read_text()
    assert f"the adapter on the dequantised base is {near.text()}" in card
    assert "| trained | QLoRA on NF4, rank 4, alpha 8, folded into the" in card


def test_a_base_that_is_quantised_itself_has_no_original(make_run: MakeRun, tmp_path: Path, tiny_model: Path) -> None:
    base = Path(shutil.copytree(tiny_model, tmp_path / "nf4-base"))
    (base / "model.safetensors").unlink()
    load_nf4(LocatedModel(str(tiny_model), None, "folder"), device="cpu").save_pretrained(base)
    run = make_run(method="qlora", base=base)
    with pytest.raises(ConfigError, match="there is no 16-bit original") as caught:
        merge_run(run.path, tmp_path / "out")
    assert caught.value.hint == "--base dequantised"
    report = merge_run(run.path, tmp_path / "out", base="dequantised")
    assert report.from_trained.keys() == {"dequantised"}
