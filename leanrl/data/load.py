"""The problem set of a run: rows checked, prompts built, held-out rows set apart."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain, islice
from typing import Any

from leanrl.config.sections.data import DataConfig
from leanrl.data.columns import answer_columns, choose_columns, kept_fields, require_columns, value_at, wanted_columns
from leanrl.data.conversations import Asked
from leanrl.data.duplicates import FoundRow, settle_duplicates
from leanrl.data.files.paths import read_file_source
from leanrl.data.golds.tally import Tally
from leanrl.data.heldout import hold_out
from leanrl.data.prompts import build_prompt
from leanrl.data.rows import ID_COLUMN, build_row, check_row
from leanrl.data.sources import Source, number_python_rows, read_hub_source
from leanrl.data.sums import NUM_PAIRS, Sum, one_digit_sums
from leanrl.data.tasks.making import MadeRow, make_rows
from leanrl.errors import ConfigError, DataError, Problem
from leanrl.types import DroppedRow, GoldList, ProblemSet, Row

_REASONS_SHOWN = 3
_HEAD_ROWS = 200  # in which columns are looked for


def load_problems(
    data: DataConfig,
    *,
    seed: int,
    rows: Iterable[Mapping[str, Any]] | None = None,
    kept_columns: Collection[str] | None = (),
) -> ProblemSet:
    """Return the rows to train on, the rows held out, and the rows dropped with their reasons.

    Args:
        data: names the source, its columns and the prompt; `rows` take the place of its source.
        seed: draws the held-out rows and the order of generated problems.
        rows: problems given in Python, with the columns that `data` names; a generator is read once.
        kept_columns: names of the columns that stay on each row, for the rewards that read them; None keeps all.

    Raises:
        ConfigError: if no source is named or several are, or the prompt template has no place for the problem.
        DataError: if the source is broken, lacks a column, or holds no row that can be trained on.
        MissingError: if a dataset cannot be fetched.
    """
    build_prompt(
        "", template=data.prompt_template, system_prompt=data.system_prompt, examples=data.examples
    )  # fail before any download
    if rows is None:
        _require_one_source(data)
        if data.generator == "one_digit_sums":
            return _generate_sums(data, seed=seed)
        if data.generator is not None:
            return _made_problems(data, data.generator, seed=seed)
    return _checked(_read_source(data, rows, kept_columns), data, kept_columns, seed=seed)


def _checked(source: Source, data: DataConfig, kept_columns: Collection[str] | None, *, seed: int) -> ProblemSet:
    """Return the problems of a source, of which no more than problems, gold answers and kept columns is held."""
    rows = iter(source.rows)
    head = list(islice(rows, _HEAD_ROWS))
    columns = choose_columns(source, head, data)
    tally, found, dropped = Tally(), [], []
    for each in chain(head, rows):
        columns.meet(each.fields)
        checked = check_row(each, data, columns)
        tally.add(checked, value_at(each.fields, columns.answer))
        if isinstance(checked.outcome, Row):
            row = replace(checked.outcome, columns=kept_fields(each.fields, kept_columns))
            found.append(FoundRow(each.where, row))
        else:
            dropped.append(checked.outcome)
    require_columns(source, head, columns)
    tally.require_values(source.name, columns.answer, data, answer_columns(head, columns))
    _require_rows(source, found, dropped)
    kept, contradicting, num_repeats = settle_duplicates(found, data.duplicates)
    _require_rows(source, kept, contradicting)
    train, heldout, copies = hold_out(kept, num_heldout=data.num_heldout, seed=seed)
    repeats = [f"{num_repeats:,} rows ask a problem again with the same gold answer; they are kept"]
    return ProblemSet(
        train=train,
        heldout=heldout,
        dropped=[*dropped, *contradicting, *copies],
        notes=tally.notes(data),
        lines=[*source.lines, *columns.lines, *tally.lines(), *(repeats if num_repeats else [])],
    )


def _require_one_source(data: DataConfig) -> None:
    if data.generator == "python":
        what, hint = "is python, but no rows were given", "hand them over: `leanrl.pipeline.train(config, rows=rows)`"
        raise ConfigError("There are no rows to train on.", problems=[Problem("data.generator", what, hint=hint)])
    named = [key for key in ("generator", "path", "hub_id") if getattr(data, key) is not None]
    if len(named) == 1:
        return
    what = "names no source" if not named else f"names several sources: {', '.join(named)}"
    hint = "set one of data.generator, data.path and data.hub_id, and the others to null"
    raise ConfigError("It is not clear what to train on.", problems=[Problem("data", what, hint=hint)])


def _generate_sums(data: DataConfig, *, seed: int) -> ProblemSet:
    if data.num_heldout >= NUM_PAIRS:
        what = f"{data.num_heldout} of {NUM_PAIRS} pairs leaves nothing to train on"
        problem = Problem("data.num_heldout", what, hint=f"use at most {NUM_PAIRS - 1}")
        raise ConfigError("The generator one_digit_sums has too few problems.", problems=[problem])
    train, heldout = one_digit_sums(num_heldout_pairs=data.num_heldout, seed=seed)
    return ProblemSet(
        train=[_generated(each, data) for each in train], heldout=[_generated(each, data) for each in heldout]
    )


def _made_problems(data: DataConfig, maker: str, *, seed: int) -> ProblemSet:
    """Return made tasks, each with its level and its kind as columns."""
    made = make_rows(maker, levels=data.levels, num_rows=data.num_made, seed=seed)
    rows = [_made_row(each, data) for each in made]
    train, heldout, copies = hold_out(rows, num_heldout=data.num_heldout, seed=seed)
    return ProblemSet(train=train, heldout=heldout, dropped=copies)


def _made_row(made: MadeRow, data: DataConfig) -> Row:
    answers = made.task.answers
    gold = answers[0] if len(answers) == 1 else GoldList(answers)
    columns = {
        data.problem_column: made.task.problem,
        data.answer_column: list(answers) if len(answers) > 1 else answers[0],
        "level": made.level,
        "task": made.maker,
    }
    return replace(build_row(Asked(made.task.problem), gold, data, given_id=made.id), columns=columns)


def _generated(made: Sum, data: DataConfig) -> Row:
    """Return a row whose columns have the names that the config gives a source's."""
    columns = {data.problem_column: made.problem, data.answer_column: made.gold}
    return replace(build_row(Asked(made.problem), made.gold, data), columns=columns)


def _read_source(
    data: DataConfig, rows: Iterable[Mapping[str, Any]] | None, kept_columns: Collection[str] | None
) -> Source:
    if rows is not None:
        return number_python_rows(rows)
    if data.path is not None:
        return read_file_source(data.path, split=data.split)
    assert data.hub_id is not None, "_require_one_source lets no other case through"
    return read_hub_source(
        data.hub_id,
        config=data.hub_config,
        revision=data.hub_revision,
        split=data.split,
        wanted_columns=wanted_columns(data, None if kept_columns is None else [ID_COLUMN, *kept_columns]),
    )


def _require_rows(source: Source, kept: Sequence[object], dropped: Sequence[DroppedRow]) -> None:
    if kept:
        return
    reasons = [f"  - {row.where}: {row.reason}" for row in dropped[:_REASONS_SHOWN]]
    raise DataError(
        "\n".join([f"{source.name}: none of its {len(dropped)} rows can be used.", *reasons]),
        hint="a row needs a problem and a gold answer: check data.problem_column and data.answer_column",
    )
