"""The planner's bytes against a real GPU: leanrl's engine on random weights at the 1.5B shape, row by row.

    python benchmarks/memory/gpu_memory.py [--vram GIB] [--seconds 500] [--rows PATTERN] [--dry-run] [--out DIR]
    python benchmarks/memory/gpu_memory.py --device cpu --tiny   # the same code without a GPU; nothing is compared

Every row is a process of its own. Prints a table and writes <machine>-<date>-gpu-memory.json to `--out`, by default
benchmarks/results, with command, commit and versions. Needs nothing from the network. Rows that are not run are
named with the reason.
"""

import argparse
import json
import re
import subprocess
import sys
import time
from dataclasses import asdict
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.memory.gpu_memory_row import GIB, Expected, Row, expect
from benchmarks.results_file import RESULTS, results_path
from leanrl.machine.environment import describe_machine

ROW_SCRIPT = Path(__file__).with_name("gpu_memory_row.py")
# What the plan is made for first, then what it is compared with, then the largest.
ROWS = (
    Row("full, tiled head, 6 rows", "full", 6),
    Row("LoRA, tiled head, 6 rows", "lora", 6),
    Row("QLoRA, tiled head, 6 rows", "qlora", 6),
    Row("full, tiled head, 1 row", "full", 1),
    Row("LoRA, tiled head, 1 row", "lora", 1),
    Row("QLoRA, tiled head, 1 row", "qlora", 1),
    Row("full, whole logits, 6 rows", "full", 6, head="naive"),
    Row("LoRA, whole logits, 6 rows", "lora", 6, head="naive"),
    Row("full, whole logits, 1 row", "full", 1, head="naive"),
    Row("LoRA, whole logits, 1 row", "lora", 1, head="naive"),
    Row("full, no checkpointing, 1 row", "full", 1, checkpointing=False),
    Row("LoRA, no checkpointing, 1 row", "lora", 1, checkpointing=False),
    Row("full, no checkpointing, 6 rows", "full", 6, checkpointing=False),
    Row("LoRA, no checkpointing, 6 rows", "lora", 6, checkpointing=False),
)
# What a row is expected to take before one has been seen: imports, random weights, two steps.
FIRST_ROW_SECONDS = 60.0


def main() -> None:
    asked = parse_arguments()
    started = time.perf_counter()
    gpu = run_json(ROW_SCRIPT, "about", seconds=asked.seconds) if asked.device == "cuda" and not asked.dry_run else {}
    if asked.device == "cuda" and not asked.dry_run and not gpu:
        sys.exit("torch sees no GPU here; `--device cpu --tiny` runs the same code without one.")
    limit_bytes = limit_of(asked, gpu)
    found: list[dict[str, Any]] = []
    for row in (row for row in ROWS if re.search(asked.rows, row.name)):
        expected = expect(row, device=asked.device, tiny=asked.tiny)
        left = asked.seconds - (time.perf_counter() - started)
        why = why_skipped(row, expected, limit_bytes=limit_bytes, left_seconds=left, found=found)
        outcome = {"skipped": why} if why else {} if asked.dry_run else run_row(row, asked, seconds=left)
        found.append(describe(row, expected, outcome, is_compared=asked.device == "cuda" and not asked.tiny))
        print(f"{row.name}: {one_line(found[-1])}", flush=True)
    if not asked.dry_run:
        print_table(found)
        print(write_results(found, asked, gpu=gpu, seconds=time.perf_counter() - started))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--tiny", action="store_true", help="a model of two layers and 256 words, rows of 32 tokens")
    parser.add_argument("--vram", type=float, metavar="GIB", help="cap the allocator to a smaller card")
    parser.add_argument("--seconds", type=float, default=500.0, help="start no row that would take it beyond this")
    parser.add_argument("--rows", default="", metavar="PATTERN", help="only rows whose name matches, such as ^LoRA")
    parser.add_argument("--dry-run", action="store_true", help="plan the rows and run none")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results file")
    asked = parser.parse_args()
    if asked.device == "cpu" and not asked.tiny and not asked.dry_run:
        parser.error("a CPU takes hours for the 1.5B shape: add --tiny")
    return asked


def limit_of(asked: argparse.Namespace, gpu: dict[str, Any]) -> int | None:
    """Return the bytes that a row may need: the cap, or the card's; None where neither is known."""
    limits = [gpu["total_bytes"]] if gpu else []
    if asked.vram is not None:
        limits.append(int(asked.vram * GIB))
    return min(limits, default=None)


