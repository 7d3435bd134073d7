"""The ledger of a dataset: for each row and stage whether it was kept, why, and what a model said."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from leanrl.curation.stages.stage import CuratedRow, Finding, Judged
from leanrl.errors import DataError
from leanrl.hints import quoted

_BATCH_ROWS = 4096


@dataclass(frozen=True)
class LedgerRecord:
    """What one stage did with one row.

    Args:
        part, stage: of the recipe.
        row_id, source, number: the row, and its place in its source.
        kept, reason: what became of it.
        model, sampling: what was asked, where the stage asks a model; `sampling` is JSON.
        seeds, texts, verdicts: of each completion.
        problem: the text of a dropped row.
    """

    part: str
    stage: str
    row_id: str
    source: str
    number: int
    kept: bool
    reason: str
    model: str | None
    sampling: str | None
    seeds: Sequence[int]
    texts: Sequence[str]
    verdicts: Sequence[str]
    problem: str | None


class LedgerWriter:
    """Writes a ledger as Parquet, stage by stage."""

    def __init__(self, path: Path) -> None:
        import pyarrow.parquet

        self._writer = pyarrow.parquet.ParquetWriter(path, _schema(), compression="zstd", write_statistics=False)

    def add(self, part: str, stage: str, rows: Sequence[CuratedRow], judged: Judged) -> None:
        """Write what a stage did with its rows."""
        import pyarrow

        sampling = None if judged.sampling is None else json.dumps(judged.sampling, sort_keys=True)
        records = [
            _record(part, stage, row, finding, judged.model, sampling)
            for row, finding in zip(rows, judged.findings, strict=True)
        ]
        for start in range(0, len(records), _BATCH_ROWS):
            batch = [vars(record) for record in records[start : start + _BATCH_ROWS]]
            self._writer.write_table(pyarrow.Table.from_pylist(batch, schema=_schema()))

    def close(self) -> None:
        self._writer.close()

    def __enter__(self) -> "LedgerWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def read_ledger(path: Path) -> Iterator[LedgerRecord]:
    """Yield the records of a ledger in the order of its stages.

    Raises:
        DataError: if it is missing, cut off or damaged.
    """
    import pyarrow
    import pyarrow.parquet

    try:
        for batch in pyarrow.parquet.ParquetFile(path).iter_batches(batch_size=_BATCH_ROWS):
            for fields in batch.to_pylist():
                yield LedgerRecord(**fields)
    except (pyarrow.ArrowException, OSError, TypeError) as error:
        folder = path.parent.parent
        raise DataError(
            f"the ledger {path} cannot be read: {str(error).strip().rstrip('.')}.",
            hint=f"build it again, with its replies: "
            f"`leanrl data build RECIPE --out {quoted(f'{folder}-2')} --replies-of {quoted(folder)}`",
        ) from error


def _record(
    part: str, stage: str, row: CuratedRow, finding: Finding, model: str | None, sampling: str | None
) -> LedgerRecord:
    return LedgerRecord(
        part=part,
        stage=stage,
        row_id=_unicode(row.id),
        source=row.source,
        number=row.number,
        kept=finding.row is not None,
        reason=_unicode(finding.reason),
        model=model,
        sampling=sampling,
        seeds=[reply.seed for reply in finding.replies],
        texts=[_unicode(reply.text) for reply in finding.replies],
        verdicts=[reply.verdict for reply in finding.replies],
        problem=None if finding.row is not None else _unicode(row.problem),
    )


def _unicode(text: str) -> str:
    """Return a text that Parquet can hold: half a surrogate pair becomes a question mark."""
    return text.encode("utf-8", "replace").decode()


def _schema() -> Any:
    import pyarrow

    text, texts = pyarrow.string(), pyarrow.list_(pyarrow.string())
    types: Mapping[str, Any] = {
        "part": text, "stage": text, "row_id": text, "source": text, "number": pyarrow.int64(), "kept": pyarrow.bool_(),
        "reason": text, "model": text, "sampling": text, "seeds": pyarrow.list_(pyarrow.int64()), "texts": texts,
        "verdicts": texts, "problem": text,
    }  # fmt: skip
    return pyarrow.schema(list(types.items()))
