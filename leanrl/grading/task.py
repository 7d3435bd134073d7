"""What is asked of a child process, and which requests need none."""

from dataclasses import dataclass
from functools import lru_cache

from leanrl.grading.answers.certainty import certain_equality
from leanrl.grading.form.forms import best_reason, form_reason
from leanrl.grading.scorers.gold import is_scored
from leanrl.grading.text.boxes import holds_several
from leanrl.grading.text.extraction import find_answer
from leanrl.grading.text.golds import read_gold
from leanrl.grading.text.normalisation import normalise
from leanrl.grading.text.numbers import read_number
from leanrl.grading.units.nouns import mark_nouns
from leanrl.types import FORMS, Form, GoldList, GradeMode, GradeRequest, Reason

# Longer than any answer; what is longer is not worth the time it takes to parse.
MAX_ANSWER_CHARS = 5_000
MAX_PUBLISHED_CHARS = 20_000  # of a whole completion, whose end has the answer
_PUBLISHED: tuple[GradeMode, ...] = ("published", "published_letter")
_READ_BY_MATH_VERIFY: tuple[GradeMode, ...] = ("as_run", *_PUBLISHED)


@dataclass(frozen=True)
class Task:
    """An answer to compare with gold answers, any of which is right; without an answer, they are only read.

    `refused` are the forms of an equal answer that are not paid.
    """

    mode: GradeMode
    golds: tuple[str, ...]
    answer: str | None
    problem: str | None = None
    refused: tuple[Form, ...] = ()


def plan_request(request: GradeRequest, *, refused: tuple[Form, ...] = FORMS) -> Task | Reason:
    """Return what has to be asked for a request, or its reason where that is plain.

    Args:
        refused: the forms of an equal answer that the strict mode does not pay.
    """
    completion = _text(request.completion)
    if is_scored(request.gold):
        answer = find_answer(completion, "strict")
        return "no_box" if answer is None else Task("strict", (str(request.gold),), answer)
    golds = _gold_texts(request.gold, request.mode)
    if request.mode in _PUBLISHED:
        return Task(request.mode, golds, completion[-MAX_PUBLISHED_CHARS:])
    answer = find_answer(completion, request.mode, asks_for_several=any(map(holds_several, golds)))
    if answer is None:
        return "no_box"
    if request.mode == "as_run":
        return Task("as_run", golds, answer)
    if len(answer) > MAX_ANSWER_CHARS:
        return "unparseable_answer"
    # What was extracted is judged alike, but for the form that the strict mode asks for.
    refused = refused if request.mode == "strict" else ()
    golds, answer = tuple(mark_nouns(gold, request.problem) for gold in golds), normalise(answer)
    task = Task("strict", golds, mark_nouns(answer, request.problem), request.problem if refused else None, refused)
    if not any(golds):
        return "unparseable_gold"
    return _plain_reason(task) or task


def plan_gold_check(gold: str | GoldList, mode: GradeMode) -> Task | None:
    """Return what has to be asked to know whether a gold answer can be read; nothing for a plain number."""
    if is_scored(gold):
        return Task("strict", (str(gold),), None)
    if mode not in _READ_BY_MATH_VERIFY and isinstance(gold, str) and read_number(gold.strip()) is not None:
        return None
    return Task(mode if mode in _READ_BY_MATH_VERIFY else "strict", _gold_texts(gold, mode), None)


def _plain_reason(task: Task) -> Reason | None:
    """Return the reason for an answer that needs no parser, None for one that does."""
    if not task.answer:
        return "unparseable_answer"
    reasons: list[Reason] = []
    for gold in task.golds:
        is_equal = certain_equality(gold, task.answer)
        if is_equal is not None:
            form = form_reason(gold, task.answer, problem=task.problem, refused=task.refused) if is_equal else "wrong"
            reasons.append(form)
    is_plain = "correct" in reasons or len(reasons) == len(task.golds)
    return best_reason(reasons, refused=task.refused) if is_plain else None


def _gold_texts(gold: object, mode: GradeMode) -> tuple[str, ...]:
    """Return the gold answers any of which is right; what all belongs to one answer is one text."""
    if isinstance(gold, GoldList):
        texts, separator = [_text(answer) for answer in gold.answers], ", "
        texts = [separator.join(texts)] if gold.accept == "all" else texts
    else:
        texts = [_text(gold)]
    return tuple(_gold_text(text, mode) for text in texts)


@lru_cache(maxsize=4096)
def _gold_text(text: str, mode: GradeMode) -> str:
    """Return the answer in a gold text, which may be a whole solution with a box; nothing if it is too long."""
    if mode == "as_run":
        return find_answer(text, "as_run") or ""
    if mode in _PUBLISHED:
        return text if len(text) <= MAX_ANSWER_CHARS else ""
    answer = read_gold(text).text
    return normalise(answer) if len(answer) <= MAX_ANSWER_CHARS else ""


def _text(value: object) -> str:
    """Return a text for what a dataset or a log holds in its place: a number, or nothing."""
    return "" if value is None else str(value)
