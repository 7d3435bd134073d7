"""Weights over NCCL against vLLM's own receiving code: what we describe and send is what its worker takes and serves.

The communicator is played: a queue, from which the worker's end of a broadcast takes what the sender's end has put in.
There is no card here, so NCCL itself and its streams have no part in this.
"""

from queue import Queue

import pytest
import torch
from transformers import AutoModelForCausalLM

from leanrl.rollout.selftest import choose, mean_difference
from leanrl.rollout.server.weight_transport import NcclTransport, meeting_point
from leanrl.rollout.vllm.colocate import VllmColocate
from leanrl.trainer.rollouts.bridge import weights_of
from tests.tiny_model import make_tiny_model
from tests.vllm.policies import head_scorer, requests, sampling, small_arguments

PATHS = {"/init_weight_transfer_engine", "/start_weight_update", "/update_weights", "/finish_weight_update"}


class Wire:
    """Both ends of a communicator of two: the sender's puts copies in, the worker's fills its tensor with them."""

    def __init__(self, queue, *, is_sender):
        self.queue, self.is_sender, self.sent, self.is_destroyed = queue, is_sender, [], False

    def broadcast(self, tensor, src, stream=None):
        assert src == 0
        if self.is_sender:
            self.sent.append((tuple(tensor.shape), tensor.dtype))
            self.queue.put(tensor.clone())
            return
        arrived = self.queue.get(timeout=30)
        assert (arrived.shape, arrived.dtype) == (tensor.shape, tensor.dtype)
        tensor.copy_(arrived)

    def destroy(self):
        self.is_destroyed = True


class Worker:
    """The client's side of a server, in this process: each call is the worker's method of the same route."""

    def __init__(self, llm, wire):
        self.llm, self.described = llm, []
        llm.collective_rpc(lambda worker: setattr(worker.weight_transfer_engine, "model_update_group", wire))

    def start_weight_update(self):
        self.llm.collective_rpc("start_weight_update")

    def update_weights(self, described):
        self.described.append(described)
        self.llm.collective_rpc("update_weights", kwargs={"update_info": described})

    def finish_weight_update(self):
        self.llm.collective_rpc("finish_weight_update")


@pytest.fixture
def model(tmp_path):
    """All parameters of a model with an untied head, changed since it was saved."""
    folder = make_tiny_model(tmp_path / "qwen", family="qwen2")
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    with torch.no_grad():
        for number, parameter in enumerate(model.parameters()):
            generator = torch.Generator().manual_seed(number)
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.05)
    return folder, model


@pytest.fixture
def without_cards(monkeypatch):
    monkeypatch.setattr(torch.cuda, "current_stream", lambda *_: None)


def test_the_worker_serves_what_was_sent_tensor_by_tensor(model, without_cards):
    folder, trained = model
    arguments = small_arguments(folder, adapter_rank=None) | {"weight_transfer_config": {"backend": "nccl"}}
    engine = VllmColocate(arguments)
    try:
        queue = Queue()
        sender = Wire(queue, is_sender=True)
        worker = Worker(engine._llm, Wire(queue, is_sender=False))
        transport = NcclTransport(
            worker, dtype=torch.float32, deadline_seconds=60, connect=lambda *_: sender, chunk_bytes=64 * 1024
        )
        transport.push(weights_of(trained), "policy-1")
        engine.forget_prefixes()
        drawn = choose(requests(), engine._generate(requests(), sampling(), None))
    finally:
        engine.close()
    named = list(trained.named_parameters())
    assert [name for one in worker.described for name in one["names"]] == [name for name, _ in named]
    assert [shape for one in worker.described for shape in one["shapes"]] == [list(weight.shape) for _, weight in named]
    assert {dtype for one in worker.described for dtype in one["dtype_names"]} == {"float32"}
    assert sender.sent == [(tuple(weight.shape), torch.float32) for _, weight in named]
    assert len(worker.described) > 2, "several chunks"
    assert mean_difference(drawn, head_scorer(trained).score(drawn, temperature=0.7)) < 1e-5
    assert queue.empty()


def test_the_workers_own_class_takes_the_meeting_point():
    from vllm.distributed.weight_transfer.nccl_common import NCCLWeightTransferInitInfo

    told = NCCLWeightTransferInitInfo(**meeting_point(29500))
    assert (told.master_address, told.master_port) == ("127.0.0.1", 29500)
    assert (told.rank_offset, told.world_size, told.packed) == (1, 2, False)


def test_the_server_has_the_routes():
    from vllm.entrypoints.serve.dev.rlhf.api_router import router

    assert {route.path for route in router.routes} >= PATHS
