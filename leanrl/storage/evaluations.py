"""evaluations.jsonl: what a run measured on held-out problems during training, and the checkpoints that did best."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from leanrl.errors import ConfigError
from leanrl.hints import command, setting
from leanrl.storage.run_folder import RunFolder, append_jsonl, read_jsonl, step_of, write_jsonl
from leanrl.storage.step_lines import keep_up_to

Evaluation = dict[str, Any]


def read_evaluations(run: RunFolder) -> list[Evaluation]:
    """Return the evaluations of a run by their steps; a line that a kill cut short is none.

    Raises:
        LeanRLError: if a line that is not the last is broken.
    """
    if not run.evaluations.is_file():
        return []
    by_step = {int(record["step"]): record for record in read_jsonl(run.evaluations)}
    return [by_step[step] for step in sorted(by_step)]


def add_evaluation(run: RunFolder, evaluation: Evaluation) -> None:
    """Append an evaluation."""
    append_jsonl(run.evaluations, evaluation)


def rewind_evaluations(run: RunFolder, *, step: int) -> None:
    """Drop the evaluations of steps after `step`, and a line cut short: those steps are taken again."""
    keep_up_to(run.evaluations, step=step)


def add_to_metrics(run: RunFolder, *, step: int, values: dict[str, Any]) -> None:
    """Add keys to the line of a step in metrics.jsonl; nothing where it has none."""
    lines = list(read_jsonl(run.metrics)) if run.metrics.is_file() else []
    if any(line.get("step") == step for line in lines):
        write_jsonl(run.metrics, [{**line, **values} if line.get("step") == step else line for line in lines])


def is_best_so_far(evaluation: Evaluation, earlier: Sequence[Evaluation]) -> bool:
    """Return whether an evaluation after some training has a higher lower bound than all earlier ones.

    Step 0 is what the others are compared with: it has no lower bound, and no checkpoint.
    """
    bound = evaluation["lower_bound"]
    others = [one["lower_bound"] for one in earlier if one["lower_bound"] is not None]
    return bound is not None and all(bound > other for other in others)


def best_checkpoints(run: RunFolder) -> list[Path]:
    """Return the complete checkpoints that were evaluated, best first: the highest lower bound, then the earlier."""
    bounds = {one["step"]: one["lower_bound"] for one in read_evaluations(run) if one["lower_bound"] is not None}
    evaluated = [path for path in run.complete_checkpoints() if step_of(path) in bounds]
    return sorted(evaluated, key=lambda path: (-bounds[step_of(path)], step_of(path)))


def best_checkpoint(run: RunFolder) -> Path:
    """Return the complete checkpoint that evaluated best.

    Raises:
        ConfigError: if no checkpoint of the run was evaluated.
    """
    best = best_checkpoints(run)
    if not best:
        flags = f"{setting('eval.every_steps', 50)} {setting('checkpoints.keep_best', 1)}"
        choose = command("eval", run.path, "--checkpoints", "all", "--select-on", "heldout")
        raise ConfigError(
            f"{run.path} has no checkpoint that was evaluated during training, so none is the best.",
            hint=f"a run with `{flags}` has one; `{choose}` chooses among these",
        )
    return best[0]
