"""The problem set of a run: rows checked, prompts built, held-out rows set apart."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from leanrl.config.schema import DataConfig
from leanrl.data.columns import kept_fields, require_columns, value_at
from leanrl.data.files import read_file_source
from leanrl.data.golds import GoldPlace, choose_place, reads_as_sentence
from leanrl.data.heldout import hold_out
from leanrl.data.prompts import build_prompt
from leanrl.data.rows import ID_COLUMN, build_row, check_row
from leanrl.data.sources import Source, number_python_rows, read_hub_source
from leanrl.data.sums import NUM_PAIRS, Sum, one_digit_sums
from leanrl.errors import ConfigError, DataError, Problem
from leanrl.types import DroppedRow, ProblemSet, Row

_REASONS_SHOWN = 3
_TOO_MANY = 0.1


def load_problems(
    data: DataConfig,
    *,
    seed: int,
    rows: Sequence[Mapping[str, Any]] | None = None,
    kept_columns: Collection[str] | None = (),
) -> ProblemSet:
    """Return the rows to train on, the rows held out, and the rows dropped with their reasons.

    Args:
        data: names the source, its columns and the prompt; `rows` take the place of its source.
        seed: draws the held-out rows and the order of generated problems.
        rows: problems given in Python, with the columns that `data` names.
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
    source = _read_source(data, rows, kept_columns)
    require_columns(source, data)
    place = choose_place(data.gold_from, (value_at(row.fields, data.answer_column) for row in source.rows))
    kept: list[Row] = []
    dropped: list[DroppedRow] = []
    for found in source.rows:
        row = check_row(found, data, place)
        if isinstance(row, Row):
            kept.append(replace(row, columns=kept_fields(found.fields, kept_columns)))
        else:
            dropped.append(row)
    _require_rows(source, kept, dropped)
    train, heldout, copies = hold_out(kept, num_heldout=data.num_heldout, seed=seed)
    return ProblemSet(train=train, heldout=heldout, dropped=dropped + copies, notes=_notes(kept, data, place))


def _notes(kept: Sequence[Row], data: DataConfig, place: GoldPlace) -> list[str]:
    """Return what a person has to know of how gold answers were read."""
    notes = []
    if data.gold_from == "auto" and place == "hashes":
        notes.append(
            "Gold answers are read behind ####, as GSM8K writes them; `-s data.gold_from=answer` takes the whole text."
        )
    sentences = [str(row.gold) for row in kept if isinstance(row.gold, str) and reads_as_sentence(row.gold)]
    if len(sentences) > _TOO_MANY * len(kept):
        notes.append(
            f"{len(sentences)} of {len(kept)} gold answers read as sentences, such as {sentences[0][:80]!r}: an answer "
            "in a box is compared with all of it. Name the column with the bare answer (`-s data.answer_column=NAME`), "
            "or where the answer stands (`-s data.gold_from=boxed` or `hashes`)."
        )
    return notes


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


def _generated(made: Sum, data: DataConfig) -> Row:
    """Return a row whose columns have the names that the config gives a source's."""
    columns = {data.problem_column: made.problem, data.answer_column: made.gold}
    return replace(build_row(made.problem, made.gold, data), columns=columns)


def _read_source(
    data: DataConfig, rows: Sequence[Mapping[str, Any]] | None, kept_columns: Collection[str] | None
) -> Source:
    if rows is not None:
        return number_python_rows(rows)
    if data.path is not None:
        return read_file_source(data.path)
    assert data.hub_id is not None, "_require_one_source lets no other case through"
    read = (data.problem_column, data.answer_column, ID_COLUMN)
    wanted = None if kept_columns is None else (*read, *kept_columns)
    return read_hub_source(
        data.hub_id, config=data.hub_config, revision=data.hub_revision, split=data.split, wanted_columns=wanted
    )


def _require_rows(source: Source, kept: Sequence[Row], dropped: Sequence[DroppedRow]) -> None:
    if kept:
        return
    reasons = [f"  - {row.where}: {row.reason}" for row in dropped[:_REASONS_SHOWN]]
    raise DataError(
        "\n".join([f"{source.name}: none of its {len(dropped)} rows can be used.", *reasons]),
        hint="a row needs a problem and a gold answer: check data.problem_column and data.answer_column",
    )
