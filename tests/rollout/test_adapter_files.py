"""Adapter folders: whole or not at all, each under its own name, in memory where there is a tmpfs."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from leanrl.errors import StoppedError
from leanrl.rollout.adapter_files import CONFIG, WEIGHTS, publish, travelling, verify
from leanrl.rollout.protocol import Adapter

ADAPTER = Adapter(
    {"q.lora_A.weight": torch.tensor([[1.0, 2.0]]), "q.lora_B.weight": torch.tensor([[3.0], [4.0]])},
    {"r": 1, "lora_alpha": 8.0, "target_modules": ["q"]},
)


@pytest.fixture
def published(tmp_path):
    return publish(ADAPTER, tmp_path, "v1", dtype=torch.float32)


def test_a_published_folder_holds_the_adapter_and_nothing_lies_beside_it(published, tmp_path):
    assert published == tmp_path / "v1"
    assert [path.name for path in tmp_path.iterdir()] == ["v1"]
    assert {name: tensor.tolist() for name, tensor in load_file(published / WEIGHTS).items()} == {
        "q.lora_A.weight": [[1.0, 2.0]],
        "q.lora_B.weight": [[3.0], [4.0]],
    }
    assert json.loads((published / CONFIG).read_text()) == ADAPTER.config
    verify(published, ADAPTER, dtype=torch.float32)


def test_a_name_is_never_used_twice(published, tmp_path):
    with pytest.raises(ValueError, match="never reuses a name"):
        publish(ADAPTER, tmp_path, "v1", dtype=torch.float32)


def test_in_bf16_half_the_bytes_travel(tmp_path):
    """Two tensors of two numbers: 16 bytes in fp32, 8 in bf16, besides the same header."""
    sizes = {
        dtype: (publish(ADAPTER, tmp_path, str(dtype), dtype=dtype) / WEIGHTS).stat().st_size
        for dtype in (torch.float32, torch.bfloat16)
    }
    assert 6 <= sizes[torch.float32] - sizes[torch.bfloat16] <= 16
    verify(tmp_path / str(torch.bfloat16), ADAPTER, dtype=torch.bfloat16)


def cut_short(folder):
    weights = folder / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-3])


def without_a_tensor(folder):
    save_file({"q.lora_A.weight": ADAPTER.tensors["q.lora_A.weight"]}, folder / WEIGHTS)


def with_other_numbers(folder):
    save_file(dict(ADAPTER.tensors) | {"q.lora_B.weight": torch.tensor([[3.0], [4.5]])}, folder / WEIGHTS)


def without_its_config(folder):
    (folder / CONFIG).unlink()


@pytest.mark.parametrize("harm", [cut_short, without_a_tensor, with_other_numbers, without_its_config])
def test_a_folder_that_is_not_what_was_meant_is_named(published, harm):
    harm(published)
    with pytest.raises(StoppedError, match="half-written adapter") as caught:
        verify(published, ADAPTER, dtype=torch.float32)
    assert caught.value.exit_code == 6


def test_what_travels_is_a_copy():
    """vLLM scales lora_B in place; a view would scale the trainer's."""
    copies = dict(travelling(ADAPTER.tensors.items(), torch.float32))
    copies["q.lora_B.weight"].mul_(2)
    assert ADAPTER.tensors["q.lora_B.weight"].tolist() == [[3.0], [4.0]]
