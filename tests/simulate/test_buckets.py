"""The simulation counts what DDP adds to a rank: buckets, and the pass of one token that exchanges gradients."""

import pytest

from leanrl.planner.phases import train_phases
from leanrl.planner.workload import workload_of
from tests.simulate.test_step import SHAPE, config_of, phases_of


@pytest.mark.parametrize("num_completions", [2, 4], ids=["one micro-batch", "two"])
@pytest.mark.parametrize("method", ["full", "lora"])
def test_replicas_hold_buckets_of_all_gradients(method, num_completions):
    """They stay in every phase; the optimizer finds gradients in them, and none besides."""
    config = config_of(
        model__tuning__method=method,
        hardware__num_gpus=2,
        hardware__parallel="ddp",
        train__num_completions=num_completions,
    )
    simulated = phases_of(config)
    trained = simulated["load"]["adapter" if method == "lora" else "weights"]
    for parts in simulated.values():
        assert parts["gradient buckets"] == pytest.approx(trained, rel=1e-3)
    assert "gradients" not in simulated["optimizer_step"]
    planned = {phase.name: phase for phase in train_phases(SHAPE, workload_of(config, SHAPE), kv_bytes=0)}
    at_the_end = sum(simulated["optimizer_step"].values())
    assert planned["optimizer_step"].bytes == pytest.approx(at_the_end, rel=0.02)


def test_the_exchange_can_be_the_fullest_moment():
    """Of rows of few tokens: all gradients and their buckets. Gradients move into these one by one."""
    config = config_of(
        model__tuning__method="full",
        model__dtype="float32",
        model__compute_dtype="float32",
        hardware__num_gpus=2,
        hardware__parallel="ddp",
        rollout__max_prompt_tokens=2,
        rollout__max_completion_tokens=2,
        rollout__max_model_tokens=4,
    )
    simulated = phases_of(config)["forward_backward"]
    (plan,) = (
        phase
        for phase in train_phases(SHAPE, workload_of(config, SHAPE), kv_bytes=0)
        if phase.name == "forward_backward"
    )
    assert plan.components["gradients"] == plan.components["gradient buckets"] == 4 * SHAPE.num_params
    assert plan.bytes == pytest.approx(sum(simulated.values()), rel=0.02)


def test_shards_and_one_card_have_none():
    assert "gradient buckets" not in phases_of(config_of(model__tuning__method="full"))["forward_backward"]
    shared = phases_of(config_of(model__tuning__method="full", hardware__num_gpus=2))
    assert "gradient buckets" not in shared["forward_backward"]
