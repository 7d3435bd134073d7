"""Dropout, jitter and dropped layers of a model's own are off in every mode; the adapter's dropout is not."""

import re

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoConfig, AutoModelForCausalLM

from leanrl.engine.layers.dropout import switch_off_dropout
from tests.engine.tiny_families import FAMILIES, config_of

RATE = 0.5
# Every key with which a family drops or jitters, read from its own config class: (family, keys).
RATES = {
    family: keys
    for family in (*FAMILIES, "bloom", "persimmon", "xglm", "biogpt", "seed_oss", "doge")
    if (keys := [key for key in AutoConfig.for_model(family).to_dict() if "drop" in key or "jitter" in key])
}


def model_of(family):
    torch.manual_seed(0)
    config = config_of(family)
    for key in RATES[family]:
        if isinstance(getattr(config, key), float | int):
            setattr(config, key, RATE)
    return AutoModelForCausalLM.from_config(config, attn_implementation="eager").train()


@pytest.mark.parametrize("family", RATES)
def test_training_mode_gives_the_numbers_of_evaluation(family):
    model = model_of(family)
    ids = torch.randint(3, 64, (2, 20))
    saved = model.config.to_dict()
    with torch.no_grad():
        expected = model.eval()(ids).logits
        noisy = model.train()(ids).logits
        switch_off_dropout(model)
        for mode in (True, False, True):
            assert torch.equal(model.train(mode)(ids).logits, expected)
    assert not torch.allclose(noisy, expected, atol=1e-3)
    assert model.config.to_dict() == saved


@pytest.mark.parametrize("family", ["gpt2", "opt", "falcon", "mixtral"])
def test_layers_are_still_checkpointed(family):
    """A checkpointed layer keeps its input alone: its MLP runs once more in the backward pass."""
    model = model_of(family)
    switch_off_dropout(model)
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    model.train()
    calls = []
    norm = next(module for name, module in model.named_modules() if re.search(r"\.0\.\w*(norm|ln_)", name))
    norm.register_forward_hook(lambda *_: calls.append(1))
    model(torch.randint(3, 64, (2, 20))).logits.sum().backward()
    assert len(calls) == 2


def test_the_adapter_drops_as_it_was_asked_to():
    model = model_of("gpt2")
    lora = LoraConfig(r=4, target_modules="all-linear", lora_dropout=RATE, init_lora_weights=False)
    policy = get_peft_model(model, lora)
    switch_off_dropout(model)
    ids = torch.randint(3, 64, (2, 20))
    with torch.no_grad():
        assert not torch.allclose(policy.train()(ids).logits, policy(ids).logits, atol=1e-3)
        assert torch.equal(policy.eval()(ids).logits, policy(ids).logits)
        with policy.train().disable_adapter():
            assert torch.equal(policy(ids).logits, policy(ids).logits)
