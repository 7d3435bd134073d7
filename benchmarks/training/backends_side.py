"""One side of backends.py, in a process of its own: a few training steps of leanrl's trainer for a backend.

    python benchmarks/training/backends_side.py '{"backend": "hf", "case": {...}, "scale": {...}, ...}'
    python benchmarks/training/backends_side.py about

Prints one JSON object as its last line. Nothing heavy is imported before unsloth.
"""

import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.memory.gpu_memory_row import about_gpu, cap_memory
from benchmarks.training.train_step_case import Case, Scale, Step, make_step, run_values
from leanrl.config.schema import RunConfig
from leanrl.launch.unsloth import import_unsloth
from leanrl.machine.environment import quiet_libraries
from leanrl.report.progress import PlainListener
from leanrl.storage.run_folder import create_run_folder

if TYPE_CHECKING:
    from benchmarks.training.training_phase import Clock

# What the planner and the meter call the phases of training; loading, generation and saving are none.
TRAINING_PHASES = ("reference", "forward_backward", "optimizer_step")


class Steps(PlainListener):
    """Keeps the metrics of every step, and the seconds that `clock` has counted in it."""

    clock: "Clock"

    def __init__(self) -> None:
        super().__init__()
        self.metrics: list[dict[str, Any]] = []
        self.seconds: list[float] = []

    def step(self, metrics: Any, *, max_steps: int) -> None:
        self.metrics.append(dict(metrics))
        self.seconds.append(self.clock.wall_seconds)
        self.clock.restart()


def main() -> None:
    quiet_libraries()
    with os.fdopen(os.dup(1), "w") as answer:  # unsloth's import turns standard output away
        if sys.argv[1] == "about":
            found = about_gpu()
        else:
            asked = json.loads(sys.argv[1])
            found = measure(**asked | {"case": Case(**asked["case"]), "scale": Scale(**asked["scale"])})
        answer.write(json.dumps(found) + "\n")


def measure(
    backend: str,
    case: Case,
    scale: Scale,
    *,
    model_folder: str,
    device: str,
    vram_gib: float | None,
    num_steps: int,
) -> dict[str, Any]:
    """Return seconds, tokens/s and peak of the steps after the first, and all losses; or that memory ran out."""
    listener, step = Steps(), make_step(case, scale)
    config = config_of(backend, case, scale, device=device, num_steps=num_steps)
    with tempfile.TemporaryDirectory() as folder:
        if backend == "unsloth":
            import_unsloth(Path(folder) / "unsloth_cache", listener, engine=config.rollout.engine)
            from leanrl.trainer.unsloth.patch import require_patched_trl

            require_patched_trl()
        import torch
        from transformers import AutoTokenizer

        from leanrl.models.locate import LocatedModel
        from leanrl.preparation import policy_of

        cap_memory(torch.device(device), vram_gib)
        try:
            policy = policy_of(config, LocatedModel(model_folder, None, "folder"))
            tokenizer = AutoTokenizer.from_pretrained(model_folder)
            trainer = make_trainer(config, step, Path(folder), policy=policy, tokenizer=tokenizer, listener=listener)
            trainer.train_from(None)
        except torch.OutOfMemoryError as error:
            return {"failed": f"out of memory: {error}"}
        return describe(listener.metrics, listener.seconds, step, source=trainer.meter.gauge.source)


def config_of(backend: str, case: Case, scale: Scale, *, device: str, num_steps: int) -> RunConfig:
    """Return the run: both backends cut it into as many rows, and keep layer inputs on the card."""
    values = run_values(case, scale, device=device, train={"max_steps": num_steps, "probe": "never"})
    values |= {"backend": backend, "checkpoints": {"every_steps": num_steps + 1}, "log": {"completions_every_steps": 0}}
    return RunConfig.model_validate(values)


def make_trainer(
    config: RunConfig, step: Step, folder: Path, *, policy: tuple[Any, Any], tokenizer: Any, listener: Steps
) -> Any:
    """Return the backend's trainer with prompts, completions, rewards and adapter that are fixed, and timed."""
    from benchmarks.training.training_phase import clock_of, fix_completions, move_weights
    from leanrl.rewards.registry import WeightedReward
    from leanrl.trainer.build import build_trainer
    from leanrl.types import Row

    model, adapter = policy
    rewards = cycle(step.rewards)
    trainer, _, _ = build_trainer(
        config,
        model=model,
        adapter=adapter,
        tokenizer=tokenizer,
        rows=[Row(id=str(n), problem="", gold="", asked_by=str(n)) for n in range(config.train.num_prompts)],
        rewards=[WeightedReward("fixed", 1.0, None, lambda _: next(rewards))],
        grader=None,
        run=create_run_folder(folder / "run"),
        listener=listener,
    )
    fix_completions(trainer, step)
    for weight in trainer.model.parameters():
        if weight.requires_grad:
            weight.data.zero_()  # each backend has drawn its own
    move_weights(trainer.model, method=config.model.tuning.method)
    listener.clock = clock_of(trainer)
    return trainer


def describe(metrics: Sequence[dict[str, Any]], seconds: Sequence[float], step: Step, *, source: str) -> dict[str, Any]:
    """Return what the training phase of the steps took, the first one left out."""
    median = statistics.median(seconds[1:])
    peaks = [
        peak["allocated"]
        for one in metrics[1:]
        for phase, peak in one["phase_peak_bytes"].items()
        if phase in TRAINING_PHASES
    ]
    return {
        "seconds": [round(one, 4) for one in seconds[1:]],
        "median_seconds": round(median, 4),
        "tokens_per_second": round(sum(step.lengths) / median, 1),
        "peak_bytes": max(peaks),
        "source": source,
        "losses": [one["loss"] for one in metrics],
        "grad_norms": [one["grad_norm"] for one in metrics],
    }


if __name__ == "__main__":
    main()
