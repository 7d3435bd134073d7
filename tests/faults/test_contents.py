"""What counts as the same file: values and bits, not the order of keys or the layout of an archive."""

import json

import pytest
import torch
from safetensors.torch import save_file

from tests.faults.contents import contents
from tests.faults.outcome import differences_of_kept


def _held(folder, value):
    torch.save(value, folder / "one.bin")
    return contents(folder / "one.bin")


def test_the_order_of_keys_is_no_content(tmp_path):
    (tmp_path / "one.json").write_text(json.dumps({"a": 1, "b": [1, 2]}))
    (tmp_path / "two.json").write_text(json.dumps({"b": [1, 2], "a": 1}, indent=2))
    assert contents(tmp_path / "one.json") == contents(tmp_path / "two.json")
    one, two = {"a": torch.ones(2), "b": 0.1}, {"b": 0.1, "a": torch.ones(2)}
    assert _held(tmp_path, one) == _held(tmp_path, two)
    for name, tensors in (("one", one["a"]), ("two", two["a"])):
        save_file({"w": tensors}, tmp_path / f"{name}.safetensors")
    assert contents(tmp_path / "one.safetensors") == contents(tmp_path / "two.safetensors")


@pytest.mark.parametrize(("others", "is_same"), [(["v", "q"], True), (["q"], False)])
def test_the_modules_of_an_adapter_are_a_set(tmp_path, others, is_same):
    held = []
    for number, modules in enumerate((["q", "v"], others)):
        file = tmp_path / str(number) / "adapter_config.json"
        file.parent.mkdir()
        file.write_text(json.dumps({"target_modules": modules}))
        held.append(contents(file))
    assert (held[0] == held[1]) == is_same


def test_a_view_holds_what_its_copy_holds(tmp_path):
    """torch.save writes the whole storage of a view: other bytes, the same tensor."""
    whole = torch.arange(6.0).view(2, 3)
    assert _held(tmp_path, {"w": whole[:, 0]}) == _held(tmp_path, {"w": whole[:, 0].clone()})


STATE = {"state": {0: {"exp_avg": torch.zeros(2), "step": 3}}, "lists": [1.0, 2.0]}


@pytest.mark.parametrize(
    "other",
    [
        {"state": {0: {"exp_avg": torch.tensor([0.0, -0.0]), "step": 3}}, "lists": [1.0, 2.0]},
        {"state": {0: {"exp_avg": torch.zeros(2).bfloat16(), "step": 3}}, "lists": [1.0, 2.0]},
        {"state": {0: {"exp_avg": torch.zeros(1, 2), "step": 3}}, "lists": [1.0, 2.0]},
        {"state": {0: {"exp_avg": torch.zeros(2), "step": 3.0}}, "lists": [1.0, 2.0]},
        {"state": {1: {"exp_avg": torch.zeros(2), "step": 3}}, "lists": [1.0, 2.0]},
        {"state": {0: {"exp_avg": torch.zeros(2)}}, "lists": [1.0, 2.0]},
        {"state": {0: {"exp_avg": torch.zeros(2), "step": 3}}, "lists": [2.0, 1.0]},
    ],
    ids=["one bit", "dtype", "shape", "type of a number", "name", "missing", "order of a list"],
)
def test_a_real_difference_is_seen(tmp_path, other):
    assert _held(tmp_path, STATE) != _held(tmp_path, other)


def test_other_values_of_json_and_weights_are_seen(tmp_path):
    (tmp_path / "one.json").write_text('{"r": 4}')
    (tmp_path / "two.json").write_text('{"r": 8}')
    assert contents(tmp_path / "one.json") != contents(tmp_path / "two.json")
    save_file({"w": torch.ones(2)}, tmp_path / "one.safetensors")
    save_file({"w": torch.tensor([1.0, 1.0000001])}, tmp_path / "two.safetensors")
    assert contents(tmp_path / "one.safetensors") != contents(tmp_path / "two.safetensors")


def test_runs_that_kept_other_checkpoints_are_compared_by_those_of_both_and_the_last():
    whole = {"metrics of step 8": "a", "step-000006: w": 1, "step-000008: w": 2, "log of step-000006": "l"}
    stopped = {"metrics of step 8": "a", "step-000007: w": 5, "step-000008: w": 2}
    assert differences_of_kept(whole, stopped) == []
    assert differences_of_kept(whole, stopped | {"step-000008: w": 3}) == ["step-000008: w"]
    assert differences_of_kept(whole, stopped | {"metrics of step 8": "b"}) == ["metrics of step 8"]
    del stopped["step-000008: w"]
    assert differences_of_kept(whole, stopped) == ["the checkpoint of step 8"]
