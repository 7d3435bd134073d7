"""What travels to vLLM after a step."""

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

from leanrl.trainer.rollout_bridge import adapter_of
from leanrl.trainer.rollout_engines import policy_of
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
