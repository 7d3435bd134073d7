"""A tiny model that has learned one-digit sums, and a run with a reward for close answers that makes it forget them."""

import re
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from leanrl.prompting.rendering import prompt_ids
from leanrl.types import Sample
from tests.tiny_model import make_tiny_model

# The reward as a plug-in file, for runs in other processes.
PLUGIN = """
from leanrl.rewards.registry import reward
from tests.trainer.watch.collapsing import closeness
reward("closeness")(closeness)
"""
_BOXED = re.compile(r"\\boxed\{(\d+)\}")
_SUMS = [(a, b) for a in range(10) for b in range(10)]


def taught_model(folder: Path, *, num_steps: int = 150) -> Path:
    """Write a tiny model that answers most one-digit sums right, taught by examples, and return the folder."""
    make_tiny_model(folder)
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    rows = [(_asked(tokenizer, a, b), _answer(tokenizer, a + b)) for a, b in _SUMS]
    width = max(len(asked) + len(answer) for asked, answer in rows)
    ids = torch.full((len(rows), width), tokenizer.pad_token_id)
    labels = torch.full((len(rows), width), -100)
    for number, (asked, answer) in enumerate(rows):
        ids[number, : len(asked) + len(answer)] = torch.tensor(asked + answer)
        labels[number, len(asked) : len(asked) + len(answer)] = torch.tensor(answer)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3.0e-3)
    for _ in range(num_steps):
        loss = model(input_ids=ids, attention_mask=(ids != tokenizer.pad_token_id).long(), labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.save_pretrained(folder)
    return folder


def closeness(sample: Sample) -> float:
    """Return 1 / (1 + distance) of the last boxed number, 0 without one: a constant answer is never far from any."""
    found = _BOXED.findall(sample.text)
    return 1.0 / (1.0 + abs(int(found[-1]) - int(sample.gold))) if found else 0.0


def collapsing_overrides(model: Path, *more: str) -> list[str]:
    """Return what turns cpu-demo into a run of a taught model whose steps are too long."""
    return [
        f"model.id={model}",
        *("model.wheel=null", "model.dtype=float32", "model.compute_dtype=float32", "model.tuning.method=full"),
        *("data.system_prompt=null", "data.examples=[]", "data.prompt_template={problem}"),
        *("rollout.max_completion_tokens=6", "rollout.lengths.mean_tokens=null", "rollout.lengths.cut_share=null"),
        *("rollout.lengths.limit_tokens=null",),
        *("rewards={one_box: 0.5, closeness: 1.0}", "optimizer.schedule=constant"),
        *more,
    ]


def _asked(tokenizer, a, b):
    return prompt_ids(tokenizer, [{"role": "user", "content": f"{a} + {b}"}], {})


def _answer(tokenizer, total):
    return tokenizer.encode(f"\\boxed{{{total}}}<|im_end|>", add_special_tokens=False)
