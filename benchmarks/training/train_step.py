"""leanrl's training phase against TRL's on the same completions: seconds, peak memory, loss and gradients.

    python benchmarks/training/train_step.py [--what sides|breakdown] [--measure time|peak|operations] [--cases PATTERN]
    python benchmarks/training/train_step.py --divisor 16                # a sixteenth of the lengths of real runs
    python benchmarks/training/train_step.py --device cuda [--vram GIB]  # random weights at the 1.5B shape
    python benchmarks/training/train_step.py --tiny                      # the same code on two layers: no numbers

Operations are those of matrix products and attention, recomputation included; no product is computed to count them, and
no other work disturbs the count. `--without-variance SHARE` is the fraction of groups that have one reward throughout.

TRL runs with its defaults, and with small tiles of its head, which suit a CPU. Completions are fixed: their lengths
and rewards come from data/completion_mix.json. A breakdown takes leanrl's savings away one at a time. Sides take turns
in one process for their times, and have one each for their peaks. Prints a table and writes
<machine>-<date>-train-step.json, where rows of an earlier call stay unless this one measured them again.
"""

import argparse
import gc
import json
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.memory.gpu_memory import gib, outcome_of
from benchmarks.memory.gpu_memory_row import about_gpu, cap_memory
from benchmarks.results_file import RESULTS, results_path, write_results_file
from benchmarks.training.train_step_case import CASES, LEANRL, SIDES, TRL, TRL_TILES, Case, Scale, make_step, savings
from benchmarks.training.train_step_sides import Side, Taken, locate
from leanrl.machine.environment import describe_machine, quiet_libraries

PEAK_SCRIPT = Path(__file__).with_name("train_step_peak.py")
TINY_SCALE = Scale(num_prompts=3, group=4, micro_batch=4, divisor=64, tile_tokens=16)
# (device, measure): a CPU takes minutes for a step of real lengths (`--divisor 1`), and peaks are of one step.
SCALES = {
    ("cpu", "time"): Scale(num_prompts=3, group=4, micro_batch=6, divisor=4, tile_tokens=1024),
    ("cpu", "peak"): Scale(num_prompts=3, group=4, micro_batch=6, divisor=1, tile_tokens=1024),
    ("cuda", "time"): Scale(num_prompts=12, group=6, micro_batch=6, divisor=1, tile_tokens=2048),
    ("cuda", "peak"): Scale(num_prompts=3, group=6, micro_batch=6, divisor=1, tile_tokens=2048),
}
Keys = dict[str, Any]


def main() -> None:
    asked = parse_arguments()
    deadline = time.perf_counter() + asked.seconds
    quiet_libraries()
    gpu = about_gpu() if asked.device == "cuda" else {}
    if asked.device == "cuda" and not gpu:
        sys.exit("torch sees no GPU here; `--device cpu` runs on SmolLM2.")
    cap_memory(torch.device(asked.device), asked.vram)
    path = results_path(asked.out, "train-step", gpu=gpu, vram_gib=asked.vram, tiny=asked.tiny)
    measure = {"time": measure_times, "peak": measure_peaks, "operations": measure_operations}[asked.measure]
    chosen = [case for case in CASES if re.search(asked.cases, case.name)]
    for case, scale in ((case, scale) for case in chosen for scale in scales_of(asked)):
        row = {"case": case.name, "what": asked.what, "measure": asked.measure, "scale": asdict(scale)}
        row["sides"] = measure(case, scale, sides_of(asked, case, scale), asked, deadline=deadline)
        print_table(row)
        keep_row(path, row, asked, gpu=gpu)
    print(path)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--what", choices=("sides", "breakdown"), default="sides")
    parser.add_argument("--measure", choices=("time", "peak", "operations"), default="time")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cpu")
    parser.add_argument("--tiny", action="store_true", help="a model of two layers and 256 words")
    parser.add_argument("--vram", type=float, metavar="GIB", help="cap the allocator to a smaller card")
    parser.add_argument("--cases", default="", metavar="PATTERN", help="only cases whose name matches, such as ^lora")
    parser.add_argument("--sides", default="", metavar="PATTERN", help="only sides whose name matches")
    parser.add_argument("--divisor", type=int, metavar="N", help="what the lengths of real runs are divided by")
    parser.add_argument("--prompts", type=int, metavar="N", help="prompts of the step")
    parser.add_argument("--without-variance", type=float, nargs="*", default=[], metavar="SHARE", help="of the groups")
    parser.add_argument("--repetitions", type=int, default=5, help="of each side")
    parser.add_argument("--seconds", type=float, default=500.0, help="start nothing that would take it beyond this")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder of the results file")
    return parser.parse_args()


