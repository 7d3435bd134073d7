"""Planned and published seconds of public runs, with their lengths.

    python benchmarks/planner/plan_time.py

The runs, their sources and where their lengths are from are in benchmarks/data/public_runs.json. Prints a table and
writes benchmarks/results/plan-time-<date>.json. Where a run's lengths were not published, the table has the seconds
for means of 25, 50 and 80 % of the limit, and the mean that would explain what was published.
"""

import argparse
import json
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

from leanrl.machine.environment import describe_machine
from leanrl.planner.machine.cards import CARDS, Card
from leanrl.planner.memory.weights import nf4_bytes
from leanrl.planner.models.known_models import KNOWN_MODELS
from leanrl.planner.models.shapes import ModelShape
from leanrl.planner.time.compute_rate import BANDWIDTH_SHARE
from leanrl.planner.time.duration import estimate_step
from leanrl.planner.time.length_profile import LengthProfile, assumed_profiles, rising_root
from leanrl.planner.time.rollout_time import generation_seconds
from leanrl.planner.workload import Workload

HERE = Path(__file__).parents[1]
DATA = HERE / "data" / "public_runs.json"
RESULTS = HERE / "results"
# Everything fits: nobody logged how much KV cache these engines had.
_KV_BYTES = 10**12


@dataclass(frozen=True)
class PublicRun:
    """A run as it was, in the planner's terms.

    `rounds` are the engine's calls in a step, each for an equal part of the completions. A step of the run is
    `updates` of the plan's. `served_bytes` are the weights that the engine reads in a decoding step.
    """

    name: str
    shape: ModelShape
    card: Card
    workload: Workload
    rounds: int
    updates: int
    served_bytes: int
    serves_adapter: bool
    generation_only: bool
    seconds: float
    lengths: LengthProfile | None

    def planned_seconds(self, lengths: LengthProfile) -> float:
        """Return the seconds of a step that the formula gives for these lengths."""
        generation = self.rounds * self._round_seconds(lengths)
        if self.generation_only:
            return generation
        step = estimate_step(self.shape, self.workload, self.card, kv_bytes=_KV_BYTES, lengths=lengths)
        return self.updates * (step.seconds - step.generation) + generation

    def _round_seconds(self, lengths: LengthProfile) -> float:
        """Return the seconds of one call; weights of another dtype than 16 bit are read in its place."""
        part = replace(
            self.workload,
            method=self.workload.method if self.serves_adapter else "full",
            completions_per_rank=self.workload.completions_per_rank // self.rounds,
            completions_per_step=self.workload.completions_per_step // self.rounds,
        )
        seconds = generation_seconds(self.shape, part, self.card, kv_bytes=_KV_BYTES, lengths=lengths)
        longest = lengths.distribution.longest(part.completions_per_engine, part.completion_tokens)
        bytes_more = longest * (self.served_bytes - 2 * self.shape.num_params)
        return seconds + bytes_more / (self.card.bandwidth_bytes_per_second * BANDWIDTH_SHARE)


def read_runs() -> list[tuple[dict[str, Any], PublicRun]]:
    """Return the public runs, each with its entry in the data."""
    data = json.loads(DATA.read_text(encoding="utf-8"))
    shapes = {name: ModelShape(*sizes, tied=False) for name, sizes in data["shapes"].items()}
    return [(entry, _public_run(entry, KNOWN_MODELS | shapes)) for entry in data["runs"]]


def _public_run(entry: dict[str, Any], shapes: dict[str, ModelShape]) -> PublicRun:
    shape, card = shapes[entry["model"]], CARDS[entry["card"]]
    workload = Workload(**entry["workload"])
    return PublicRun(
        name=entry["name"],
        shape=shape,
        card=replace(card, bf16_flops=entry["tflops"] * 1e12) if "tflops" in entry else card,
        workload=workload if workload.method == "full" else replace(workload, lora_targets=tuple(shape.linears)),
        rounds=entry["rounds"],
        updates=entry.get("steps_per_row", 1),
        served_bytes=_served_bytes(shape, entry["weights"]),
        serves_adapter=entry.get("serves_adapter", True),
        generation_only=entry.get("generation_only", False),
        seconds=entry["seconds"],
        lengths=LengthProfile(**entry["lengths"]) if entry["lengths"] else None,
    )


def _served_bytes(shape: ModelShape, weights: str | None) -> int:
    """Bytes of 16-bit weights, or of linear weights in FP8 or NF4 beside 16-bit embeddings."""
    if weights == "nf4":
        return nf4_bytes(shape)
    return 2 * shape.num_params - (shape.linear_params if weights == "fp8" else 0)


def compare(entry: dict[str, Any], run: PublicRun) -> dict[str, Any]:
    """Return a run's published and planned seconds."""
    row = {key: entry[key] for key in ("name", "source", "seconds", "lengths_from", "in_sample")}
    row["note"] = entry.get("note")
    if run.lengths is not None:
        planned = run.planned_seconds(run.lengths)
        return row | {"planned_seconds": round(planned, 1), "error": round(planned / run.seconds - 1, 3)}
    limit = run.workload.completion_tokens
    explains = rising_root(
        lambda mean: run.planned_seconds(LengthProfile(mean, limit)) - run.seconds, low=1.0, high=limit - 1.0
    )
    by_share = [round(run.planned_seconds(lengths), 1) for lengths in assumed_profiles(limit)]
    return row | {"planned_seconds_by_share": by_share, "mean_that_explains": round(explains)}


def table(rows: list[dict[str, Any]]) -> str:
    """Return the comparison as the table of docs/planning.md."""
    lines = ["| run | published | planned | error | lengths | in sample |", "|---|---|---|---|---|---|"]
    for row in rows:
        if "error" in row:
            planned, error, lengths = f"{row['planned_seconds']:.0f} s", f"{round(100 * row['error']):+d} %", ""
        else:
            planned = " / ".join(f"{seconds:.0f}" for seconds in row["planned_seconds_by_share"]) + " s"
            error, lengths = "", f"; a mean of {row['mean_that_explains']} tokens would explain it"
        lines.append(
            f"| {row['name']} | {row['seconds']:.0f} s | {planned} | {error} | {row['lengths_from']}{lengths} | "
            f"{'yes' if row['in_sample'] else 'no'} |"
        )
    return "\n".join(lines)


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    rows = [compare(entry, run) for entry, run in read_runs()]
    errors = [abs(row["error"]) for row in rows if "error" in row]
    print(table(rows))
    print(f"median error {median(errors):.0%}, largest {max(errors):.0%}, of {len(errors)} runs with lengths")
    answer = {"command": "python benchmarks/planner/plan_time.py", "date": date.today().isoformat()}
    answer |= {"machine": describe_machine(), "runs": rows}
    path = RESULTS / f"plan-time-{answer['date']}.json"
    path.write_text(json.dumps(answer, indent=1) + "\n", encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
