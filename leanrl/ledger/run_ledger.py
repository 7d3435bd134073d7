"""RunLedger: every visit of every prompt of a run, in memory and as a file."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Self

from leanrl.errors import ConfigError
from leanrl.hints import command
from leanrl.ledger.records import (
    FORMAT,
    header,
    pack_visit,
    prompt_of,
    read_header,
    split_records,
    step_of,
    unpack_visit,
)
from leanrl.storage.checkpoint_files import COMPLETE
from leanrl.storage.run_folder import write_bytes
from leanrl.types import Visit


class RunLedger:
    """Visits by prompt id, in the order in which they were added; a `leanrl.types.Ledger`.

    Memory holds the records of the file: 0.4 KB for a visit of 16 completions, of which a `Visit` takes 1.8 KB. A file
    is binary, because text keeps neither the bits of every NaN nor a fixed size. It grows by appending: a run adds the
    records of a step to its own copy, so that no step writes the whole history again. A checkpoint holds one file that
    is written as a whole. Equal visits in equal order give equal bytes (see `leanrl.ledger.records`).
    """

    def __init__(self) -> None:
        self._records: list[bytes] = []
        self._by_prompt: dict[str, list[bytes]] = {}

    def add(self, prompt_id: str, visit: Visit) -> bytes:
        """Add a visit, and return its record.

        Raises:
            ValueError: if the visit is not one of a group, or a number does not fit its field.
        """
        record = pack_visit(prompt_id, visit)
        self._take(record)
        return record

    def visits(self, prompt_id: str) -> Sequence[Visit]:
        """Return the visits of a prompt, oldest first; none for one that was never asked."""
        return [unpack_visit(record) for record in self._by_prompt.get(prompt_id, ())]

    @property
    def prompt_ids(self) -> list[str]:
        """Every prompt that was asked, in the order of first visits."""
        return list(self._by_prompt)

    def __contains__(self, prompt_id: str) -> bool:
        return prompt_id in self._by_prompt

    def __iter__(self) -> Iterator[tuple[str, Visit]]:
        return ((prompt_of(record), unpack_visit(record)) for record in self._records)

    def __len__(self) -> int:
        """Return the number of visits."""
        return len(self._records)

    def before(self, step: int) -> "RunLedger":
        """Return the visits of the steps that a checkpoint of `step` finished steps has behind it.

        A run that stops within a step leaves a checkpoint of the step before: the visits of the step that was begun
        are made again when it is resumed.
        """
        return _of_records(record for record in self._records if step_of(record) < step)

    def save(self, path: Path) -> None:
        """Write the whole ledger beside `path`, flush it and rename it there."""
        write_bytes(path, b"".join([header(), *self._records]))

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the ledger that `save` wrote.

        Raises:
            ConfigError: if the file cannot be read, is no ledger, is cut short or damaged, or has a newer format.
        """
        ledger, damage = cls.load_whole_records(path)
        if damage is not None:
            raise ConfigError(f"{path} {damage}", hint=_way_out(path))
        return ledger

    @classmethod
    def load_whole_records(cls, path: Path) -> tuple[Self, str | None]:
        """Return the visits up to one that is cut short or damaged, and what is wrong with the file, if anything is.

        A run that is killed while it appends leaves a part of a record. A file that ends between two records reads as
        a whole one of fewer visits; of a checkpoint's, COMPLETE tells.

        Raises:
            ConfigError: if the file cannot be read, is no ledger, or has a newer format.
        """
        try:
            data = path.read_bytes()
        except OSError as error:
            raise ConfigError(f"{path} cannot be read: {error.strerror}.", hint=_way_out(path)) from error
        ledger = cls()
        if header().startswith(data):  # a part of the header, or no visit yet
            return ledger, _damage(ledger, num_bytes=len(data), end=len(data) if data == header() else 0)
        found = read_header(data)
        if found is None:
            raise ConfigError(f"{path} is not a ledger: it begins with {data[:16]!r}.", hint=_way_out(path))
        version, start = found
        if version != FORMAT:
            raise ConfigError(
                f"{path} has the ledger format {version}; this leanrl reads format {FORMAT}.",
                hint="use the version of leanrl that env.json of the run names, or a newer one",
            )
        records, end = split_records(data, start)
        for record in records:
            ledger._take(record)
        return ledger, _damage(ledger, num_bytes=len(data), end=end)

    def _take(self, record: bytes) -> None:
        self._records.append(record)
        self._by_prompt.setdefault(prompt_of(record), []).append(record)


def _of_records(records: Iterable[bytes]) -> RunLedger:
    ledger = RunLedger()
    for record in records:
        ledger._take(record)
    return ledger


def _damage(ledger: RunLedger, *, num_bytes: int, end: int) -> str | None:
    """Return what is wrong with a file of which the bytes before `end` can be read; even an empty one has a header."""
    if 0 < end == num_bytes:
        return None
    return f"is cut short or damaged: of its {num_bytes} bytes, {end} can be read, with {len(ledger)} visits."


def _way_out(path: Path) -> str:
    """Return what helps against a file that cannot be read, in a checkpoint or in a run folder."""
    folder = path.parent
    if (folder / COMPLETE).is_file():
        run = folder.parent.parent
        return f"move {folder} away; `{command('train', '--resume', run)}` goes on from the checkpoint before it"
    return f"`{command('train', '--resume', folder)}` writes it again from the newest checkpoint"