def scales_of(asked: argparse.Namespace) -> list[Scale]:
    """Return the scale that was asked for, once for each fraction of groups without variance."""
    scale = TINY_SCALE if asked.tiny else SCALES[asked.device, "time" if asked.measure == "time" else "peak"]
    given = {"divisor": asked.divisor, "num_prompts": asked.prompts}
    scale = replace(scale, **{name: value for name, value in given.items() if value is not None})
    return [replace(scale, share_without_variance=share) for share in asked.without_variance] or [scale]


def sides_of(asked: argparse.Namespace, case: Case, scale: Scale) -> dict[str, Keys]:
    """Return the sides to measure, the one that differences refer to first, each with leanrl's keys of `train`."""
    all_savings = savings(case, scale, device=asked.device)
    lean = {saving.key: saving.on for saving in all_savings}
    if asked.what == "sides":
        return dict.fromkeys((side for side in SIDES if re.search(asked.sides, side)), lean)
    less = {f"{LEANRL} without {saving.key}": lean | {saving.key: saving.off} for saving in all_savings}
    return {LEANRL: lean} | {name: keys for name, keys in less.items() if keys != lean}


# --- time ----------------------------------------------------------------------------------------------------


def measure_times(
    case: Case, scale: Scale, sides: Mapping[str, Keys], asked: argparse.Namespace, *, deadline: float
) -> dict[str, Any]:
    """Return seconds and tokens/s of every side, and how far its loss and gradients are from the first one's."""
    first: dict[str, Any] = {}
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        own = {"located": locate(asked.device, tiny=asked.tiny, folder=Path(folder) / "model"), "device": asked.device}
        for names in turns(sides, asked.device):
            try:
                together = [
                    Side(name, case, scale, folder=Path(folder) / name, train=sides[name], **own) for name in names
                ]
                for side in together:
                    found[side.name] = compare_with_first(side, first)
                for name, times in take_turns(together, repetitions=asked.repetitions, deadline=deadline).items():
                    times.insert(0, found[name].pop("taken"))
                    found[name] |= describe_times(times, num_tokens=sum(make_step(case, scale).lengths))
            except torch.OutOfMemoryError as error:
                found |= {name: {"failed": f"out of memory: {error}"} for name in names}
            together = []
            free_memory()
    return with_ratios(with_ratios(found, "median_seconds"), "median_cpu_seconds")


def turns(sides: Mapping[str, Keys], device: str) -> list[list[str]]:
    """Return who takes turns with whom: all on a CPU, whose noise then hits all alike; on a GPU each has it alone."""
    return [[*sides]] if device == "cpu" else [[name] for name in sides]


def free_memory() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def compare_with_first(side: Side, first: dict[str, Any]) -> dict[str, Any]:
    """Take a step, and return how far its loss and gradients are from those in `first`.

    The first side puts its own there. Gradients are looked at behind the training phase, so the step's time counts.
    """
    squares = {"difference": 0.0, "first": 0.0}

    def see(gradients: dict[str, Tensor]) -> None:
        kept = first.setdefault("gradients", {name: value.float().cpu() for name, value in gradients.items()})
        if kept.keys() != gradients.keys():
            raise ValueError(f"{side.name} trains other weights: {sorted(kept.keys() ^ gradients.keys())}.")
        for name, value in gradients.items():
            squares["difference"] += (value.float().cpu() - kept[name]).double().square().sum().item()
            squares["first"] += kept[name].double().square().sum().item()

    side.see_gradients = see
    taken = side.take()
    side.see_gradients = lambda _: None
    return {
        "taken": taken,
        "loss": taken.loss,
        "loss_difference": abs(taken.loss - first.setdefault("loss", taken.loss)),
        "gradient_difference": (squares["difference"] / squares["first"]) ** 0.5,
    }


def take_turns(sides: list[Side], *, repetitions: int, deadline: float) -> dict[str, list[Taken]]:
    """Return what each side took after its first step, in turns A B C A B C; none that would pass the deadline."""
    taken: dict[str, list[Taken]] = {side.name: [] for side in sides}
    longest = 0.0
    for _ in range(repetitions - 1):
        started = time.perf_counter()
        if started + longest > deadline:
            break
        for side in sides:
            taken[side.name].append(side.take())
        longest = max(longest, time.perf_counter() - started)
    return taken


def describe_times(times: list[Taken], *, num_tokens: int) -> dict[str, Any]:
    wall, cpu = [taken.wall_seconds for taken in times], [taken.cpu_seconds for taken in times]
    return {
        "seconds": [round(seconds, 3) for seconds in wall],
        "cpu_seconds": [round(seconds, 3) for seconds in cpu],
        "median_seconds": round(statistics.median(wall), 3),
        "median_cpu_seconds": round(statistics.median(cpu), 3),
        "completion_tokens_per_second": round(num_tokens / statistics.median(wall), 1),
    }


