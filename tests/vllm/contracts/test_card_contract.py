"""What leanrl asks of vLLM on a card and no CPU runs: signatures and code of the installed vLLM.

CUDA graphs read the addresses that they were captured with: new weights have to arrive in the tensors that are there.
"""

import inspect
import re
import textwrap

import pytest
import torch
from transformers import AutoModelForCausalLM

from leanrl.rollout.protocol import Policy
from leanrl.rollout.vllm.colocate import VllmColocate
from leanrl.trainer.rollouts.bridge import weights_of
from tests.vllm.policies import requests, sampling, small_arguments


def addresses(engine, find):
    """Return where the tensors that `find` returns of vLLM's model lie."""
    (found,) = engine._llm.collective_rpc(lambda worker: find(worker.model_runner.model))
    return {name: tensor.data_ptr() for name, tensor in found.items() if tensor.numel()}


def adapter_buffers(model):
    return {
        f"{name}.{kind}.{number}": tensor
        for name, module in model.named_modules()
        for kind in ("lora_a_stacked", "lora_b_stacked")
        for number, tensor in enumerate(getattr(module, kind, ()))
    }


def test_a_new_adapter_arrives_in_the_buffers_of_the_one_before(trained):
    engine = VllmColocate(small_arguments(trained.folder))
    try:
        before, answers = addresses(engine, adapter_buffers), []
        for _ in range(2):
            trained.train()
            engine.sync(trained.policy)
            answers.append(engine.generate(requests(num_completions=1), sampling(temperature=0.0)))
        after = addresses(engine, adapter_buffers)
    finally:
        engine.close()
    assert before
    assert before == after
    assert answers[0] != answers[1], "the second adapter is served"


def test_new_weights_arrive_in_the_tensors_of_those_before(tiny_model):
    engine = VllmColocate(small_arguments(tiny_model, adapter_rank=None))
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    try:
        before = addresses(engine, lambda served: dict(served.named_parameters()))
        engine.sync(Policy(1, weights=lambda: weights_of(model)))
        after = addresses(engine, lambda served: dict(served.named_parameters()))
    finally:
        engine.close()
    assert before
    assert before == after


def test_graphs_are_captured_with_an_adapter_and_without():
    """The self-test scores the base model: with `max_loras` 1 there is a graph for no adapter too."""
    from vllm.config import CompilationConfig, LoRAConfig
    from vllm.v1.worker.gpu.lora_utils import get_lora_capture_cases

    cases = get_lora_capture_cases(LoRAConfig(max_lora_rank=8, max_loras=1), CompilationConfig())
    assert 0 in cases
    assert any(count > 0 for count in cases)


def attributes_of_self(function):
    return set(re.findall(r"\bself\.(\w+)", textwrap.dedent(inspect.getsource(function))))


def test_the_second_runner_has_what_a_reload_of_the_first_reads():
    """It borrows the first runner's `reload_weights`, by which a colocated vLLM takes all weights."""
    from vllm.v1.worker import gpu_model_runner
    from vllm.v1.worker.gpu.model_runner import GPUModelRunner

    assert "reload_weights(self" in inspect.getsource(GPUModelRunner.reload_weights)
    assigned = re.findall(r"self\.(\w+)(?::[^=\n]+)? = ", inspect.getsource(GPUModelRunner))
    own = set(dir(GPUModelRunner)) | set(assigned)
    assert attributes_of_self(gpu_model_runner.GPUModelRunner.reload_weights) <= own


def test_the_worker_calls_what_the_second_runner_has():
    """All calls of the worker by which weights arrive over NCCL, or leanrl looks at the model."""
    from vllm.v1.worker.gpu.model_runner import GPUModelRunner
    from vllm.v1.worker.gpu_worker import Worker

    names = ("reload_weights", "start_weight_update", "update_weights", "finish_weight_update", "get_model")
    source = "".join(inspect.getsource(getattr(Worker, name)) for name in names)
    asked = set(re.findall(r"self\.model_runner\.(\w+)\(", source))
    assert {"reload_weights", "reset_lora_state"} <= asked
    assert asked <= set(dir(GPUModelRunner))


def test_a_communicator_is_made_and_used_as_the_transport_does():
    from vllm.distributed.device_communicators.pynccl import PyNcclCommunicator
    from vllm.distributed.utils import StatelessProcessGroup

    inspect.signature(StatelessProcessGroup.create).bind(host="127.0.0.1", port=1, rank=0, world_size=2)
    inspect.signature(PyNcclCommunicator).bind("group", device=0)
    assert int in inspect.get_annotations(PyNcclCommunicator.__init__)["device"].__args__
    inspect.signature(PyNcclCommunicator.broadcast).bind("self", "tensor", src=0, stream="stream")
    assert callable(PyNcclCommunicator.destroy)


def test_a_group_over_nccl_alone_is_enough_for_an_engine_of_each_rank():
    """`join_ranks` makes it; vLLM asks for gloo in the same group only with this switch, which is off."""
    from vllm import envs

    assert envs.environment_variables["VLLM_DISTRIBUTED_USE_SPLIT_GROUP"]() is False


@pytest.mark.parametrize("setting", ["expandable_segments:True,max_split_size_mb:512", "max_split_size_mb:512"])
def test_a_users_expandable_segments_are_off_within_vllms_pool_alone(monkeypatch, setting):
    """Both variables count; everything else that the user has set stays."""
    from contextlib import contextmanager

    from vllm.device_allocator import cumem

    @contextmanager
    def pool_of_torch(*_):
        yield [type("Pool", (), {"snapshot": lambda self: []})()]

    in_force = [setting]
    monkeypatch.setattr(cumem, "current_alloc_conf", lambda: in_force[-1])
    monkeypatch.setattr(cumem, "set_alloc_conf", in_force.append)
    monkeypatch.setattr(cumem, "use_memory_pool_with_allocator", pool_of_torch)
    with cumem.CuMemAllocator().use_memory_pool("weights"):
        inside = in_force[-1]
    assert inside == setting.replace("True", "False")
    assert in_force[-1] == setting
