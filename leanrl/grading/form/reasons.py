"""The form of an answer that is equal to its gold answer: whether it is paid, and why not."""

from collections.abc import Collection, Sequence

from leanrl.grading.form.echo import is_echo
from leanrl.grading.form.finished import is_finished
from leanrl.grading.text.characters import squeeze
from leanrl.types import Form, Reason


def form_reason(gold: str, answer: str, *, problem: str | None, refused: Collection[Form]) -> Reason:
    """Return `correct` for an equal answer in a form that is paid, else the form that is refused.

    The gold answer's own text is always paid.
    """
    if squeeze(gold) == squeeze(answer):
        return "correct"
    if "echo" in refused and problem and is_echo(gold, answer, problem):
        return "echo"
    return "unfinished" if "unfinished" in refused and not is_finished(gold, answer, problem) else "correct"


def best_reason(reasons: Sequence[Reason], *, refused: Collection[Form]) -> Reason:
    """Return `correct` if one of several gold answers is met, else a form that is refused, else the first reason."""
    order: tuple[Reason, ...] = ("correct", *refused)
    return next((reason for reason in order if reason in reasons), reasons[0])
