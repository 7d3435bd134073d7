"""Three runs of cpu-demo with three seeds: what the demo promises, measured.

    python benchmarks/demo.py [--seeds 42 43 44]

Prints a table and writes benchmarks/results/cpu-demo-<date>.json with command, commit, machine and every summary.
The runs are whole processes one after the other; wall times hold for the machine named in the file.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

from leanrl.environment import describe_machine

RESULTS = Path(__file__).parent / "results"
KEPT = ("greedy_before", "greedy_after", "num_eval", "steps", "seconds", "cpu_seconds", "peak_bytes")


def run_seed(seed: int, folder: Path) -> dict:
    """Train with one seed, and return its seed, summary and sampled accuracy by step."""
    run = folder / f"seed-{seed}"
    command = ["train", "-p", "cpu-demo", "-s", f"train.seed={seed}", "--run-dir", str(run)]
    subprocess.run([sys.executable, "-m", "leanrl", *command], check=True)
    summary = json.loads((run / "summary.json").read_text())
    steps = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return {
        "seed": seed,
        **{name: summary[name] for name in KEPT},
        "sampled_accuracy": [step["rewards"]["accuracy"] for step in steps],
        "step_seconds": [round(step["seconds"]["step"], 2) for step in steps],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[42, 43, 44])
    seeds = parser.parse_args().seeds
    with tempfile.TemporaryDirectory() as folder:
        runs = [run_seed(seed, Path(folder)) for seed in seeds]
    for run in runs:
        points = 100 * (run["greedy_after"] - run["greedy_before"])
        print(
            f"seed {run['seed']}: {run['greedy_before']:.0%} -> {run['greedy_after']:.0%} of {run['num_eval']} "
            f"(+{points:.0f} points), {run['seconds']:.0f} s, {run['cpu_seconds']:.0f} CPU seconds"
        )
    answer = {
        "command": "python benchmarks/demo.py --seeds " + " ".join(map(str, seeds)),
        "date": date.today().isoformat(),
        "machine": describe_machine(),
        "runs": runs,
    }
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"cpu-demo-{answer['date']}.json"
    path.write_text(json.dumps(answer, indent=2) + "\n")
    print(path)


if __name__ == "__main__":
    main()
