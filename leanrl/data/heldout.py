"""The held-out problems: drawn by seed, asked before and after training, never trained on."""

import random
from collections.abc import Sequence

from leanrl.errors import DataError
from leanrl.hints import setting
from leanrl.types import DroppedRow, Row


def hold_out(rows: Sequence[Row], *, num_heldout: int, seed: int) -> tuple[list[Row], list[Row], list[DroppedRow]]:
    """Return train, held-out and dropped rows; a text that is held out is asked once and trained on never."""
    first_of_text: dict[str, Row] = {}
    for row in rows:
        first_of_text.setdefault(_text_key(row), row)
    if num_heldout >= len(first_of_text):
        raise DataError(
            f"data.num_heldout is {num_heldout}, but there are {len(first_of_text)} different problems: "
            "nothing is left to train on.",
            hint=f"`{setting('data.num_heldout', len(first_of_text) // 10)}`, or bring more problems",
        )
    drawn = random.Random(seed).sample(list(first_of_text), num_heldout)
    heldout = [first_of_text[text] for text in drawn]
    chosen = set(drawn)
    train = [row for row in rows if _text_key(row) not in chosen]
    copies = [row for row in rows if _text_key(row) in chosen and row is not first_of_text[_text_key(row)]]
    reason = "the same text as a problem that is held out"
    return train, heldout, [DroppedRow(f"problem {row.id}", reason) for row in copies]


def _text_key(row: Row) -> str:
    return " ".join(row.problem.split())
