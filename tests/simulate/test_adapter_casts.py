"""Casts of an adapter's inputs: what PEFT's layer on NF4 leaves to a GPU's autocast, and what that is worth."""

import pytest
import torch
from peft import get_peft_model
from peft.tuners.lora import LoraLayer

from leanrl.config.load import load_config
from leanrl.config.schema import TuningConfig
from leanrl.models.adapter import lora_config
from leanrl.models.load import load_nf4
from leanrl.models.locate import LocatedModel
from leanrl.planner.known_models import find_shape
from leanrl.simulate import step
from leanrl.simulate.fake_model import meta_policy, transformers_config

GIB = 2**30


def test_an_nf4_layer_casts_nothing_under_the_autocast_of_a_gpu(tiny_model, monkeypatch):
    """PEFT asks whether CUDA's autocast is on; the CPU's does the same casts here. The results are equal to the bit."""
    pytest.importorskip("bitsandbytes", reason="NF4 needs bitsandbytes: pip install 'leanrl[qlora]'")
    base = load_nf4(LocatedModel(str(tiny_model), None, "folder"), device="cpu")
    policy = get_peft_model(base, lora_config(TuningConfig(method="qlora", rank=4)))
    layer = next(module for module in policy.modules() if isinstance(module, LoraLayer))
    torch.nn.init.normal_(layer.lora_B["default"].weight)
    hidden = torch.randn(1, 5, layer.in_features).bfloat16()
    seen, results = [], []
    layer.lora_A["default"].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].dtype))
    for is_on_gpu in (False, True):
        monkeypatch.setattr("torch.is_autocast_enabled", lambda *_, on=is_on_gpu: on)
        with torch.autocast("cpu", torch.bfloat16):
            results.append(layer(hidden))
    assert seen == [torch.float32, torch.bfloat16]
    assert torch.equal(*results)


@pytest.mark.slow
def test_without_casts_qlora_stays_under_what_was_asked_for(monkeypatch):
    """6 x 4096 tokens, 1.5B, rank 32 in fp32: under 3.1 GiB; with the casts that the stand-in makes it is over.

    With them queries, keys, values and attention's output each leave a copy of their input: 4 x 72 MiB.
    """

    def without_casts(*arguments):
        policy = meta_policy(*arguments)
        for module in policy.modules():
            if isinstance(module, LoraLayer):
                module.cast_input_dtype_enabled = False
        return policy

    config = load_config(
        "plain",
        [
            *("model.tuning.method=qlora", "model.tuning.rank=32", "model.tuning.dropout=0", "rollout.engine=hf"),
            *("rollout.max_prompt_tokens=512", "rollout.max_completion_tokens=3584", "train.num_completions=6"),
            *("train.micro_batch_completions=6", "train.max_tokens_per_micro_batch=null", "train.num_prompts=2"),
            *("train.tile_tokens=1024", "train.offload_activations=true", "train.pack_rows=never"),
        ],
    ).config
    model_config = transformers_config(find_shape(config.model.id))
    assert step.simulate_step(config, model_config).peak.bytes > 3.1 * GIB
    monkeypatch.setattr(step, "meta_policy", without_casts)
    assert step.simulate_step(config, model_config).peak.bytes < 3.1 * GIB
