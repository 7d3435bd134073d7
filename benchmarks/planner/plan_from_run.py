"""Runs of cpu-demo planned from an earlier one: `leanrl plan --from RUN` against the run that it plans.

    python benchmarks/planner/plan_from_run.py [--steps 4] [--cases longer larger]

A first run is measured. Then each case is planned from it, trained, and compared: seconds of every part of a step,
planned and measured. The first run is repeated behind the cases; the ratio of the two is what the machine's noise does.
Where others use the cores, a run gets a fraction of its threads' time that differs from run to run: `at_equal_share` is
the ratio of the whole step with both at the fraction of the first run.
Writes benchmarks/results/plan-from-run-<date>.json with command, commit and machine.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.results_file import RESULTS, write_results_file
from leanrl.machine.environment import describe_machine
from leanrl.planner.past_runs.step_seconds import measured_seconds
from leanrl.storage.run_folder import RunFolder, read_jsonl

# Small, so that it ends on a busy machine; rows that cannot teach are passed through the model all the same, or a run
# of few groups might compute no gradients.
FIRST = (
    *("train.num_prompts=1", "train.num_completions=4", "train.micro_batch_completions=4"),
    *("train.skip_zero_advantage=false", "eval.greedy=false", "data.num_heldout=0"),
)
# What each case changes: completions may be three times as long; or there are two or four times as many.
CASES = {
    "longer": ("rollout.max_completion_tokens=42",),
    "larger": ("train.num_prompts=2", "train.micro_batch_completions=8"),
    "largest": ("train.num_prompts=4", "train.micro_batch_completions=8"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--cases", choices=CASES, nargs="+", default=list(CASES))
    asked = parser.parse_args()
    answer: dict[str, Any] = {
        "command": "python benchmarks/planner/plan_from_run.py " + " ".join(sys.argv[1:]),
        "date": date.today().isoformat(),
        "machine": describe_machine(),
    }
    path = RESULTS / f"plan-from-run-{date.today().isoformat()}.json"
    with tempfile.TemporaryDirectory() as folder:
        first = train(Path(folder) / "first", FIRST, num_steps=asked.steps)
        answer |= {"first_settings": FIRST, "first": first, "cases": []}
        for name in asked.cases:
            settings = (*FIRST, *CASES[name])
            planned = plan(Path(folder) / "first", settings)
            measured = train(Path(folder) / name, settings, num_steps=asked.steps)
            found = without_folder({"case": name, "changes": CASES[name], **compared(planned, measured, first)}, folder)
            print(line(found), flush=True)
            answer["cases"].append(found)
            write_results_file(path, answer)  # a busy machine may not come to the end
        again = train(Path(folder) / "again", FIRST, num_steps=asked.steps)
    noise = {part: round(again["seconds"][part] / seconds, 3) for part, seconds in first["seconds"].items()}
    noise["at_equal_share"] = round(noise["step"] * share(again) / share(first), 3)
    print(f"first run again: {noise['step']:.2f} times its seconds, {noise['at_equal_share']:.2f} at an equal part")
    write_results_file(path, answer | {"again": again, "again_over_first": noise})


def without_folder(found: dict[str, Any], folder: str) -> dict[str, Any]:
    """Return what was found with run folders by their names alone."""
    return json.loads(json.dumps(found).replace(f"{folder}/", ""))


def train(run: Path, settings: tuple[str, ...], *, num_steps: int) -> dict[str, Any]:
    """Train cpu-demo with settings, and return the seconds of a step by part with what explains them."""
    extra = [f"train.max_steps={num_steps}", "checkpoints.every_steps=1000"]
    leanrl("train", *flags((*settings, *extra)), "--run-dir", str(run))
    steps = list(read_jsonl(RunFolder(run).metrics))
    return {
        "seconds": {part: round(value, 4) for part, value in measured_seconds(steps, steps_per_rollout=1).items()},
        "step_seconds": [round(step["seconds"]["step"], 2) for step in steps],
        "cpu_share": [round(step["cpu_share"], 2) for step in steps],
        "mean_tokens": [step["completion_tokens"]["mean"] for step in steps],
        "longest_tokens": [step["completion_tokens"]["max"] for step in steps],
        "skipped_token_share": [round(step["skipped_token_share"], 2) for step in steps],
    }


def plan(run: Path, settings: tuple[str, ...]) -> dict[str, Any]:
    return json.loads(leanrl("plan", "--from", str(run), *flags(settings), "--json"))


def share(run: dict[str, Any]) -> float:
    """Return the mean fraction of its threads' time that a run got, without the first step."""
    return fmean(run["cpu_share"][1:] or run["cpu_share"])


def compared(planned: dict[str, Any], measured: dict[str, Any], first: dict[str, Any]) -> dict[str, Any]:
    """Return planned and measured seconds of each part, with measured / planned."""
    parts = planned["time"]["parts"]
    ratios = {part: round(seconds / parts[part], 3) for part, seconds in measured["seconds"].items() if parts.get(part)}
    ratios["at_equal_share"] = round(ratios["step"] * share(measured) / share(first), 3)
    return {
        "planned_seconds": {part: round(seconds, 4) for part, seconds in parts.items()},
        "measured": measured,
        "measured_over_planned": ratios,
        "upper_bytes": planned["gpus"][0]["upper_bytes"],
        "calibration": planned["measured"],
    }


def line(found: dict[str, Any]) -> str:
    ratios = ", ".join(f"{part} {ratio:.2f}" for part, ratio in found["measured_over_planned"].items())
    return f"{found['case']} ({', '.join(found['changes'])}): measured / planned {ratios}"


def flags(settings: tuple[str, ...]) -> list[str]:
    return ["-p", "cpu-demo", *(word for setting in settings for word in ("-s", setting))]


def leanrl(*arguments: str) -> str:
    """Run the command line, and return what it prints."""
    done = subprocess.run([sys.executable, "-m", "leanrl", *arguments], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


if __name__ == "__main__":
    main()
