"""Decontamination of a file: read twice, row by row, and written without the rows that leak."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

from leanrl.config.sections.data import DataConfig
from leanrl.curation.decontamination.boilerplate import find_boilerplate
from leanrl.curation.decontamination.index import EvaluationIndex, EvaluationProblem
from leanrl.curation.decontamination.leaks import MIN_CONTAINMENT, Leak, LeakFinder, Overlap
from leanrl.data.columns import Columns, choose_columns, require_columns
from leanrl.data.conversations import Asked
from leanrl.data.files.paths import read_file_source
from leanrl.data.golds.answer import Gold
from leanrl.data.rows import read_row
from leanrl.data.sources import SourceRow
from leanrl.data.values import plain
from leanrl.storage.output_folder import new_lines, require_new_file

_HEAD_ROWS = 200  # in which columns are looked for
_NUM_EXAMPLES = 20
_SAID_EVERY = 100_000


@dataclass(frozen=True)
class Decontaminated:
    """What was found in a file; a dropped row counts for the set of its fullest leak, and `examples` are the first."""

    num_rows: int
    num_dropped: int
    overlaps: Mapping[str, Overlap]
    num_dropped_by_set: Mapping[str, int]
    examples: Sequence[tuple[str, Leak]] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """Return counts of training rows, and of evaluation problems by set and rule."""
        return {
            "num_rows": self.num_rows,
            "num_dropped": self.num_dropped,
            "num_dropped_by_set": dict(self.num_dropped_by_set),
            "evaluation_problems": {
                name: {rule: len(ids) for rule, ids in vars(overlap).items()} for name, overlap in self.overlaps.items()
            },
        }


def decontaminate(
    path: Path,
    problems: Sequence[EvaluationProblem],
    *,
    data: DataConfig,
    out: Path | None = None,
    min_containment: float = MIN_CONTAINMENT,
    say: Callable[[str], None] = lambda _: None,
) -> Decontaminated:
    """Find the rows of a file that repeat evaluation problems, and write the others.

    Args:
        problems: what must not be trained on.
        data: names the columns of problem and gold answer, as in training.
        out: a new file of JSON lines for the rows that stay; `<out>.leaks.jsonl` gets each leak beside the problem
            that it repeats. None writes nothing.
        min_containment: fraction of an evaluation problem's runs of 5 words from which a row is dropped.

    Raises:
        ConfigError: if `out` or its leaks exist, or cannot be written.
        DataError: if the file is broken or has no such columns.
    """
    files = [] if out is None else [out, leaks_path(out)]
    for file in files:
        require_new_file(file, option="--out")
    columns = _columns(path, data)
    index = EvaluationIndex(problems)
    say("reading once for the forms of speech that many problems share")
    boilerplate = find_boilerplate(index, (text for _, text, _ in _problems(path, columns)))
    finder = LeakFinder(index, boilerplate, min_containment=min_containment)
    counts, num_rows = dict.fromkeys(finder.overlaps, 0), 0
    examples: list[tuple[str, Leak]] = []
    with ExitStack() as stack:
        kept, leaked = (stack.enter_context(new_lines(file)) for file in files) if files else (None, None)
        for row, text, gold in _problems(path, columns):
            num_rows += 1
            leaks = finder.leaks(text, gold)
            _write(row, leaks, text, kept=kept, leaked=leaked)
            if leaks:
                counts[leaks[0].problem.set_name] += 1
                if len(examples) < _NUM_EXAMPLES:
                    examples.append((text, leaks[0]))
            if num_rows % _SAID_EVERY == 0:
                say(f"{num_rows:,} rows, {sum(counts.values()):,} dropped")
    return Decontaminated(num_rows, sum(counts.values()), finder.overlaps, counts, examples)


def leaks_path(out: Path) -> Path:
    """Return the file beside `out` that lists what was dropped."""
    return out.with_name(f"{out.name}.leaks.jsonl")


def _columns(path: Path, data: DataConfig) -> Columns:
    source = read_file_source(str(path), split=data.split)
    head = list(islice(source.rows, _HEAD_ROWS))
    columns = choose_columns(source, head, data)
    for row in head:
        columns.meet(row.fields)
    if columns.problem not in columns.met:  # a gold answer is welcome, not needed
        require_columns(source, head, columns)
    return columns


def _problems(path: Path, columns: Columns) -> Iterator[tuple[SourceRow, str, str | None]]:
    """Yield each row with its problem's text, empty where it has none, and its gold answer."""
    for row in read_file_source(str(path)).rows:
        asked, gold = read_row(row.fields, columns, place="auto", keeps_prose=True)
        text = asked.text if isinstance(asked, Asked) else ""
        yield row, text, str(gold.answer) if isinstance(gold, Gold) else None


def _write(row: SourceRow, leaks: Sequence[Leak], text: str, *, kept: TextIO | None, leaked: TextIO | None) -> None:
    if kept is None or leaked is None:
        return
    if not leaks:
        kept.write(json.dumps(dict(row.fields), ensure_ascii=False, default=plain) + "\n")
        return
    for leak in leaks:
        record = {
            "row": row.where,
            "reason": leak.reason,
            "containment": round(leak.containment, 4),
            "num_runs_of_13_words": leak.num_long,
            "same_answer": leak.same_answer,
            "training_problem": text,
            "evaluation_set": leak.problem.set_name,
            "evaluation_id": leak.problem.id,
            "evaluation_problem": leak.problem.text,
        }
        leaked.write(json.dumps(record, ensure_ascii=False) + "\n")