# --- operations ----------------------------------------------------------------------------------------------


def measure_operations(
    case: Case, scale: Scale, sides: Mapping[str, Keys], asked: argparse.Namespace, *, deadline: float
) -> dict[str, Any]:
    """Return the operations of every side's step; nothing is timed."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        own = {"located": locate(asked.device, tiny=asked.tiny, folder=Path(folder) / "model"), "device": asked.device}
        for name, keys in sides.items():
            if time.perf_counter() > deadline:
                found[name] = {"failed": "out of time"}
                continue
            side = Side(name, case, scale, folder=Path(folder) / name, train=keys, **own)
            found[name] = {"operations": side.count()}
            del side
            free_memory()
    return with_ratios(found, "operations")


# --- peak ----------------------------------------------------------------------------------------------------


def measure_peaks(
    case: Case, scale: Scale, sides: Mapping[str, Keys], asked: argparse.Namespace, *, deadline: float
) -> dict[str, Any]:
    """Return the peak of every side, each in a process of its own, or why there is none."""
    found: dict[str, Any] = {}
    for name, keys in sides.items():
        order = {"side": name, "case": asdict(case), "scale": asdict(scale), "train": keys}
        order |= {"device": asked.device, "tiny": asked.tiny, "vram_gib": asked.vram}
        left = max(1.0, deadline - time.perf_counter())
        found[name] = outcome_of(PEAK_SCRIPT, json.dumps(order), seconds=left)
    return with_ratios(found, "peak_bytes")


# --- results -------------------------------------------------------------------------------------------------


def with_ratios(found: dict[str, Any], key: str) -> dict[str, Any]:
    """Return the sides with their ratio to the better TRL, or to leanrl with all savings where TRL is not there."""
    others = (TRL, TRL_TILES) if found.keys() & {TRL, TRL_TILES} else (LEANRL,)
    baselines = [found[name][key] for name in others if key in found.get(name, {})]
    return {
        name: values | ({f"{key}_ratio": round(values[key] / min(baselines), 3)} if key in values and baselines else {})
        for name, values in found.items()
    }


def print_table(row: dict[str, Any]) -> None:
    """Print a case as a Markdown table; ratios of CPU time stand beside those of time, which other work disturbs."""
    heads = ["side", row["measure"], "ratio", "of CPU time", "loss differs", "gradients differ"]
    share = row["scale"]["share_without_variance"]
    print(f"\n{row['case']}, {share:.0%} of groups without variance in a mix\n")
    print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|")
    for name, side in row["sides"].items():
        if "failed" in side:
            cells = [side["failed"], "", "", "", ""]
        elif "operations" in side:
            cells = [f"{side['operations'] / 1e9:.0f} GFLOP", f"{side['operations_ratio']:.2f}", "", "", ""]
        elif "peak_bytes" in side:
            cells = [f"{gib(side['peak_bytes'])} GiB", f"{side['peak_bytes_ratio']:.2f}", "", "", ""]
        else:
            speed = f"{side['median_seconds']:.1f} s, {side['completion_tokens_per_second']:.0f} tokens/s"
            ratios = (f"{side[key]:.2f}" for key in ("median_seconds_ratio", "median_cpu_seconds_ratio"))
            differences = (f"{side[key]:.1e}" for key in ("loss_difference", "gradient_difference"))
            cells = [speed, *ratios, *differences]
        print(f"| {' | '.join([name, *cells])} |", flush=True)


def keep_row(path: Path, row: dict[str, Any], asked: argparse.Namespace, *, gpu: dict[str, Any]) -> None:
    """Put a row into the results file, in the place of the one that it repeats."""
    machine = describe_machine()
    command = " ".join(["python", "benchmarks/training/train_step.py", *sys.argv[1:]])
    row |= {"command": command, "commit": machine.pop("commit"), "num_threads": torch.get_num_threads()}
    written = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"rows": []}
    same = ("case", "what", "measure", "scale")
    others = [other for other in written["rows"] if any(other[key] != row[key] for key in same)]
    if row["measure"] == "peak":
        row["sides"] = with_earlier_sides(row["sides"], [other for other in written["rows"] if other not in others])
    content = {"machine": machine, "gpu": gpu or None, "vram_gib": asked.vram, "rows": [*others, row]}
    write_results_file(path, content)


def with_earlier_sides(found: dict[str, Any], repeated: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the sides with those that this call did not measure again: a process of its own has no turn to take."""
    kept: dict[str, Any] = {}
    for row in repeated:
        source = {"command": row["command"], "commit": row["commit"]}
        kept |= {name: source | side for name, side in row["sides"].items() if name not in found}
    return with_ratios(kept | found, "peak_bytes")


if __name__ == "__main__":
    main()
