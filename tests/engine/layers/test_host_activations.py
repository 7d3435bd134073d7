"""Activations in host memory: which travel, in what order, and the same gradients to the bit."""

import pytest
import torch
from torch import Tensor

from leanrl.config.schema import TrainConfig
from leanrl.engine.layers.host_activations import Copies, HostActivations
from leanrl.engine.prepare import prepare_model
from tests.engine.layers.test_tiles import gradients, model_of


class Recorded(Copies):
    """Copies within the CPU's memory, and what was asked of them."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[tuple[str, int]] = []
        self.hosts: list[Tensor] = []

    def to_host(self, tensor: Tensor) -> Tensor:
        host = super().to_host(tensor)
        self.hosts.append(host)
        self.events.append(("out", len(self.hosts) - 1))
        return host

    def to_card(self, host: Tensor) -> Tensor:
        self.events.append(("back", next(i for i, known in enumerate(self.hosts) if known is host)))
        return super().to_card(host)


def test_each_tensor_is_fetched_one_ahead_of_its_use():
    copies = Recorded()
    with HostActivations(copies, min_bytes=1):
        value = torch.ones(3, 4, 5, requires_grad=True)
        for _ in range(3):
            value = value.sin()
    outs = [number for event, number in copies.events if event == "out"]
    copies.events.clear()
    value.sum().backward()
    assert [number for _, number in copies.events] == outs[::-1], "each comes back once, the last first"


def test_weights_small_tensors_and_whole_numbers_stay():
    copies = Recorded()
    weight, row = torch.ones(64, 64, requires_grad=True), torch.ones(1, 2, 64, requires_grad=True)
    with HostActivations(copies, min_bytes=4 * 64 * 8):
        small = (row @ weight).sum()
        large = (torch.ones(2, 4, 64) @ weight).exp().sum()
    (small + large).backward()
    assert {tuple(host.shape) for host in copies.hosts} == {(2, 4, 64)}


@pytest.mark.parametrize("method", ["full", "lora"])
def test_gradients_are_the_same_to_the_bit(method):
    expected_loss, expected = gradients(model_of(method=method))
    model = model_of(method=method)
    copies = Recorded()
    bare = model.get_base_model() if method == "lora" else model
    prepare_model(bare, TrainConfig(offload_activations=True, tile_tokens=None), copies=copies, min_bytes=1)
    loss, found = gradients(model)
    assert copies.hosts, "nothing travelled"
    assert torch.equal(loss, expected_loss)
    assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_a_frozen_embedding_gets_no_gradient():
    model = model_of(method="lora")
    prepare_model(model.get_base_model(), TrainConfig())
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    embeddings = model.get_input_embeddings()(torch.tensor([[1, 2]]))
    assert not embeddings.requires_grad
