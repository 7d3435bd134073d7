"""Graded completions for tests."""

from leanrl.eval.store.answers import AnswerRecord


def answer(*, name="a", sample=0, box="4", gold="4", verdict=None, **fields):
    """Return a record whose verdict follows from box and gold unless it is given."""
    found = "no_box" if box is None else "correct" if box == gold else "wrong"
    values = {"benchmark": "sums", "seed": 0, "text": "", "num_tokens": 10, "is_truncated": False} | fields
    return AnswerRecord(id=name, sample=sample, verdict=verdict or found, answer=box, **values)
