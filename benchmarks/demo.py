"""Runs of cpu-demo: what the demo promises, measured with several seeds, or by each way of tuning.

    python benchmarks/demo.py [--seeds 42 43 44]
    python benchmarks/demo.py --method lora|qlora|full [--steps N] [--seeds 42]

Prints a table and writes benchmarks/results/cpu-demo[-METHOD][-N-steps]-<date>.json with command, commit, machine and
every summary. With a method each run is merged too, and the merged models are asked what the run was asked. The runs
are whole processes one after the other; wall times hold for the machine named in the file.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

from benchmarks.models.merged_score import merged_scores
from benchmarks.results_file import RESULTS
from leanrl.machine.environment import describe_machine
from leanrl.storage.run_folder import RunFolder

KEPT = ("greedy_before", "greedy_after", "num_eval", "steps", "seconds", "cpu_seconds", "peak_bytes")
# What each method needs besides its name: the demo is made for LoRA. All weights take a fifth of an adapter's rate
# (1e-5 was seen to learn little in 18 steps), and masters finer than the bf16 weights, which would drop such steps.
OVERRIDES = {
    "lora": (),
    "qlora": ("model.tuning.method=qlora",),
    "full": ("model.tuning.method=full", "optimizer.name=adamw_offloaded", "optimizer.learning_rate=4.0e-5"),
}


def run_seed(seed: int, folder: Path, overrides: list[str]) -> dict:
    """Train with one seed, and return its seed, command, summary and sampled accuracy by step."""
    run = folder / f"seed-{seed}"
    command = ["train", "-p", "cpu-demo"]
    for override in [*overrides, f"train.seed={seed}"]:
        command += ["-s", override]
    subprocess.run([sys.executable, "-m", "leanrl", *command, "--run-dir", str(run)], check=True)
    summary = json.loads((run / "summary.json").read_text())
    steps = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return {
        "seed": seed,
        "command": " ".join(["leanrl", *command]),
        **{name: summary[name] for name in KEPT},
        "sampled_accuracy": [step["rewards"]["accuracy"] for step in steps],
        "step_seconds": [round(step["seconds"]["step"], 2) for step in steps],
    }


def report(run: dict) -> str:
    """Return a line about a run, and one about each model that it was merged to."""
    points = 100 * (run["greedy_after"] - run["greedy_before"])
    lines = [
        f"seed {run['seed']}: {run['greedy_before']:.0%} -> {run['greedy_after']:.0%} of {run['num_eval']} "
        f"({points:+.0f} points), {run['seconds']:.0f} s, {run['cpu_seconds']:.0f} CPU seconds"
    ]
    lines += [f"  merged, {way['base']} base, {way['dtype']}: {way['greedy']:.0%}" for way in run.get("merged", [])]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 43, 44])
    parser.add_argument("--method", choices=OVERRIDES)
    parser.add_argument("--steps", type=int)
    asked = parser.parse_args()
    overrides = [*OVERRIDES[asked.method or "lora"], *([f"train.max_steps={asked.steps}"] if asked.steps else [])]
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in asked.seeds:
            runs.append(run_seed(seed, Path(folder), overrides))
            if asked.method:
                runs[-1]["merged"] = merged_scores(RunFolder(Path(folder) / f"seed-{seed}"))
            print(report(runs[-1]))
    answer = {
        "command": "python benchmarks/demo.py " + " ".join(sys.argv[1:]),
        "date": date.today().isoformat(),
        "machine": describe_machine(),
        "runs": runs,
    }
    which = [asked.method, asked.steps and f"{asked.steps}-steps"]
    path = RESULTS / "-".join(["cpu-demo", *filter(None, which), f"{answer['date']}.json"])
    path.write_text(json.dumps(answer, indent=2) + "\n")
    print(path)


if __name__ == "__main__":
    main()
