"""Every family that was held in bf16 or NF4, widened for a merge, against its files as a reader loads them in fp32."""

from pathlib import Path

import pytest
import torch

from leanrl.models.load import load_as_saved, load_nf4
from leanrl.models.locate import LocatedModel
from leanrl.models.weights.fp32 import in_fp32
from leanrl.models.weights.nf4 import dequantise
from tests.families.family import Family
from tests.families.table import FAMILIES, named
from tests.families.tiny import make_tiny_family

TRAINED = [family for family in FAMILIES if family.trained_methods]

# Families that compute a buffer in the dtype that they are loaded in; plain widening keeps its rounded values.
ROUNDED = {"falcon_h1": "model.layers.0.mamba.mup_vector", "gemma3n_text": "model.per_layer_input_scale"}


def _unsaved(model):
    saved = model.state_dict().keys()
    return {name: buffer for name, buffer in model.named_buffers() if name not in saved}


@pytest.mark.parametrize("family", TRAINED, ids=[family.name for family in TRAINED])
def test_buffers_that_no_file_holds_are_those_of_a_model_loaded_in_fp32(family: Family, tmp_path: Path) -> None:
    located = LocatedModel(str(make_tiny_family(tmp_path, family)), None, "folder")
    widened = _unsaved(in_fp32(load_as_saved(located, dtype=torch.bfloat16)))
    loaded = _unsaved(load_as_saved(located, dtype=torch.float32))
    assert widened.keys() == loaded.keys()
    for name, buffer in loaded.items():
        assert buffer.dtype == widened[name].dtype, name
        assert torch.equal(buffer, widened[name]), name


@pytest.mark.parametrize("name", ROUNDED)
def test_plain_widening_keeps_what_bf16_has_rounded(name: str, tmp_path: Path) -> None:
    """These families make the test above one that can fail, and weights are only widened."""
    located = LocatedModel(str(make_tiny_family(tmp_path, named(name))), None, "folder")
    plain = load_as_saved(located, dtype=torch.bfloat16).float()
    widened = in_fp32(load_as_saved(located, dtype=torch.bfloat16))
    assert not torch.equal(plain.get_buffer(ROUNDED[name]), widened.get_buffer(ROUNDED[name]))
    for weight, same in zip(plain.parameters(), widened.parameters(), strict=True):
        assert torch.equal(weight, same)


def test_a_dequantised_base_is_widened_the_same_way(tmp_path: Path) -> None:
    pytest.importorskip("bitsandbytes", reason="QLoRA needs the package bitsandbytes (extra qlora)")
    located = LocatedModel(str(make_tiny_family(tmp_path, named("falcon_h1"))), None, "folder")
    widened = in_fp32(dequantise(load_nf4(located, device="cpu")))
    loaded = load_as_saved(located, dtype=torch.float32)
    name = ROUNDED["falcon_h1"]
    assert torch.equal(widened.get_buffer(name), loaded.get_buffer(name))
