"""The backends hf and unsloth at the same work on a GPU: peak memory and tokens/s of the training phase.

    python benchmarks/training/backends.py [--cases PATTERN] [--vram GIB] [--steps 3] [--seconds 500] [--out DIR]
    python benchmarks/training/backends.py --tiny      # the same code on two layers; numbers mean nothing

Run it where unsloth is installed (docs/unsloth.md): both backends then have the same versions. Each backend of each
case is a process of its own: random weights at the 1.5B shape, fixed completions (data/completion_mix.json), leanrl's
trainer of that backend with its defaults, a few steps of which the first is not counted. Loss and gradient norm of the
first step show that both do the same. Generation is left out: random weights end no answer. Prints a table and writes
<machine>-<date>-backends.json with command, commit and versions. Without a GPU or unsloth it ends with exit code 5.
"""

import argparse
import json
import re
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.memory.gpu_memory import gib, outcome_of, run_json
from benchmarks.results_file import RESULTS, results_path, write_results_file
from benchmarks.training.train_step_case import Case, Scale
from leanrl.errors import MissingError
from leanrl.machine.environment import describe_machine, installed_version

SIDE_SCRIPT = Path(__file__).with_name("backends_side.py")
BACKENDS = ("hf", "unsloth")
CASES = tuple(
    Case(method, kl_beta, rows) for rows in ("equal", "mix") for method in ("lora", "qlora") for kl_beta in (0.0, 0.04)
)
SCALE = Scale(num_prompts=4, group=6, micro_batch=6, divisor=1, tile_tokens=None)
TINY_SCALE = Scale(num_prompts=2, group=4, micro_batch=4, divisor=64, tile_tokens=None)


def main() -> None:
    asked = parse_arguments()
    deadline = time.perf_counter() + asked.seconds
    try:
        gpu = require_gpu_and_unsloth()
    except MissingError as error:
        print(error.message, file=sys.stderr)
        sys.exit(error.exit_code)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        model = write_model(Path(folder) / "model", tiny=asked.tiny)
        for case in (case for case in CASES if re.search(asked.cases, case.name)):
            sides = {backend: measure(backend, case, asked, model=model, deadline=deadline) for backend in BACKENDS}
            rows.append({"case": case.name, "sides": with_ratios(sides)})
            print_table(rows[-1])
    print(write_results(rows, asked, gpu=gpu))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiny", action="store_true", help="a model of two layers and 256 words")
    parser.add_argument("--vram", type=float, metavar="GIB", help="cap the allocator to a smaller card")
    parser.add_argument("--cases", default="", metavar="PATTERN", help="only cases whose name matches, such as ^lora")
    parser.add_argument("--steps", type=int, default=3, help="of which the first is not counted")
    parser.add_argument("--seconds", type=float, default=500.0, help="start nothing that would take it beyond this")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results file")
    asked = parser.parse_args()
    if asked.steps < 2:
        parser.error("--steps: the first is not counted, so there have to be 2")
    return asked


def require_gpu_and_unsloth() -> dict[str, Any]:
    """Return what there is to know of the GPU.

    Raises:
        MissingError: naming what is not here.
    """
    if installed_version("unsloth") is None:
        raise MissingError(
            "unsloth is not installed here, and both backends are compared: docs/unsloth.md installs it."
        )
    gpu = run_json(SIDE_SCRIPT, "about", seconds=120)
    if not gpu:
        raise MissingError("torch sees no GPU here, and unsloth trains on nothing else.")
    return gpu


def write_model(folder: Path, *, tiny: bool) -> Path:
    """Write the start model of all sides; it is drawn on the CPU, so that the card is the sides' alone."""
    from benchmarks.models.random_model import write_random_model

    write_random_model(folder, device="cpu", dtype="bfloat16", tiny=tiny)
    return folder


def measure(backend: str, case: Case, asked: argparse.Namespace, *, model: Path, deadline: float) -> dict[str, Any]:
    """Return what one backend's own process measured, or under `failed` why there is nothing."""
    left = deadline - time.perf_counter()
    if left <= 0:
        return {"failed": f"not started, the budget of {asked.seconds:.0f} s ended"}
    order = {"backend": backend, "case": asdict(case), "scale": asdict(scale_of(asked)), "model_folder": str(model)}
    order |= {"device": "cuda", "vram_gib": asked.vram, "num_steps": asked.steps}
    return outcome_of(SIDE_SCRIPT, json.dumps(order), seconds=left)


def scale_of(asked: argparse.Namespace) -> Scale:
    return TINY_SCALE if asked.tiny else SCALE


def with_ratios(sides: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the sides, unsloth's with its speed and peak as multiples of hf's where both were measured."""
    hf, unsloth = (sides[backend] for backend in BACKENDS)
    keys = {"tokens_per_second": "speed_ratio", "peak_bytes": "peak_ratio"}
    ratios = {name: round(unsloth[key] / hf[key], 3) for key, name in keys.items() if key in hf and key in unsloth}
    return {"hf": hf, "unsloth": unsloth | ratios}


def print_table(row: dict[str, Any]) -> None:
    """Print a case as a Markdown table."""
    heads = ["backend", "a step", "tokens/s", "peak", "first loss", "its gradient norm"]
    print(f"\n{row['case']}\n\n| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    for backend, side in row["sides"].items():
        cells = [side["failed"], "", "", "", ""] if "failed" in side else cells_of(side)
        print(f"| {' | '.join([backend, *cells])} |", flush=True)


def cells_of(side: Mapping[str, Any]) -> list[str]:
    speed = [f"{side['median_seconds']:.2f} s", f"{side['tokens_per_second']:.0f}"]
    return [*speed, f"{gib(side['peak_bytes'])} GiB", f"{side['losses'][0]:.6f}", f"{side['grad_norms'][0]:.4f}"]


def write_results(rows: list[dict[str, Any]], asked: argparse.Namespace, *, gpu: dict[str, Any]) -> Path:
    """Write the rows beside those of other machines, and return the file."""
    path = results_path(asked.out, "backends", gpu=gpu, vram_gib=asked.vram, tiny=asked.tiny)
    content = {
        "command": " ".join(["python", "benchmarks/training/backends.py", *sys.argv[1:]]),
        "machine": describe_machine(),
        "gpu": gpu,
        "vram_gib": asked.vram,
        "scale": asdict(scale_of(asked)),
        "rows": rows,
    }
    write_results_file(path, content)
    return path


if __name__ == "__main__":
    main()
