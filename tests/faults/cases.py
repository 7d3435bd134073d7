"""The runs that are killed: small enough for a second a step, long enough for three epochs."""

import json
from dataclasses import dataclass
from pathlib import Path

NUM_STEPS = 8
# Two problems a step: an epoch is three steps, and a run has nearly three epochs.
NUM_PROBLEMS = 6
_EVERY_RUN = (
    "model.wheel=null",
    "model.dtype=float32",
    "model.compute_dtype=float32",
    "data.generator=null",
    "data.examples=[]",
    "data.num_heldout=2",
    "rewards={varied: 1.0, accuracy: 0.5}",
    "rollout.max_completion_tokens=12",
    "optimizer.learning_rate=1.0e-3",
    f"train.max_steps={NUM_STEPS}",
    "train.num_prompts=2",
    "train.num_completions=4",
    "train.micro_batch_completions=4",
    "checkpoints.every_steps=2",
    "checkpoints.keep_last=2",
)
_ADAPTER = ("model.tuning.rank=4",)
_FULL_WITH_KL = ("model.tuning.method=full", "algorithm.kl_beta=0.04")
# A checkpoint behind every step, so between the updates on a rollout too.
_WITHIN_ROLLOUTS = ("algorithm.num_iterations=2", "checkpoints.every_steps=1")
_BF16 = ("model.dtype=bfloat16", "model.compute_dtype=bfloat16")


@dataclass(frozen=True)
class Case:
    """A kind of run: its settings, and how many processes train."""

    name: str
    settings: tuple[str, ...]
    num_ranks: int = 1

    def flags(self, model: Path, problems: Path) -> list[str]:
        """Return the -s flags of the run."""
        ranks = () if self.num_ranks == 1 else (f"hardware.num_cpu_ranks={self.num_ranks}",)
        values = (f"model.id={model}", f"data.path={problems}", *_EVERY_RUN, *self.settings, *ranks)
        return [part for value in values for part in ("-s", value)]


CASES = (
    Case("lora", _ADAPTER),
    Case("full with KL", _FULL_WITH_KL),
    Case("qlora", ("model.tuning.method=qlora", *_ADAPTER, *_BF16)),
    Case("lora, two updates on each of two parts", (*_ADAPTER, *_WITHIN_ROLLOUTS, "train.updates_per_rollout=2")),
    Case("lora on two ranks", _ADAPTER, num_ranks=2),
    Case("full with KL on two ranks", _FULL_WITH_KL, num_ranks=2),
    Case("qlora on two ranks", ("model.tuning.method=qlora", *_ADAPTER, *_BF16), num_ranks=2),
    Case("full with KL, two updates on each rollout", (*_FULL_WITH_KL, *_WITHIN_ROLLOUTS)),
    Case("lora on two ranks, two updates on each rollout", (*_ADAPTER, *_WITHIN_ROLLOUTS), num_ranks=2),
)


def named(name: str) -> Case:
    """Return the case of a name."""
    return next(case for case in CASES if case.name == name)


def write_problems(file: Path) -> Path:
    """Write a small data set, and return its file."""
    rows = [{"problem": f"What is {number} + 3?", "answer": str(number + 3)} for number in range(NUM_PROBLEMS + 2)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file
