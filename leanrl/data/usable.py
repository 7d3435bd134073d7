"""Rows that a run can use: a prompt short enough, and a gold answer that the grader can read."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from leanrl.errors import DataError
from leanrl.hints import setting
from leanrl.types import DroppedRow, GoldList, ProblemSet, Row

Check = Callable[[Sequence[Row]], tuple[list[Row], list[DroppedRow]]]


def with_usable_rows(problems: ProblemSet, checks: Sequence[Check]) -> ProblemSet:
    """Return the problems whose rows pass all checks, those held out as well as those to train on.

    Raises:
        DataError: if none of the rows to train on pass, or problems are held out of which none does.
    """
    train, not_trained = _passing(problems.train, checks)
    heldout, not_asked = _passing(problems.heldout, checks)
    return replace(problems, train=train, heldout=heldout, dropped=[*problems.dropped, *not_trained, *not_asked])


def _passing(rows: list[Row], checks: Sequence[Check]) -> tuple[list[Row], list[DroppedRow]]:
    dropped = []
    for check in checks:
        rows, more = check(rows)
        dropped += more
    return rows, dropped


def drop_long_prompts(
    rows: Sequence[Row], *, count_tokens: Callable[[Row], int], max_prompt_tokens: int
) -> tuple[list[Row], list[DroppedRow]]:
    """Return the rows whose prompt fits, and the others with their lengths; a cut prompt would ask another question.

    Raises:
        DataError: if no prompt fits.
    """
    lengths = [count_tokens(row) for row in rows]
    kept = [row for row, num_tokens in zip(rows, lengths, strict=True) if num_tokens <= max_prompt_tokens]
    if rows and not kept:
        raise DataError(
            f"All {len(rows)} prompts are longer than rollout.max_prompt_tokens, which is {max_prompt_tokens}; "
            f"the shortest has {min(lengths)} tokens.",
            hint=f"{setting('rollout.max_prompt_tokens', max(lengths))} keeps them all",
        )
    dropped = [
        DroppedRow(
            f"problem {row.id}", f"the prompt has {num_tokens} tokens; rollout.max_prompt_tokens is {max_prompt_tokens}"
        )
        for row, num_tokens in zip(rows, lengths, strict=True)
        if num_tokens > max_prompt_tokens
    ]
    return kept, dropped


def drop_unparseable_golds(
    rows: Sequence[Row], *, can_parse: Callable[[list[str | GoldList]], list[bool]]
) -> tuple[list[Row], list[DroppedRow]]:
    """Return the rows whose gold answer the grader can read, and the others: no completion could be right.

    Raises:
        DataError: if no gold answer can be read.
    """
    parses = can_parse([row.gold for row in rows])
    kept = [row for row, parsed in zip(rows, parses, strict=True) if parsed]
    if rows and not kept:
        raise DataError(
            f"None of the {len(rows)} gold answers can be parsed; the first is {str(rows[0].gold)!r}.",
            hint="name the column with the bare answer, `-s data.answer_column=NAME`, or where in its text it stands: "
            "`-s data.gold_from=boxed` for its last box, `-s data.gold_from=hashes` for what follows ####",
        )
    dropped = [
        DroppedRow(f"problem {row.id}", f"the gold answer cannot be parsed: {str(row.gold)[:200]!r}")
        for row, parsed in zip(rows, parses, strict=True)
        if not parsed
    ]
    return kept, dropped
