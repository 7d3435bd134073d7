"""One family and one method through every path of the command line: train, pad, resume, merge, sample, plan."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leanrl.storage.run_folder import RunFolder, read_jsonl
from tests.cli.run import Outcome
from tests.families.family import Family, Method
from tests.families.moved import largest_share, trained_weights

Command = Callable[..., Outcome]

NUM_STEPS = 3
PLUGIN = Path(__file__).with_name("vary.py")


class PathError(AssertionError):
    """A command of the line did not end as it should."""


@dataclass(frozen=True)
class Line:
    """A family, a method, its model's folder and an empty folder to work in."""

    family: Family
    method: Method
    model: Path
    folder: Path

    def settings(self, *more: str) -> list[str]:
        """Return the -s flags of a run of three steps in fp32, or in bf16 on NF4."""
        dtype = "bfloat16" if self.method == "qlora" else "float32"
        targets = self.family.targets
        values = [
            f"model.id={self.model}",
            "model.wheel=null",
            f"model.dtype={dtype}",
            f"model.compute_dtype={dtype}",
            f"model.tuning.method={self.method}",
            "data.examples=[]",
            "data.num_heldout=2",
            "eval.greedy=false",
            "rewards={vary: 1.0}",
            "rollout.max_completion_tokens=12",
            "algorithm.kl_beta=0.04",
            "optimizer.learning_rate=1.0e-3",
            "optimizer.schedule=constant",
            f"train.max_steps={NUM_STEPS}",
            "train.num_prompts=2",
            "train.num_completions=4",
            "train.micro_batch_completions=4",
            "train.tile_tokens=64",
            "train.gradient_checkpointing=true",
            "checkpoints.every_steps=1",
            "checkpoints.keep_last=3",
            *more,
        ]
        if self.method != "full":
            values += ["model.tuning.rank=4", f"model.tuning.targets={_listed(targets)}"]
        return [part for value in values for part in ("-s", value)]


def walk(line: Line, leanrl: Command) -> Iterator[tuple[str, Any]]:
    """Yield what each path ended with, by column.

    Raises:
        PathError: with the command and the end of its output, at the first that fails.
    """
    run = line.folder / "run"
    arguments = ("-p", "cpu-demo", "--plugin", PLUGIN)
    yield "plan", _plan(_done(leanrl, "plan", *arguments, *line.settings()))
    trained = _done(leanrl, "train", *arguments, *line.settings(), "--run-dir", run)
    yield "grad_norms", _grad_norms(run)
    is_padded = "rows are padded" in trained.err
    yield "rows", "padded" if is_padded else "packed"
    if not is_padded and line.method != "qlora":  # its bf16 rounds as much as a pack could move
        padded = line.folder / "padded"
        _done(leanrl, "train", *arguments, *line.settings("train.pack_rows=never"), "--run-dir", padded)
        start = trained_weights(line.model) if line.method == "full" else {}
        yield "packed_from_padded", largest_share(_moved(run), _moved(padded), start)
    yield "resumed", _resume(line, leanrl, run)
    yield "merged", _merge(line, leanrl, run)
    for model in (run, line.folder / "merged"):
        _done(leanrl, "sample", model, "What is 3 + 4?", "--max-tokens", "4")
    yield "sampled", True


def _listed(targets: tuple[str, ...] | None) -> str:
    return "all-linear" if targets is None else f"[{','.join(targets)}]"


def _done(leanrl: Command, *arguments: str | Path) -> Outcome:
    outcome = leanrl(*arguments)
    if outcome.code != 0:
        said = [text for text in outcome.err.splitlines() if text.strip()][-12:]
        raise PathError(f"leanrl {arguments[0]}: exit {outcome.code}: " + "\n".join(said))
    return outcome


def _plan(outcome: Outcome) -> str:
    text = (outcome.out + outcome.err).lower()
    return "simulated" if "simulat" in text else "formula"


def _grad_norms(run: Path) -> list[float]:
    steps = list(read_jsonl(RunFolder(run).metrics))
    norms = [step["grad_norm"] for step in steps]
    if len(norms) != NUM_STEPS or not all(norm is not None and norm > 0 for norm in norms):
        raise PathError(f"gradient norms of {NUM_STEPS} steps are {norms}")
    return [round(norm, 4) for norm in norms]


def _weights(run: Path, step: int) -> dict[str, Any]:
    return trained_weights(RunFolder(run).checkpoint(step))


def _moved(run: Path) -> dict[str, Any]:
    """Return what the first step moved: all weights, or an adapter's B, which was 0 and leaves A without a gradient."""
    weights = _weights(run, 1)
    return {name: weight for name, weight in weights.items() if ".lora_A." not in name}


def _resume(line: Line, leanrl: Command, run: Path) -> float:
    """Return how far the resumed run ends from the unbroken one, as a fraction of what training moved."""
    copy = line.folder / "resumed"
    shutil.copytree(run, copy, symlinks=True)
    for step in range(2, NUM_STEPS + 1):
        shutil.rmtree(RunFolder(copy).checkpoint(step))
    RunFolder(copy).summary.unlink()
    _done(leanrl, "train", "--resume", copy)
    before = _weights(run, 1)
    return largest_share(_weights(run, NUM_STEPS), _weights(copy, NUM_STEPS), before)


def _merge(line: Line, leanrl: Command, run: Path) -> str:
    """Return what leanrl's own verification said; it compares the files read back with base + adapter."""
    chosen = ["--base", "dequantised"] if line.method == "qlora" else []
    merged = line.folder / "merged"
    outcome = _done(leanrl, "merge", run, "--out", merged, "--dtype", "float32", *chosen)
    said = [text for text in outcome.out.splitlines() if text.startswith("verified: ")]
    if not said:
        raise PathError(f"leanrl merge: no verification in {outcome.out!r}")
    json.loads((merged / "config.json").read_text())
    return said[0].removeprefix("verified: ")
