"""The held-out problems: drawn by seed, asked before and after training, never trained on."""

import hashlib
import random
from collections.abc import Sequence

from leanrl.errors import DataError
from leanrl.hints import setting
from leanrl.types import DroppedRow, Row


def hold_out(rows: Sequence[Row], *, num_heldout: int, seed: int) -> tuple[list[Row], list[Row], list[DroppedRow]]:
    """Return train, held-out and dropped rows; a text that is held out is asked once and trained on never."""
    first_of_text: dict[bytes, Row] = {}
    for row in rows:
        first_of_text.setdefault(text_key(row), row)
    if num_heldout >= len(first_of_text):
        raise DataError(
            f"data.num_heldout is {num_heldout}, but there are {len(first_of_text)} different problems: "
            "nothing is left to train on.",
            hint=f"`{setting('data.num_heldout', len(first_of_text) // 10)}`, or bring more problems",
        )
    drawn = random.Random(seed).sample(list(first_of_text), num_heldout)
    heldout = [first_of_text[text] for text in drawn]
    chosen = set(drawn)
    if not chosen:
        return list(rows), [], []
    keys = [text_key(row) for row in rows]
    train = [row for row, key in zip(rows, keys, strict=True) if key not in chosen]
    copies = [row for row, key in zip(rows, keys, strict=True) if key in chosen and row is not first_of_text[key]]
    reason = "the same text as a problem that is held out"
    return train, heldout, [DroppedRow(f"problem {row.id}", reason) for row in copies]


def text_key(row: Row) -> bytes:
    """Return what rows have in common whose problems differ in nothing but white space; shorter than the text."""
    return hashlib.blake2b(" ".join(row.problem.split()).encode("utf-8", "surrogatepass"), digest_size=16).digest()
