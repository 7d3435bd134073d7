"""summary.json: what a run came to, kept from its start so that a resumed run can go on with it."""

import os
from typing import Any

from leanrl.launch.this_rank import is_first_rank
from leanrl.machine.process_age import process_seconds
from leanrl.storage.evaluations import best_checkpoints
from leanrl.storage.run_folder import RunFolder, read_json_if_whole, write_json
from leanrl.trainer.memory.phase_meter import PhaseMeter
from leanrl.trainer.records.metrics import peak_bytes


def start_summary(run: RunFolder, **facts: Any) -> dict[str, Any]:
    """Return the summary to fill: that of an earlier attempt on this run, or a new one."""
    return {**read_json_if_whole(run.summary), "status": "running", **facts}


def end_summary(run: RunFolder, summary: dict[str, Any], *, status: str, meter: PhaseMeter) -> dict[str, Any]:
    """Add the newest and the best checkpoint, time and memory, and write the file.

    `seconds` count from the start of this process; `cpu_seconds` hold all its threads and ended children.
    """
    checkpoints = run.complete_checkpoints()
    best, times = best_checkpoints(run), os.times()
    summary = {
        **summary,
        "status": status,
        "checkpoint": checkpoints[-1].name if checkpoints else None,
        **({"best_checkpoint": best[0].name} if best else {}),
        "seconds": round(process_seconds(), 1),
        "cpu_seconds": round(times.user + times.system + times.children_user + times.children_system, 1),
        "peak_bytes": peak_bytes(meter),
    }
    if is_first_rank():
        write_json(run.summary, summary)
    return summary
