"""The starts of a run in env.json: when, after which step and on what machine each was, and what had changed."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from leanrl.storage.run_folder import RunFolder, read_json_if_whole, write_json

_COMPARED = ("python", "commit", "cpu", "gpus")
_HANDED_OVER = "start.json"  # in the folder of the ranks' logs


@dataclass(frozen=True)
class Start:
    """A start of a run that goes on: on what machine, when, after which step, what had changed, and fingerprints."""

    machine: Mapping[str, Any]
    at: str
    after_step: int
    changes: Sequence[str]
    facts: Mapping[str, Any]


def hand_over(run: RunFolder, start: Start) -> None:
    """Leave a start to the first rank, which notes it when the run goes on."""
    run.rank_logs.mkdir(exist_ok=True)
    write_json(run.rank_logs / _HANDED_OVER, asdict(start))


def handed_over(run: RunFolder) -> Start | None:
    """Return the start that whoever started the ranks has left; None where the file is lost."""
    left = read_json_if_whole(run.rank_logs / _HANDED_OVER)
    return Start(**left) if left else None


def note_start(
    run: RunFolder, machine: Mapping[str, Any], *, at: str, after_step: int, changes: Sequence[str] = ()
) -> None:
    """Add a start to env.json, whose other values are those of the first one.

    Args:
        machine: what `describe_machine` says, with the names of the GPUs.
        at: the time, in ISO format.
        after_step: the step that the run goes on after; 0 for one that begins.
        changes: what was other than at the start before.
    """
    env = read_json_if_whole(run.env)
    start = {"at": at, "after_step": after_step, **({"changes": list(changes)} if changes else {}), **machine}
    write_json(run.env, (env or dict(machine)) | {"starts": [*_starts(env), start]})


def changed_circumstances(run: RunFolder, machine: Mapping[str, Any]) -> list[str]:
    """Return what of versions, commit and hardware is other than at the last start of a run."""
    env = read_json_if_whole(run.env)
    starts = _starts(env)
    last = starts[-1] if starts else env
    pairs = [(name, last.get(name), machine.get(name)) for name in _COMPARED if name in last]
    old, new = last.get("versions"), machine.get("versions")
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        pairs += [(name, old.get(name), new.get(name)) for name in sorted(old.keys() | new.keys())]
    return [f"{name} {_text(now)} (was {_text(before)})" for name, before, now in pairs if before != now]


def _starts(env: Mapping[str, Any]) -> list[dict[str, Any]]:
    starts = env.get("starts")
    return [start for start in starts if isinstance(start, dict)] if isinstance(starts, list) else []


def _text(value: Any) -> str:
    if isinstance(value, list):
        return " + ".join(map(str, value)) or "none"
    return "not there" if value is None else str(value)
