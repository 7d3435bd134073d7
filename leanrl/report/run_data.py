"""What a run folder holds, read for a person: whatever is missing, cut short or broken becomes a note."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leanrl.errors import ConfigError
from leanrl.ledger.run_ledger import RunLedger
from leanrl.storage.run_folder import RunFolder, read_json

Record = Mapping[str, Any]


@dataclass(frozen=True)
class RunData:
    """The files of a run as values; an absent file is an empty one.

    `steps` are in order, each step once; `saves` are the checkpoints of them, and `evaluations` those during
    training. `completions` holds the saved samples by
    step; `greedy_before` and `greedy_after` the answers to the held-out problems, each problem once. `ledger` is None
    where the run has none; `problems` holds the beginning of each of its problems, by prompt id.
    """

    folder_name: str
    config: Record = field(default_factory=dict)
    plan: Record = field(default_factory=dict)
    env: Record = field(default_factory=dict)
    summary: Record = field(default_factory=dict)
    steps: list[Record] = field(default_factory=list)
    saves: list[Record] = field(default_factory=list)
    evaluations: list[Record] = field(default_factory=list)
    completions: dict[int, list[Record]] = field(default_factory=dict)
    greedy_before: dict[str, Record] = field(default_factory=dict)
    greedy_after: dict[str, Record] = field(default_factory=dict)
    dropped: list[Record] = field(default_factory=list)
    ledger: RunLedger | None = None
    problems: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    path: Path | None = None

    @property
    def name(self) -> str:
        """The preset's name, or the folder's where no file knows the preset."""
        return str(self.summary.get("preset") or self.config.get("name") or self.folder_name)

    @property
    def status(self) -> str:
        """What the run itself last said: a killed run never says that it was killed."""
        status = str(self.summary.get("status", "running"))
        return "running, or killed" if status == "running" else status

    def setting(self, dotted_key: str) -> Any:
        """Return a value of the config by its dotted key, or None."""
        value: Any = self.config
        for name in dotted_key.split("."):
            value = value.get(name) if isinstance(value, Mapping) else None
        return value


def read_run(run: RunFolder) -> RunData:
    """Read everything that the report shows; never fails for what a file lacks or contains."""
    notes: list[str] = []
    files = (run.metrics, run.saves, run.evaluations)
    by_step, saves, evaluations = (_by_step(_read_records(path, notes)) for path in files)
    return RunData(
        folder_name=run.path.resolve().name.encode(errors="replace").decode(),  # fonts draw no byte that is no UTF-8
        config=_read_object(run.config, notes),
        plan=_read_object(run.plan, notes),
        env=_read_object(run.env, notes),
        summary=_read_object(run.summary, notes),
        steps=[by_step[step] for step in sorted(by_step)],
        saves=[saves[step] for step in sorted(saves)],
        evaluations=[evaluations[step] for step in sorted(evaluations)],
        completions={
            step: records
            for path in sorted(run.completions.glob("step-*.jsonl"))
            if (step := _step_of(path)) is not None and (records := _read_records(path, notes))
        },
        greedy_before=_by_problem(_read_records(run.path / "greedy_before.jsonl", notes)),
        greedy_after=_by_problem(_read_records(run.path / "greedy_after.jsonl", notes)),
        dropped=_read_records(run.dropped_rows, notes),
        ledger=_read_ledger(run.ledger, notes),
        problems={str(record.get("id")): str(record.get("problem")) for record in _read_records(run.prompts, notes)},
        notes=notes,
        path=run.path,
    )


def part(record: Record, *, group: str, name: str) -> Any:
    """Return one value of a group such as `rewards` or `seconds` of a record, or None."""
    values = record.get(group)
    return values.get(name) if isinstance(values, dict) else None


def _read_object(path: Path, notes: list[str]) -> Record:
    if not path.is_file():
        return {}
    try:
        return read_json(path)
    except ConfigError as error:
        notes.append(error.message.replace(str(path), path.name))
        return {}


def _read_ledger(path: Path, notes: list[str]) -> RunLedger | None:
    if not path.is_file():
        return None
    try:
        ledger, damage = RunLedger.load_whole_records(path)
    except ConfigError as error:
        notes.append(error.message.replace(str(path), path.name))
        return None
    if damage is not None:
        notes.append(f"{path.name} {damage}")
    return ledger


def _read_records(path: Path, notes: list[str]) -> list[Record]:
    """Return the objects of a line file.

    A last line without its end is passed over: the run is writing it, or was killed while it did. Lines end
    at \\n only, for a completion may hold U+2028, at which str.splitlines would cut.
    """
    if not path.is_file():
        return []
    *lines, unfinished = path.read_bytes().split(b"\n")
    parsed = [_parse(line) for line in lines if line.strip()]
    records = [record for record in parsed if record is not None]
    if len(records) < len(parsed):
        notes.append(f"{path.name}: {len(parsed) - len(records)} unreadable lines were left out.")
    whole = _parse(unfinished)
    return records if whole is None else [*records, whole]


def _parse(line: bytes) -> Record | None:
    try:
        record = json.loads(line.decode("utf-8"))
    except ValueError:  # UnicodeDecodeError and JSONDecodeError
        return None
    return record if isinstance(record, dict) else None


def _by_step(records: list[Record]) -> dict[int, Record]:
    """Return the records of steps; of a step that was done twice the later one."""
    return {record["step"]: record for record in records if isinstance(record.get("step"), int)}


def _step_of(path: Path) -> int | None:
    number = path.stem.removeprefix("step-")
    return int(number) if number.isdecimal() else None


def _by_problem(records: list[Record]) -> dict[str, Record]:
    return {str(record.get("problem", "")): record for record in records}
