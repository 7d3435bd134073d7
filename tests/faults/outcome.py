"""What a finished run left, without its times and memory: two runs are the same where nothing of it differs."""

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from leanrl.storage.run_folder import RunFolder, read_json, read_jsonl
from tests.faults.contents import contents

# Times, memory and the process are of a machine, and differ between any two runs.
_OF_THE_MACHINE = ("seconds", "cpu_share", "peak_bytes", "phase_peak_bytes")
_WITH_PATHS_AND_TIMES = ("trainer_state.json", "training_args.bin")
_RESULTS = ("steps", "status", "checkpoint", "greedy_before", "greedy_after", "num_eval", "num_train", "num_heldout")


def outcome_of(folder: Path) -> dict[str, Any]:
    """Return what a run left: values of each step, contents of files, and the results of its summary, by name."""
    run = RunFolder(folder)
    summary = read_json(run.summary)
    return {
        **{f"summary {name}": summary.get(name) for name in _RESULTS},
        **{f"metrics of step {line['step']}": _of_step(line) for line in read_jsonl(run.metrics)},
        **{f"{path.name}: {name}": held for path in run.complete_checkpoints() for name, held in _files(path)},
        **{f"log of {path.name}": _log(path) for path in run.complete_checkpoints()},
        **{path.name: _digest(path) for path in (run.ledger, run.prompts, *folder.glob("greedy_*.jsonl"))},
        **{f"completions {path.name}": _digest(path) for path in sorted(run.completions.glob("*.jsonl"))},
    }


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Return the names of what is not the same in both."""
    return [name for name in {**one, **other} if one.get(name, _NOTHING) != other.get(name, _NOTHING)]


def differences_of_kept(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Return the same of runs that kept other checkpoints: those that both have are compared, the last among them."""
    shared = _checkpoint_steps(one) & _checkpoint_steps(other)
    last = max(_checkpoint_steps(one))
    lost = [] if last in shared else [f"the checkpoint of step {last}"]
    return lost + [
        name for name in differences(one, other) if (step := _checkpoint_step(name)) is None or step in shared
    ]


def _checkpoint_steps(outcome: dict[str, Any]) -> set[int]:
    return {step for name in outcome if (step := _checkpoint_step(name)) is not None}


def _checkpoint_step(name: str) -> int | None:
    found = re.search(r"^(?:log of )?step-(\d{6})(?::|$)", name)
    return int(found[1]) if found else None


_NOTHING = object()


def _of_step(line: dict[str, Any]) -> str:
    """Return a step's values as text: NaN equals itself, and no bit is lost."""
    return json.dumps({name: value for name, value in line.items() if name not in _OF_THE_MACHINE}, sort_keys=True)


def _files(checkpoint: Path) -> Iterator[tuple[str, str]]:
    """Yield each value that the files of a checkpoint hold, and each file's name: one that is missing is seen."""
    listed = json.loads((checkpoint / "COMPLETE").read_text(encoding="utf-8"))["files"]
    for name in sorted(listed):
        yield name, "is listed"
        if name not in _WITH_PATHS_AND_TIMES:
            yield from ((f"{name} {path}", held) for path, held in contents(checkpoint / name).items())


def _log(checkpoint: Path) -> str:
    """Return what transformers keeps of a run, without the times of its steps."""
    state = read_json(checkpoint / "trainer_state.json")
    history = [{name: value for name, value in line.items() if "seconds" not in name} for line in state["log_history"]]
    kept = {name: state[name] for name in ("global_step", "max_steps", "num_input_tokens_seen")}
    return json.dumps({**kept, "log_history": history}, sort_keys=True)


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "not there"
