"""What the files of a step say: the numbers to keep, and what is wrong with them.

Limits are set before any card was seen. `is_rehearsal` leaves out those that only a card's bytes and kernels have.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# Errors by norm of bf16 kernels against fp32.
_KERNEL_ERROR = 0.02
# bf16 sums in another order: the loss, and the gradients by norm.
_LOSS_DIFFERENCE = 2e-2
_GRADIENT_DIFFERENCE = 5e-2
# Of a planned phase against the allocator: an unsafe plan is low.
_PLAN_LOW, _PLAN_HIGH = -0.02, 0.05
# Loss of both places of activations: equal in the first step, later kernels add in any order.
_OFFLOAD_DIFFERENCE = 1e-3


@dataclass(frozen=True)
class Reading:
    """Numbers of a step that go into the results file, and what is wrong."""

    measured: dict[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Files:
    """Where a step wrote: results in a folder of its own, run folders in one of the stage."""

    out: Path
    runs: Path


def kernel_errors(files: Files, *, is_rehearsal: bool) -> Reading:
    """Every kernel is within 2 % of fp32."""
    errors = json.loads((files.out / "kernel_errors.json").read_text())
    problems = [
        f"{kind}, {name}: error {error:.3f}, at most {_KERNEL_ERROR}"
        for kind, found in errors.items()
        for name, error in found.items()
        if not error <= _KERNEL_ERROR
    ]
    return Reading(errors, tuple(problems))


def same_step_as_trl(files: Files, *, is_rehearsal: bool) -> Reading:
    """leanrl's loss and gradients are TRL's, where both were taken; a side that ran out of memory is no problem."""
    rows = [row for file in files.out.rglob("*-train-step*.json") for row in json.loads(file.read_text())["rows"]]
    problems = [] if rows else ["the benchmark wrote no row"]
    for row in rows:
        ours = row["sides"].get("leanrl", {"failed": "was not run"})
        if "failed" in ours:
            problems.append(f"{row['case']}: leanrl {ours['failed']}")
        for key, most in (("loss_difference", _LOSS_DIFFERENCE), ("gradient_difference", _GRADIENT_DIFFERENCE)):
            if not abs(ours.get(key, 0.0)) <= most:
                problems.append(f"{row['case']}: {key} {ours[key]:.2e}, at most {most}")
    return Reading({row["case"]: row["sides"] for row in rows}, tuple(problems))


def planned_bytes(files: Files, *, is_rehearsal: bool) -> Reading:
    """Every phase is planned within -2 and +5 % of what the allocator gave; the upper estimate covers the driver's."""
    rows = [row for file in files.out.rglob("*-gpu-memory*.json") for row in json.loads(file.read_text())["rows"]]
    problems = [] if rows else ["the benchmark wrote no row"]
    for row in rows:
        if "failed" in row:
            problems.append(f"{row['name']}: {row['failed']}")
        for phase, error in row.get("plan_error", {}).items():
            if not _PLAN_LOW <= error <= _PLAN_HIGH:
                problems.append(f"{row['name']}: {phase} is planned {error:+.1%} from what was allocated")
        if row.get("upper_minus_driver_used_bytes", 0) < 0:
            short = -row["upper_minus_driver_used_bytes"] / 2**30
            problems.append(f"{row['name']}: the driver gave {short:.2f} GiB more than the upper estimate")
    kept = ("plan_error", "phases", "upper_minus_driver_used_bytes", "skipped")
    return Reading({row["name"]: {key: row[key] for key in kept if key in row} for row in rows}, tuple(problems))


def rollout_parts(files: Files, *, is_rehearsal: bool) -> Reading:
    """Every part ran; memory does not grow over cycles of sleep."""
    found = [json.loads(file.read_text()) for file in files.out.rglob("*-rollout*.json")]
    parts = {name: part for one in found for name, part in one["parts"].items()}
    problems = [f"{name}: {part['failed']}" for name, part in parts.items() if "failed" in part]
    for name, part in parts.items():
        growth = {key: value for key, value in part.get("sleep", {}).items() if key.startswith("growth")}
        problems += [f"{name}: {key} is {value}" for key, value in growth.items() if value > 0 and not is_rehearsal]
    if not parts:
        problems.append("the benchmark wrote no part")
    return Reading({"parts": parts, "ratios": [one["ratios"] for one in found]}, tuple(problems))


