"""The four optimizers: tiny updates survive, their state comes back, and its bytes are the planner's."""

import pytest
import torch
from torch import nn
from transformers import Qwen2Config, Qwen2ForCausalLM

from leanrl.config.schema import OptimizerConfig
from leanrl.engine.optimizers import paged_adamw
from leanrl.engine.optimizers.choice import optimizer_class
from leanrl.engine.optimizers.rounding import copy_rounded
from leanrl.planner.memory.optimizer_state import host_optimizer_bytes, optimizer_bytes
from leanrl.planner.models.shapes import shape_from_config
from leanrl.planner.workload import Workload

NAMES = ["adamw", "adamw_8bit", "adamw_8bit_paged", "adamw_offloaded"]
# 2**14 values: enough for 8-bit moments (4096), and for a mean over weights.
SHAPE = (128, 128)

pytestmark = pytest.mark.filterwarnings("ignore:Paged optimizers are not supported on CPU")


def make(name, weights, **values):
    cls, arguments = optimizer_class(OptimizerConfig(name=name, **values))
    return cls(weights, **arguments)


def train(name, weight, *, num_steps, learning_rate):
    """Take steps with a gradient of 1 everywhere: Adam then moves every weight down by the learning rate."""
    optimizer = make(name, [weight], learning_rate=learning_rate)
    for _ in range(num_steps):
        weight.grad = torch.ones_like(weight)
        optimizer.step()
    return optimizer


def weights_around_one(dtype):
    """Numbers of 1.0 to 1.5, where a bfloat16 has a distance of 1/128 to its neighbour."""
    torch.manual_seed(0)
    return nn.Parameter((1.0 + 0.5 * torch.rand(SHAPE)).to(dtype))


def test_bfloat16_alone_loses_every_update_of_1e_6():
    """64 updates of 1e-6 to weights of 1: each is far below half of 1/128, so nothing moves."""
    weight = weights_around_one(torch.bfloat16)
    before = weight.detach().clone()
    train("adamw", weight, num_steps=64, learning_rate=1.0e-6)
    assert torch.equal(weight, before)


def test_bfloat16_alone_loses_larger_updates_too_and_masters_add_them_up():
    """64 updates of 1e-4 make 0.0064, most of a unit of 1/128: masters show it, bfloat16 alone never."""
    moved = {}
    for name in ("adamw", "adamw_offloaded"):
        weight = weights_around_one(torch.bfloat16)
        before = weight.detach().clone().float()
        train(name, weight, num_steps=64, learning_rate=1.0e-4)
        moved[name] = (before - weight.detach().float()).mean().item()
    assert moved["adamw"] == 0.0
    assert moved["adamw_offloaded"] == pytest.approx(1 / 128, rel=0.01)  # from a unit to the nearest one below


def test_masters_keep_every_update_of_1e_6():
    """Masters (fp32 weights, or their copies in host memory) move by 64 x 1e-6."""
    for name, dtype in (("adamw", torch.float32), ("adamw_offloaded", torch.float32)):
        weight = weights_around_one(dtype)
        before = weight.detach().clone()
        train(name, weight, num_steps=64, learning_rate=1.0e-6)
        assert (before - weight).mean().item() == pytest.approx(64.0e-6, rel=0.05)
    weight = weights_around_one(torch.bfloat16)
    before = weight.detach().clone().float()
    optimizer = train("adamw_offloaded", weight, num_steps=64, learning_rate=1.0e-6)
    assert (before - optimizer.state[weight]["master"]).mean().item() == pytest.approx(64.0e-6, rel=0.05)


@pytest.mark.parametrize("name", ["adamw_8bit", "adamw_8bit_paged"])
def test_stochastic_rounding_keeps_updates_of_1e_6_on_average(name):
    """64 steps move the mean of 16,384 weights by 64e-6, within four standard errors.

    A step moves a weight by a whole unit u = 1/128 with probability p = 1e-6 / u, else by 0: its variance is about
    u**2 p, and the mean of n weights after k steps has a standard error of u sqrt(p k / n) = 5.5e-6.
    """
    weight = weights_around_one(torch.bfloat16)
    before = weight.detach().clone().float()
    train(name, weight, num_steps=64, learning_rate=1.0e-6)
    moved = (before - weight.detach().float()).mean().item()
    error = (1 / 128) * (1.0e-6 * 128 * 64 / weight.numel()) ** 0.5
    assert error == pytest.approx(5.5e-6, rel=0.02)
    assert abs(moved - 64.0e-6) < 4 * error


def test_rounding_is_right_on_average_and_leaves_what_needs_none():
    """1 + 1/512 lies a quarter of the way to 1 + 1/128: a quarter goes up; standard error of 2**16 draws 0.0017."""
    torch.manual_seed(0)
    out = torch.empty(2**16, dtype=torch.bfloat16)
    for sign in (1.0, -1.0):
        copy_rounded(torch.full((2**16,), sign * (1 + 1 / 512)), out)
        assert set(out.float().tolist()) == {sign, sign * (1 + 1 / 128)}
        assert (out.float().abs() > 1).float().mean().item() == pytest.approx(0.25, abs=4 * 0.0017)
    exact = torch.tensor([0.0, -1.5, 2.0**-126, float("inf")])
    copy_rounded(exact, out[:4])
    assert torch.equal(out[:4].float(), exact)
    with pytest.raises(ValueError, match="float16"):
        copy_rounded(exact, out[:4].half())


