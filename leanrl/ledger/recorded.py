"""RecordedLedger: the ledger of a run that trains, kept in its folder and in its checkpoints.

| file | content | written |
|---|---|---|
| `ledger.dat` of the run | every visit so far | after each rollout, by appending |
| `prompts.jsonl` of the run | id and first 200 characters of every prompt that was asked | with its first visit |
| `ledger.dat` of a checkpoint | the visits of the steps that it has finished | with the checkpoint, as a whole |
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from leanrl.ledger.records import header
from leanrl.ledger.run_ledger import RunLedger
from leanrl.storage.checkpoint_files import LEDGER
from leanrl.storage.run_folder import RunFolder, append_bytes, write_bytes
from leanrl.types import Visit

CHARACTERS_KEPT = 200


class RecordedLedger:
    """A ledger that grows by the rollouts of a run, the same on all ranks, written by one of them.

    Args:
        run: the folder that receives it; None on a rank that writes nothing.
    """

    def __init__(self, run: RunFolder | None) -> None:
        self.ledger = RunLedger()
        self._run = run

    def record(self, visits: Sequence[tuple[str, Visit]], *, problems: Mapping[str, str]) -> None:
        """Add the groups of a rollout, and append them to the run's copy.

        Args:
            visits: every group of the rollout, those that are not trained too.
            problems: the text of each of their prompts, by its id.
        """
        new = {prompt: problems[prompt] for prompt, _ in visits if prompt not in self.ledger}
        records = b"".join([self.ledger.add(prompt, visit) for prompt, visit in visits])
        if self._run is not None:
            append_bytes(self._run.prompts, b"".join(_text_line(prompt, text) for prompt, text in new.items()))
            append_bytes(self._run.ledger, records, begin_with=header())

    def save(self, checkpoint: Path, *, step: int) -> None:
        """Write the visits of the first `step` steps into a checkpoint, before it is sealed."""
        self.ledger.before(step).save(checkpoint / LEDGER)

    def restore(self, checkpoint: Path) -> None:
        """Go on from the ledger of a checkpoint; the run's copy stays until `rewind_copy`.

        A checkpoint of a leanrl that kept no ledger has none: it begins empty there.

        Raises:
            ConfigError: if the file is damaged or has a newer format.
        """
        file = checkpoint / LEDGER
        self.ledger = RunLedger.load(file) if file.is_file() else RunLedger()

    def rewind_copy(self) -> None:
        """Write the run's copy anew as the ledger is, without what a checkpoint does not know.

        It belongs behind all that can refuse a checkpoint: a refused resume writes nothing.
        """
        if self._run is not None:
            self.ledger.save(self._run.ledger)
            self._rewind_prompts(self._run.prompts)

    def _rewind_prompts(self, path: Path) -> None:
        """Drop the texts of prompts that the ledger does not know, and a line cut short."""
        if path.is_file():
            lines = path.read_bytes().splitlines(keepends=True)
            write_bytes(path, b"".join(line for line in lines if _id_of(line) in self.ledger))


def _text_line(prompt_id: str, problem: str) -> bytes:
    """Return a line of prompts.jsonl; a long text ends with an ellipsis."""
    text = problem if len(problem) <= CHARACTERS_KEPT else problem[: CHARACTERS_KEPT - 1] + "…"
    line = json.dumps({"id": prompt_id, "problem": text}, ensure_ascii=False)
    return line.encode("utf-8", errors="backslashreplace") + b"\n"  # JSON's own spelling of half a surrogate pair


def _id_of(line: bytes) -> str:
    """Return the id in a whole line of prompts.jsonl; an empty one, which no prompt has, where it is cut or broken."""
    try:
        record: Any = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return ""
    return str(record.get("id", "")) if isinstance(record, dict) else ""
