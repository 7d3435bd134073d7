"""The problem set of a run: rows checked, prompts built, held-out rows set apart."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from leanrl.config.schema import DataConfig
from leanrl.data.heldout import hold_out
from leanrl.data.prompts import build_prompt
from leanrl.data.rows import ID_COLUMN, build_row, check_row
from leanrl.data.sources import Source, number_python_rows, read_hub_source, read_jsonl_source
from leanrl.data.sums import NUM_PAIRS, one_digit_sums
from leanrl.errors import ConfigError, DataError, Problem
from leanrl.hints import setting
from leanrl.types import DroppedRow, ProblemSet, Row

_REASONS_SHOWN = 3


def load_problems(data: DataConfig, *, seed: int, rows: Sequence[Mapping[str, Any]] | None = None) -> ProblemSet:
    """Return the rows to train on, the rows held out, and the rows dropped with their reasons.

    Args:
        data: names the source, its columns and the prompt; `rows` take the place of its source.
        seed: draws the held-out rows and the order of generated problems.
        rows: problems given in Python, with the columns that `data` names.

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
    source = _read_source(data, rows)
    _require_columns(source, data)
    kept: list[Row] = []
    dropped: list[DroppedRow] = []
    for found in source.rows:
        row = check_row(found, data)
        if isinstance(row, Row):
            kept.append(row)
        else:
            dropped.append(row)
    _require_rows(source, kept, dropped)
    train, heldout, copies = hold_out(kept, num_heldout=data.num_heldout, seed=seed)
    return ProblemSet(train=train, heldout=heldout, dropped=dropped + copies)


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
        train=[build_row(each.problem, each.gold, data) for each in train],
        heldout=[build_row(each.problem, each.gold, data) for each in heldout],
    )


def _read_source(data: DataConfig, rows: Sequence[Mapping[str, Any]] | None) -> Source:
    if rows is not None:
        return number_python_rows(rows)
    if data.path is not None:
        return read_jsonl_source(Path(data.path).expanduser())
    assert data.hub_id is not None, "_require_one_source lets no other case through"
    wanted = (data.problem_column, data.answer_column, ID_COLUMN)
    return read_hub_source(data.hub_id, revision=data.hub_revision, split=data.split, wanted_columns=wanted)


def _require_columns(source: Source, data: DataConfig) -> None:
    if not source.rows:
        raise DataError(f"{source.name}: holds no rows.", hint="one problem a line, with its text and its gold answer")
    wanted = {"data.problem_column": data.problem_column, "data.answer_column": data.answer_column}
    missing = {key: column for key, column in wanted.items() if column not in source.columns}
    if not missing:
        return
    lines = [f"{source.name}: has no column {column!r} ({key})." for key, column in missing.items()]
    near = {key: difflib.get_close_matches(column, source.columns, n=1) for key, column in missing.items()}
    settings = " ".join(setting(key, names[0] if names else "NAME") for key, names in near.items())
    raise DataError(
        "\n".join([*lines, f"Its columns are: {', '.join(source.columns)}."]), hint=f"name them: `{settings}`"
    )


def _require_rows(source: Source, kept: Sequence[Row], dropped: Sequence[DroppedRow]) -> None:
    if kept:
        return
    reasons = [f"  - {row.where}: {row.reason}" for row in dropped[:_REASONS_SHOWN]]
    raise DataError(
        "\n".join([f"{source.name}: none of its {len(dropped)} rows can be used.", *reasons]),
        hint="a row needs a problem and a gold answer: check data.problem_column and data.answer_column",
    )