def test_on_fp32_weights_the_offloaded_one_is_torchs():
    """Bit for bit, with decay and three steps of random gradients."""
    torch.manual_seed(0)
    start, grads = torch.randn(SHAPE), torch.randn(3, *SHAPE)
    trained = []
    for name in ("adamw", "adamw_offloaded"):
        weight = nn.Parameter(start.clone())
        cls, arguments = optimizer_class(OptimizerConfig(name=name, learning_rate=0.01))
        optimizer = cls([weight], **arguments, weight_decay=0.1)
        for grad in grads:
            weight.grad = grad.clone()
            optimizer.step()
        trained.append(weight.detach())
    assert torch.equal(*trained)


@pytest.mark.parametrize("name", ["adamw_8bit", "adamw_8bit_paged"])
def test_eight_bits_stay_close_to_torchs(name):
    """Ten steps on fp32 weights: the way taken differs by a few percent."""
    torch.manual_seed(0)
    start, grads = torch.randn(SHAPE), 1.0 + torch.randn(10, *SHAPE)
    ways = []
    for one in ("adamw", name):
        weight = nn.Parameter(start.clone())
        optimizer = make(one, [weight], learning_rate=0.01)
        for grad in grads:
            weight.grad = grad.clone()
            optimizer.step()
        ways.append(weight.detach() - start)
    assert (ways[1] - ways[0]).norm() < 0.05 * ways[0].norm()


@pytest.mark.parametrize("name", ["adamw_8bit", "adamw_8bit_paged", "adamw_offloaded"])
def test_moments_of_a_small_bfloat16_tensor_are_fp32(name):
    weight = nn.Parameter(torch.ones(64, dtype=torch.bfloat16))
    optimizer = train(name, weight, num_steps=1, learning_rate=1.0e-6)
    moments = [value for value in optimizer.state[weight].values() if torch.is_tensor(value) and value.dim()]
    assert {moment.dtype for moment in moments} == {torch.float32}


def test_slices_of_a_paged_weight_are_updated_as_the_whole(monkeypatch):
    """Moments, scales and steps do not depend on the cut; 5 slices of 4096 values, the last of 512."""
    states, grads = [], torch.randn(2, 132, 128).bfloat16()
    for values_at_once in (2**24, 4096):
        monkeypatch.setattr(paged_adamw, "_VALUES_AT_ONCE", values_at_once)
        weight = nn.Parameter(torch.ones(132, 128, dtype=torch.bfloat16))
        optimizer = make("adamw_8bit_paged", [weight], learning_rate=1.0e-3)
        for grad in grads:
            weight.grad = grad.clone()
            optimizer.step()
        assert len(optimizer.state) == 1
        states.append(optimizer.state[weight])
    for key in ("state1", "state2", "absmax1", "absmax2"):
        assert torch.equal(states[0][key], states[1][key]), key
    assert states[0]["step"] == states[1]["step"] == 2


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_saved_state_comes_back_and_the_next_step_is_the_same(name, dtype, tmp_path):
    """A large and a small tensor; the step after loading is bit for bit the one that would have followed."""
    torch.manual_seed(0)
    weights = [nn.Parameter(torch.randn(*shape).to(dtype)) for shape in (SHAPE, (64,))]
    grads = [[torch.randn_like(weight) for weight in weights] for _ in range(3)]

    def step(optimizer, weights, number):
        torch.manual_seed(number)
        for weight, grad in zip(weights, grads[number], strict=True):
            weight.grad = grad.clone()
        optimizer.step()

    optimizer = make(name, weights, learning_rate=1.0e-3)
    step(optimizer, weights, 0)
    step(optimizer, weights, 1)
    torch.save(optimizer.state_dict(), tmp_path / "optimizer.pt")
    copies = [nn.Parameter(weight.detach().clone()) for weight in weights]
    again = make(name, copies, learning_rate=1.0e-3)
    again.load_state_dict(torch.load(tmp_path / "optimizer.pt", weights_only=True))
    step(optimizer, weights, 2)
    step(again, copies, 2)
    for weight, copy in zip(weights, copies, strict=True):
        assert torch.equal(weight, copy)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_state_takes_the_bytes_of_the_plan(name, dtype):
    """Of 2.8 million weights; beside the plan's count: steps, and 2 KiB of torchao's tables for each tensor."""
    config = Qwen2Config(
        **{"vocab_size": 2048, "hidden_size": 256, "intermediate_size": 768, "num_hidden_layers": 2},
        **{"num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": False},
    )
    model = Qwen2ForCausalLM(config).to(dtype)
    optimizer = make(name, list(model.parameters()), learning_rate=1.0e-6)
    for weight in model.parameters():
        weight.grad = torch.ones_like(weight)
    optimizer.step()
    workload = Workload(optimizer=name, weight_bytes_per_param=dtype.itemsize)
    shape = shape_from_config(config.to_dict())
    planned = optimizer_bytes(shape, workload) + host_optimizer_bytes(shape, workload)
    real = sum(num_bytes(value) for state in optimizer.state.values() for value in state.values())
    assert real == pytest.approx(planned, rel=0.02)
    assert real >= 0.999 * planned


def num_bytes(value):
    """Bytes of a tensor's storages; torchao's moments are made of several tensors."""
    if not torch.is_tensor(value):
        return 0
    if hasattr(value, "__tensor_flatten__"):
        return sum(num_bytes(getattr(value, name)) for name in value.__tensor_flatten__()[0])
    return value.untyped_storage().nbytes()
