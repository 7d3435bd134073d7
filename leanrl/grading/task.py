"""What is asked of a child process, and which requests need none."""

from dataclasses import dataclass

from leanrl.grading.certainty import certain_equality
from leanrl.grading.extraction import find_answer
from leanrl.grading.normalisation import normalise
from leanrl.types import GradeMode, GradeRequest, Reason

# Longer than any answer; what is longer is not worth the time it takes to parse.
MAX_ANSWER_CHARS = 5_000


@dataclass(frozen=True)
class Task:
    """An answer to compare with a gold answer; without an answer, the gold answer is only read."""

    mode: GradeMode
    gold: str
    answer: str | None


def plan_request(request: GradeRequest) -> Task | Reason:
    """Return what has to be asked for a request, or its reason where that is plain."""
    gold, completion = _text(request.gold), _text(request.completion)
    if request.mode == "as_run":
        return Task("as_run", find_gold(gold, "as_run"), find_answer(completion, "as_run"))
    answer = find_answer(completion, request.mode)
    if answer is None:
        return "no_box"
    if len(answer) > MAX_ANSWER_CHARS:
        return "unparseable_answer"
    # What was extracted is judged alike, so that both modes share the cache.
    task = Task("strict", normalise(find_gold(gold, "strict")), normalise(answer))
    if not task.gold:
        return "unparseable_gold"
    if not task.answer:
        return "unparseable_answer"
    equal = certain_equality(task.gold, task.answer)
    if equal is None:
        return task
    return "correct" if equal else "wrong"


def plan_gold_check(gold: str, mode: GradeMode) -> Task:
    """Return what has to be asked to know whether a gold answer can be read."""
    if mode == "as_run":
        return Task("as_run", find_gold(_text(gold), "as_run"), None)
    return Task("strict", normalise(find_gold(_text(gold), "strict")), None)


def find_gold(gold: str, mode: GradeMode) -> str:
    """Return the answer in a gold text, which may be a whole solution with a box."""
    if mode == "as_run":
        return find_answer(gold, "as_run") or ""
    return find_answer(gold, "strict") or gold


def _text(value: object) -> str:
    """Return a text for what a dataset or a log holds in its place: a number, or nothing."""
    return "" if value is None else str(value)
