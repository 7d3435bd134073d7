"""Weights in host memory: where they are, what visits, and that nothing else changes."""

import gc
import weakref

import pytest
import torch
from torch import nn

from leanrl.engine.host_weights import HostWeights


def test_weights_visit_a_device_and_come_home():
    """The meta device stands for a GPU: what is there is not here, and the copy at home is never touched."""
    model = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 4))
    model.get_submodule("0").register_buffer("table", torch.ones(2))
    before = {name: (weight.detach().clone(), weight.data_ptr()) for name, weight in model.named_parameters()}
    weights = HostWeights(model, device="meta")
    with weights.visiting():
        assert {weight.device.type for weight in model.parameters()} == {"meta"}
        assert model.get_submodule("0").table.device.type == "cpu"
        assert model(torch.ones(3, 4, device="meta")).device.type == "meta"
    for name, weight in model.named_parameters():
        values, address = before[name]
        assert weight.data_ptr() == address
        assert torch.equal(weight, values)
        assert not weight.requires_grad


def test_tied_weights_stay_tied():
    model = nn.Sequential(nn.Embedding(8, 4), nn.Linear(4, 8, bias=False))
    model[1].weight = model[0].weight
    weights = HostWeights(model, device="meta")
    with weights.visiting():
        assert model[1].weight is model[0].weight
        assert model[1].weight.device.type == "meta"
    assert model[1].weight.device.type == "cpu"


def test_weights_come_home_after_an_error():
    model = nn.Linear(4, 4)
    with pytest.raises(RuntimeError, match="scoring"), HostWeights(model, device="meta").visiting():
        raise RuntimeError("scoring failed")
    assert model.weight.device.type == "cpu"


def test_nothing_holds_the_weights_that_were_sent_home():
    """On a GPU they would keep their memory there."""
    model = nn.Sequential(nn.Linear(4, 4))
    sent = weakref.ref(model[0].weight)
    HostWeights(model, device="meta")
    gc.collect()
    assert sent() is None


def test_on_a_cpu_nothing_is_copied():
    model = nn.Linear(4, 4)
    address = model.weight.data_ptr()
    with HostWeights(model, device="cpu").visiting():
        assert model.weight.data_ptr() == address
