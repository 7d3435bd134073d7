"""An engine opened for the rank that trains: what travels to it after a step, and how ranks differ."""

from contextlib import nullcontext

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from leanrl.prompting.stopping import Stopping
from leanrl.storage.run_folder import RunFolder
from leanrl.trainer.memory.gauges import choose_gauge
from leanrl.trainer.memory.phase_meter import PhaseMeter
from leanrl.trainer.rollouts.bridge import adapter_of
from leanrl.trainer.rollouts.engines import open_rollout, policy_of
from leanrl.trainer.rollouts.training_side import TrainingSide
from tests.trainer.small_trainer import small_config


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_an_adapter_travels_in_the_dtype_that_vllm_computes_in(tiny_model, dtype):
    """fp32 as it is trained; half the bytes where vLLM would round it anyway."""
    base = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    model = get_peft_model(base, LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM"))
    config = small_config(tiny_model, model={"dtype": dtype, "compute_dtype": dtype})
    sent = policy_of(model, config, 3)
    assert sent.version == 3
    trained = adapter_of(model).tensors
    assert sent.adapter.tensors.keys() == trained.keys()
    for name, tensor in sent.adapter.tensors.items():
        assert tensor.dtype == getattr(torch, dtype)
        assert torch.equal(tensor, trained[name].to(tensor.dtype))


@pytest.mark.parametrize("rank", [0, 3])
def test_a_rank_with_an_engine_of_its_own_draws_with_a_seed_of_its_own(tiny_model, monkeypatch, tmp_path, rank):
    """Of the run's 42; vLLM itself is not started."""
    started = []

    class NotStarted:
        def __init__(self, arguments, **_):
            started.append(arguments["seed"])

    monkeypatch.setattr("leanrl.rollout.vllm.colocate.VllmColocate", NotStarted)
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    side = TrainingSide(
        policy=lambda: model,
        stopping=Stopping((2,), 0),
        device=torch.device("cpu"),
        rank=rank,
        num_ranks=1,
        autocast=nullcontext,
        meter=PhaseMeter(choose_gauge(torch.device("cpu")), first="load"),
        run=RunFolder(tmp_path),
    )
    config = small_config(
        tiny_model, rollout={"engine": "vllm-colocate", "max_prompt_tokens": 16}, model={"tuning": {"method": "full"}}
    )
    open_rollout(config, side)
    assert started == [config.train.seed + rank]
