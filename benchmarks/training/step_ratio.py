"""The seconds of a run's steps, of this checkout and of another one, in turn.

    python benchmarks/training/step_ratio.py OTHER_CHECKOUT [PAIRS]

Both train the same tiny model on the same sums through the command line. Each pair gives one ratio; the model is so
small that what lies around the engine weighs more than in any real run. The first step of a run is left out.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from benchmarks.results_file import RESULTS, results_path, write_results_file  # noqa: E402 - found from ROOT
from leanrl.machine.environment import describe_machine  # noqa: E402
from tests.tiny_model import make_tiny_model  # noqa: E402 - the tests' model is no package

SETTINGS = (
    *("model.wheel=null", "model.dtype=float32", "model.compute_dtype=float32", "model.tuning.rank=4"),
    *("train.max_steps=16", "train.num_prompts=8", "train.num_completions=8", "checkpoints.every_steps=16"),
    *("rollout.max_completion_tokens=32", "data.num_heldout=0", "eval.greedy=false", "rewards={one_box: 1.0}"),
)


def main() -> None:
    other, num_pairs = Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory() as folder:
        model = make_tiny_model(Path(folder) / "model")
        pairs = []
        for number in range(num_pairs):
            order = (ROOT, other) if number % 2 else (other, ROOT)
            seconds = {
                checkout: _seconds(checkout, model, Path(folder) / f"{number}-{index}")
                for index, checkout in enumerate(order)
            }
            pairs.append({"this": seconds[ROOT], "other": seconds[other], "ratio": seconds[ROOT] / seconds[other]})
    ratio = median(pair["ratio"] for pair in pairs)
    path = results_path(RESULTS, "step-ratio", gpu={}, vram_gib=None, tiny=False)
    about = {
        "command": f"python benchmarks/training/step_ratio.py OTHER_CHECKOUT {num_pairs}",
        "machine": describe_machine(),
    }
    write_results_file(path, {**about, "other_commit": _commit(other), "median_ratio": ratio, "pairs": pairs})
    print(f"{path}: {ratio:.3f}")


def _seconds(checkout: Path, model: Path, run: Path) -> float:
    """Return the seconds of the steps of one run, those of the first left out."""
    settings = [part for one in (f"model.id={model}", *SETTINGS) for part in ("-s", one)]
    environment = os.environ | {"PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "leanrl", "train", "-p", "cpu-demo", *settings, "--run-dir", str(run)]
    subprocess.run(command, cwd=checkout, env=environment, check=True, capture_output=True)
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    return sum(line["seconds"]["step"] for line in lines[1:])


def _commit(checkout: Path) -> str:
    asked = ["git", "-C", str(checkout), "rev-parse", "--short", "HEAD"]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main()
