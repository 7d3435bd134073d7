"""Run on two gloo ranks: optimizers of FSDP2's shards against the same ones of whole weights.

Both ranks know the whole gradients, so that nothing but the optimizer differs. Ranks share some weights unevenly, and
the second has nothing of the smallest.
"""

import faulthandler
import io
import sys

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import distribute_tensor
from torch.utils._pytree import tree_flatten
from transformers import Qwen2Config, Qwen2ForCausalLM

from leanrl.config.schema import OptimizerConfig
from leanrl.engine.optimizers.choice import optimizer_class, shared_optimizer_class
from leanrl.planner.memory.optimizer_state import host_optimizer_bytes, optimizer_bytes
from leanrl.planner.models.shapes import shape_from_config
from leanrl.planner.workload import Workload
from tests.engine.optimizers.test_choice import num_bytes

# Each part of `even` is 32 blocks of 256 numbers, which are blocks of the whole as well. Of `ragged`, 65 blocks, each
# has 32 and a half: bitsandbytes moves the second part's by half a block, torchao keeps such parts in fp32.
SHAPES = {"even": (128, 128), "ragged": (130, 128), "norm": (65,), "one": (1,)}
NUM_STEPS = 5
RATES = [1.0e-3, 2.0e-3, 5.0e-4, 1.0e-3, 3.0e-3]


class Weights(nn.Module):
    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        for name, shape in SHAPES.items():
            setattr(self, name, nn.Parameter(torch.randn(shape, generator=generator)))


def gradients(step):
    generator = torch.Generator().manual_seed(100 + step)
    return {name: 1.0 + torch.randn(shape, generator=generator) for name, shape in SHAPES.items()}


def make(module, name, choose):
    cls, values = choose(OptimizerConfig(name=name, learning_rate=1.0e-3))
    return cls(list(module.parameters()), **values, weight_decay=0.1)


def take_step(module, optimizer, step):
    for name, weight in module.named_parameters():
        grad = gradients(step)[name]
        is_shared = hasattr(weight, "full_tensor")
        weight.grad = distribute_tensor(grad, weight.device_mesh, weight.placements) if is_shared else grad
    for group in optimizer.param_groups:
        if torch.is_tensor(group["lr"]):
            group["lr"].fill_(RATES[step])
        else:
            group["lr"] = RATES[step]
    optimizer.step()
    optimizer.zero_grad()


def whole_of(module):
    return {
        name: (weight.full_tensor() if hasattr(weight, "full_tensor") else weight).detach().clone()
        for name, weight in module.named_parameters()
    }


def through_a_file(value):
    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def assert_same(one, other):
    """Every number and tensor, bit for bit and dtype for dtype; torchao's moments by what they are made of."""
    (ours, tree), (theirs, other_tree) = tree_flatten(one), tree_flatten(other)
    assert tree == other_tree
    assert ours
    for left, right in zip(ours, theirs, strict=True):
        if torch.is_tensor(left):
            for a, b in zip(pieces(left), pieces(right), strict=True):
                assert a.dtype == b.dtype
                assert torch.equal(a, b)
        else:
            assert left == right


def pieces(tensor):
    if hasattr(tensor, "__tensor_flatten__"):
        return [getattr(tensor, name) for name in tensor.__tensor_flatten__()[0]]
    return [tensor]


def compare(name):
    """Return how far the way of each shared weight is from that of a whole one, relative to its length."""
    whole, shared = Weights(), fully_shard(Weights())
    start = whole_of(whole)
    alone, ranks = make(whole, name, optimizer_class), make(shared, name, shared_optimizer_class)
    for step in range(NUM_STEPS):
        take_step(whole, alone, step)
        take_step(shared, ranks, step)
    ends, end = whole_of(shared), whole_of(whole)
    return {key: ((ends[key] - end[key]).norm() / (end[key] - start[key]).norm()).item() for key in SHAPES}


def go_on_from_a_file(name):
    """State that is saved after two steps and loaded elsewhere is the same to the bit, and so is the next step."""
    shared, twin = fully_shard(Weights()), fully_shard(Weights())
    optimizer, again = (make(module, name, shared_optimizer_class) for module in (shared, twin))
    take_step(shared, optimizer, 0)
    take_step(shared, optimizer, 1)
    again.load_state_dict(through_a_file(optimizer.state_dict()))
    assert_same(again.state_dict(), optimizer.state_dict())
    for weight, trained in zip(twin.parameters(), shared.parameters(), strict=True):
        # As FSDP2 does when it pads a part after weights were loaded: into memory of its own.
        weight._local_tensor = trained._local_tensor.clone()
    take_step(shared, optimizer, 2)
    take_step(twin, again, 2)
    assert_same(again.state_dict(), optimizer.state_dict())
    assert_same(whole_of(twin), whole_of(shared))


def skip_a_step(name):
    """Without gradients, as a step that is not finite leaves them, nothing changes: no weight and no state."""
    shared = fully_shard(Weights())
    optimizer = make(shared, name, shared_optimizer_class)
    take_step(shared, optimizer, 0)
    weights, state = whole_of(shared), through_a_file(optimizer.state_dict())
    optimizer.step()
    assert_same(whole_of(shared), weights)
    assert_same(optimizer.state_dict(), state)


def bytes_of_state(name):
    """Return the bytes of this rank's state of a model, and those of the plan."""
    config = Qwen2Config(
        **{"vocab_size": 2047, "hidden_size": 256, "intermediate_size": 768, "num_hidden_layers": 2},
        **{"num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": False},
    )
    model = fully_shard(Qwen2ForCausalLM(config))
    optimizer = make(model, name, shared_optimizer_class)
    for weight in model.parameters():
        weight.grad = torch.ones_like(weight)
    optimizer.step()
    workload = Workload(optimizer=name, weight_bytes_per_param=4, sharding="fsdp2", num_ranks=2)
    shape = shape_from_config(config.to_dict())
    real = sum(num_bytes(value) for state in optimizer.state.values() for value in state.values())
    return real, optimizer_bytes(shape, workload) + host_optimizer_bytes(shape, workload)


def main(out: str, *names: str) -> None:
    dist.init_process_group("gloo")
    found = {}
    for name in names:
        go_on_from_a_file(name)
        skip_a_step(name)
        found[name] = {"distances": compare(name), "bytes": bytes_of_state(name)}
    torch.save(found, f"{out}/rank-{dist.get_rank()}.pt")
    dist.destroy_process_group()


if __name__ == "__main__":
    faulthandler.dump_traceback_later(200, exit=True)  # before the test loses its patience: says where a rank waits
    main(*sys.argv[1:])