def trained_run(files: Files, *, is_rehearsal: bool) -> Reading:
    """The newest run finished; its bytes stand beside the plan's."""
    return _read_run(_newest_run(files.runs))


def same_loss_as_on_the_card(files: Files, *, is_rehearsal: bool) -> Reading:
    """Activations on the host change no loss."""
    reading = _read_run(files.runs / "on_host")
    pairs = list(zip(*(_losses(files.runs / name) for name in ("on_host", "on_card")), strict=False))
    differences = [abs(one - other) for one, other in pairs]
    problems = list(reading.problems)
    if not differences:
        problems.append("there is no run with activations on the card to compare with")
    elif not all(difference <= _OFFLOAD_DIFFERENCE for difference in differences):
        problems.append(f"losses with activations on the host are off by {differences}, at most {_OFFLOAD_DIFFERENCE}")
    return Reading(reading.measured | {"loss_differences": differences}, tuple(problems))


def no_run_folder(files: Files, *, is_rehearsal: bool) -> Reading:
    """A run that was refused before step 1 leaves nothing to resume."""
    left = files.runs / "refused"
    return Reading({}, (f"the refused run left {left.name}/",) if left.exists() else ())


def same_step_by_both_backends(files: Files, *, is_rehearsal: bool) -> Reading:
    """Both backends' first loss and gradient norm agree to a percent."""
    rows = [row for file in files.out.rglob("*-backends*.json") for row in json.loads(file.read_text())["rows"]]
    if is_rehearsal:
        return Reading()
    problems = [] if rows else ["the benchmark wrote no row"]
    for row in rows:
        sides = row["sides"]
        failed = {name: side["failed"] for name, side in sides.items() if "failed" in side}
        problems += [f"{row['case']}: {name} {why}" for name, why in failed.items()]
        if not failed:
            problems += _apart(row["case"], sides["unsloth"], sides["hf"])
    return Reading({row["case"]: row["sides"] for row in rows}, tuple(problems))


def _apart(case: str, one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    pairs = {key: (one[key][0], other[key][0]) for key in ("losses", "grad_norms")}
    return [
        f"{case}: first of {key} is {mine:.4f} by unsloth and {theirs:.4f} by hf"
        for key, (mine, theirs) in pairs.items()
        if not abs(mine - theirs) <= 0.01 * max(abs(theirs), 0.01)
    ]


def _newest_run(runs: Path) -> Path:
    return max(runs.iterdir(), key=lambda run: (run / "config.json").stat().st_mtime)


def _read_run(run: Path) -> Reading:
    summary = json.loads((run / "summary.json").read_text())
    steps = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    plan = json.loads((run / "plan.json").read_text())
    measured = {
        "summary": {key: summary.get(key) for key in ("status", "steps", "greedy_before", "greedy_after", "seconds")},
        "planned_phase_bytes": {phase["name"]: phase["bytes"] for phase in plan["gpus"][0]["phases"]},
        "phase_peak_bytes": steps[-1].get("phase_peak_bytes") if steps else None,
        "sampling_logprob_difference": steps[-1].get("sampling_logprob_difference") if steps else None,
        "losses": [step["loss"] for step in steps],
    }
    problems = [] if summary["status"] == "finished" else [f"{run.name}: status {summary['status']}"]
    return Reading(measured, tuple(problems))


def _losses(run: Path) -> list[float]:
    file = run / "metrics.jsonl"
    return [json.loads(line)["loss"] for line in file.read_text().splitlines()] if file.is_file() else []


READERS: dict[str, Callable[..., Reading]] = {
    reader.__name__: reader
    for reader in (
        kernel_errors,
        same_step_as_trl,
        planned_bytes,
        rollout_parts,
        trained_run,
        same_loss_as_on_the_card,
        no_run_folder,
        same_step_by_both_backends,
    )
}
