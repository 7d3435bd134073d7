"""The trainer's side of a rollout in small: a tiny model with an adapter, and what scores tokens under it."""

from contextlib import nullcontext

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM

from leanrl.engine.head.scoring import attach_logprob_head
from leanrl.planner.models.shapes import shape_from_config
from leanrl.rollout.protocol import GroupRequest, Policy, Sampling
from leanrl.rollout.vllm.engine_arguments import engine_arguments
from leanrl.trainer.rollouts.bridge import PolicyScorer, adapter_of
from tests.tiny_model import make_tiny_tokenizer
from tests.trainer.small_trainer import small_config

# Longer than a block of 32 tokens, so that the prefix cache holds something to be stale.
PROMPTS = ["one and one and one and one and one is", "twenty-two plus forty-four, said the old teacher, makes "]


class TrainedPolicy:
    """A tiny model and an adapter that `train` changes, one version after the other."""

    def __init__(self, folder, *, rank=4):
        self.folder = folder
        self.adapter_config = LoraConfig(r=rank, lora_alpha=8.0, target_modules="all-linear", task_type="CAUSAL_LM")
        base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        self.model = get_peft_model(base, self.adapter_config)
        self.version = 0
        self.scorer = head_scorer(self.model)

    def train(self):
        """Take a step so large that no two versions can be taken for each other."""
        self.version += 1
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                if "lora_" in name:
                    generator = torch.Generator().manual_seed(len(name) + 1000 * self.version)
                    parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.2)

    @property
    def policy(self):
        return Policy(self.version, adapter=adapter_of(self.model))


def head_scorer(model):
    """Return what scores tokens under a model, with an adapter or without."""
    attach_logprob_head(model.get_base_model() if isinstance(model, PeftModel) else model)
    pad_id = make_tiny_tokenizer().pad_token_id
    return PolicyScorer(model, pad_id=pad_id, device="cpu", rows_at_once=4, autocast=nullcontext)


def small_arguments(folder, adapter_rank=4, **sections):
    """Return the engine arguments of a small run on the model in `folder`."""
    config = small_config(folder, **{"rollout": {"max_prompt_tokens": 128, "max_completion_tokens": 32}} | sections)
    shape = shape_from_config(AutoModelForCausalLM.from_pretrained(folder).config.to_dict())
    return engine_arguments(
        config, model=str(folder), shape=shape, adapter_rank=adapter_rank, usable_bytes=None, seed=0
    )


def requests(num_completions=2):
    tokenizer = make_tiny_tokenizer()
    return [GroupRequest(tokenizer(prompt)["input_ids"], num_completions) for prompt in PROMPTS]


def sampling(**changes):
    values = {"temperature": 0.7, "max_completion_tokens": 12, "stop_token_ids": (make_tiny_tokenizer().eos_token_id,)}
    return Sampling(**values | changes)
