"""What a run folder has measured, read for the plan of the next run."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from statistics import fmean, median
from typing import Any

from leanrl.config.load import load_run_config
from leanrl.config.schema import RunConfig
from leanrl.errors import ConfigError, LeanRLError
from leanrl.hints import command
from leanrl.planner.past_runs.run_lengths import read_run_lengths
from leanrl.planner.past_runs.step_seconds import measured_seconds, warm_rollouts
from leanrl.planner.time.length_profile import LengthProfile
from leanrl.storage.run_folder import RunFolder, open_run_folder, read_json_if_whole, read_jsonl


@dataclass(frozen=True)
class MeasuredRun:
    """The numbers of a run's steps.

    Args:
        path: its folder.
        config: its configuration.
        machine: the card that it ran on, by name, or the CPU; None where that is not known.
        num_steps: steps that it has finished.
        seconds: of each part of a step, and of the whole (`step_seconds.measured_seconds`).
        lengths: of its completions.
        longest_tokens: its longest completion.
        prompt_tokens: mean of its prompts; None where they were not counted.
        taught_share: fraction of completion tokens that went through the model in the steps that are timed.
        peak_bytes: highest memory of each phase, of all ranks.
        usable_bytes: of its card, or of its host; None where it had no plan.
    """

    path: Path
    config: RunConfig
    machine: str | None
    num_steps: int
    seconds: Mapping[str, float]
    lengths: LengthProfile
    longest_tokens: int
    prompt_tokens: float | None
    taught_share: float
    peak_bytes: Mapping[str, int]
    usable_bytes: int | None


def read_measured_run(path: Path) -> MeasuredRun:
    """Return what a run has measured, whatever state it is in.

    Raises:
        ConfigError: if there is no run, its files are broken, or no step of it was timed.
    """
    run = open_run_folder(path)
    config = load_run_config(run.config)
    steps = _steps(run)
    seconds = measured_seconds(steps, steps_per_rollout=config.steps_per_rollout)
    if not seconds:
        what = "no step of it is finished" if not steps else "its steps have no times"
        raise ConfigError(f"{path} has measured nothing to plan with: {what}.", hint=_go_on(run, config))
    timed = [step for one in warm_rollouts(steps, steps_per_rollout=config.steps_per_rollout) for step in one]
    plan, env = read_json_if_whole(run.plan), read_json_if_whole(run.env)
    return MeasuredRun(
        path=path,
        config=config,
        machine=cpu_name(env) if config.hardware.is_cpu else plan.get("card"),
        num_steps=len(steps),
        seconds=seconds,
        lengths=read_run_lengths(path),
        longest_tokens=_longest_tokens(steps) or config.rollout.max_completion_tokens,
        prompt_tokens=_prompt_tokens(steps, count=config.completions_per_rollout),
        taught_share=max(0.0, 1 - fmean(_numbers(timed, "skipped_token_share") or [0.0])),
        peak_bytes=dict(_peaks(steps)),
        usable_bytes=next((gpu.get("usable_bytes") for gpu in plan.get("gpus") or [] if isinstance(gpu, dict)), None),
    )


def cpu_name(env: Mapping[str, Any]) -> str | None:
    """Return the CPU that env.json, or `environment.describe_cpu`, tells of; None in a file of leanrl 0.1.0."""
    if "cpu" not in env or not env.get("num_cpus"):
        return None
    return f"{env.get('cpu') or env.get('system')} with {env['num_cpus']} cores"


def _steps(run: RunFolder) -> list[dict[str, Any]]:
    """Return the lines of metrics.jsonl, each step once, in order."""
    if not run.metrics.is_file():
        return []
    try:
        lines = list(read_jsonl(run.metrics))
    except LeanRLError as error:
        again = f"`{command('report', run.path)}` shows what is left of it"
        raise ConfigError(f"{run.metrics} is broken: {error.message}", hint=again) from error
    by_step = {line["step"]: line for line in lines if isinstance(line, dict) and isinstance(line.get("step"), int)}
    return [by_step[step] for step in sorted(by_step)]


def _go_on(run: RunFolder, config: RunConfig) -> str:
    if run.complete_checkpoints():
        return f"`{command('train', '--resume', run.path)}`"
    return f"`{run.start_anew()}` runs it again; {config.steps_per_rollout + 1} steps are enough"


def _longest_tokens(steps: list[dict[str, Any]]) -> int:
    tokens = [step["completion_tokens"] for step in steps if isinstance(step.get("completion_tokens"), dict)]
    return ceil(max((longest for one in tokens if isinstance(longest := one.get("max"), int | float)), default=0))


def _numbers(steps: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    return [value for step in steps if isinstance(value := step.get(name), int | float)]


def _prompt_tokens(steps: list[dict[str, Any]], *, count: int) -> float | None:
    """Return the mean prompt: what `num_tokens`, of the run so far, gains in a rollout beside its completions."""
    found, before = [], 0.0
    for step in steps:
        total, tokens = step.get("num_tokens"), step.get("completion_tokens")
        mean = tokens.get("mean") if isinstance(tokens, dict) else None
        if isinstance(total, int | float) and isinstance(mean, int | float):
            found.append((total - before) / count - mean)
            before = total
    known = [prompt for prompt in found if prompt > 0]
    return median(known) if known else None


def _peaks(steps: list[dict[str, Any]]) -> Iterator[tuple[str, int]]:
    """Yield each phase with its highest allocated bytes."""
    peaks = [step["phase_peak_bytes"] for step in steps if isinstance(step.get("phase_peak_bytes"), dict)]
    for name in dict.fromkeys(name for of_step in peaks for name in of_step):
        yield name, max(of_step[name]["allocated"] for of_step in peaks if name in of_step)