def why_skipped(
    row: Row, expected: Expected, *, limit_bytes: int | None, left_seconds: float, found: list[dict[str, Any]]
) -> str | None:
    """Return why a row is not run, or None where it is."""
    if row.method == "qlora" and find_spec("bitsandbytes") is None:
        return "bitsandbytes is not installed"
    if limit_bytes is not None and expected.peak_bytes > limit_bytes:
        return f"planned at {expected.peak_bytes / GIB:.1f} GiB, of {limit_bytes / GIB:.1f} GiB"
    slowest = max((row["seconds"] for row in found if "seconds" in row), default=FIRST_ROW_SECONDS)
    if left_seconds < slowest:
        return f"{max(0.0, left_seconds):.0f} s are left, and a row has taken {slowest:.0f} s"
    return None


def run_row(row: Row, asked: argparse.Namespace, *, seconds: float) -> dict[str, Any]:
    """Return what a row's own process measured, or why it failed."""
    started = time.perf_counter()
    order = {"row": asdict(row), "device": asked.device, "tiny": asked.tiny, "vram_gib": asked.vram}
    outcome = outcome_of(ROW_SCRIPT, json.dumps(order), seconds=seconds)
    return outcome | {"seconds": round(time.perf_counter() - started, 1)}


def outcome_of(script: Path, order: str, *, seconds: float) -> dict[str, Any]:
    """Return the JSON that the script prints, or under `failed` why there is none."""
    try:
        return run_json(script, order, seconds=seconds)
    except subprocess.TimeoutExpired:
        return {"failed": f"stopped after {seconds:.0f} s, the end of the budget"}
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["no message"])[-1]
        return {"failed": f"exit code {error.returncode}: {last}"}


def run_json(script: Path, order: str, *, seconds: float) -> dict[str, Any]:
    """Return the JSON that the script prints as its last line."""
    command = [sys.executable, str(script), order]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=seconds)
    return json.loads(done.stdout.splitlines()[-1])


def describe(row: Row, expected: Expected, outcome: dict[str, Any], *, is_compared: bool) -> dict[str, Any]:
    """Return a row with its plan, what was measured and, where that is asked for, how far the plan is off."""
    described = asdict(row) | {"planned_bytes": expected.phases, "planned_upper_bytes": expected.upper_bytes} | outcome
    if is_compared and "phases" in outcome:
        described["plan_error"] = {
            phase["name"]: round(expected.phases[phase["name"]] / phase["allocated_bytes"] - 1, 4)
            for phase in outcome["phases"]
        }
        most_used = max(phase["driver_used_bytes"] for phase in outcome["phases"])
        described["upper_minus_driver_used_bytes"] = expected.upper_bytes - most_used
    return described


def one_line(row: dict[str, Any]) -> str:
    for word in ("skipped", "failed"):
        if word in row:
            return f"{word}: {row[word]}"
    planned = f"planned at {gib(max(row['planned_bytes'].values()))} GiB"
    return f"{planned}, took {row['seconds']:.0f} s" if "seconds" in row else f"{planned}, would run"


def print_table(rows: list[dict[str, Any]]) -> None:
    """Print the peaks of all phases as a Markdown table, in GiB."""
    print("\n| row | phase | planned | allocated | reserved | driver | plan's error |\n|---|---|---|---|---|---|---|")
    for row in rows:
        for measured in row.get("phases", []):
            name = measured["name"]
            sizes = (row["planned_bytes"][name], *(measured[key] for key in list(measured)[1:]))
            error = row.get("plan_error", {}).get(name)
            cells = [row["name"], name, *map(gib, sizes), "" if error is None else f"{error:+.1%}"]
            print(f"| {' | '.join(cells)} |")


def gib(num_bytes: int | None) -> str:
    return "" if num_bytes is None else f"{num_bytes / GIB:.2f}"


def write_results(
    rows: list[dict[str, Any]], asked: argparse.Namespace, *, gpu: dict[str, Any], seconds: float
) -> Path:
    """Write the rows beside those of other machines, and return the file."""
    path = results_path(asked.out, "gpu-memory", gpu=gpu, vram_gib=asked.vram, tiny=asked.tiny)
    written = {
        "command": " ".join(["python", "benchmarks/memory/gpu_memory.py", *sys.argv[1:]]),
        "date": date.today().isoformat(),
        "machine": describe_machine(),
        "gpu": gpu or None,
        "vram_gib": asked.vram,
        "seconds": round(seconds, 1),
        "rows": rows,
        "not_run": [row["name"] for row in rows if "skipped" in row],
    }
    asked.out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    main()
