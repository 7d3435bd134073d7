"""The actual side of plan.json: peaks that a run measured, beside what was planned."""

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import Any

from leanrl.storage.run_folder import RunFolder, read_json_if_whole, write_json
from leanrl.trainer.memory.phase_meter import Peaks, as_records, highest_of_each

# After the first step the libraries have loaded what they need; after the fifth what still grows has grown.
STEPS_TO_COMPARE = (1, 5)


def append_actual(run: RunFolder, *, step: int, peaks_of_ranks: Sequence[Peaks], source: str) -> None:
    """Add the peaks up to a step to plan.json; nothing where no plan was made."""
    plan = read_json_if_whole(run.plan)
    if plan:
        write_json(run.plan, with_actual(plan, step=step, peaks_of_ranks=peaks_of_ranks, source=source))


def with_actual(plan: Mapping[str, Any], *, step: int, peaks_of_ranks: Sequence[Peaks], source: str) -> dict[str, Any]:
    """Return the plan with one more entry under `actual`, in the order of steps.

    `phases` are the highest of all ranks; of several, `ranks` has each one's. Entries of other steps stay, also those
    of an earlier process of the same run; one of the same step is replaced.
    """
    others = [entry for entry in plan.get("actual", []) if entry["step"] != step]
    entry: dict[str, Any] = {"step": step, "phases": as_records(reduce(highest_of_each, peaks_of_ranks))}
    if len(peaks_of_ranks) > 1:
        entry["ranks"] = [as_records(peaks) for peaks in peaks_of_ranks]
    entries = sorted([*others, entry], key=lambda entry: entry["step"])
    return {**plan, "actual": entries, "actual_source": source}


def record_probe(run: RunFolder, *, peaks: Peaks, num_completions: int, row_tokens: int) -> None:
    """Add the peaks of the probe before step 1 to plan.json; nothing where no plan was made."""
    plan = read_json_if_whole(run.plan)
    if plan:
        probe = {"completions": num_completions, "tokens_each": row_tokens, "phases": as_records(peaks)}
        write_json(run.plan, {**plan, "probe": probe})
