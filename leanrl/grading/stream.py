"""Logged completions judged line by line, however many there are."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal

from leanrl.errors import DataError
from leanrl.grading.text.golds import number_text
from leanrl.types import GoldList, GradeMode, Grader, GradeRequest, Reason, Verdict

_BATCH_LINES = 256  # enough to keep every worker busy, few enough that verdicts keep coming
FORM = '{"completion": "... \\\\boxed{4}", "gold": "4"}'


@dataclass
class Totals:
    """What came out of a stream so far."""

    reasons: Counter[Reason] = field(default_factory=Counter)
    seconds: float = 0.0

    def add(self, verdict: Verdict) -> None:
        """Count one more verdict."""
        self.reasons[verdict.reason] += 1
        self.seconds += verdict.seconds

    def as_json(self) -> dict[str, Any]:
        """Return the totals as the last line of `leanrl grade` prints them."""
        num_lines, num_correct = self.reasons.total(), self.reasons["correct"]
        return {
            "lines": num_lines,
            "correct": num_correct,
            "accuracy": num_correct / num_lines if num_lines else None,
            "reasons": dict(sorted(self.reasons.items())),
            "seconds": round(self.seconds, 3),
        }


def grade_lines(lines: Iterable[str], grader: Grader, *, mode: GradeMode, source: str) -> Iterator[Verdict]:
    """Yield a verdict for each line, in order, holding no more than a batch of lines at a time.

    A line is an object with `completion` and `gold`; a list of gold answers takes any of them, or all of them with
    `"accept": "all"`. A completion may be a list of messages. With the text of a `problem`, an answer
    that copies a formula of it is found. Empty lines are passed over.

    Args:
        source: what the lines come from, for the message about a broken one.

    Raises:
        DataError: if a line has another form; the verdicts of the lines before it have been yielded.
    """
    numbered = ((number, line) for number, line in enumerate(lines, start=1) if line.strip())
    while batch := list(islice(numbered, _BATCH_LINES)):
        requests, error = _read_batch(batch, mode, source)
        yield from grader.grade(requests)
        if error is not None:
            raise error


def verdict_as_json(verdict: Verdict) -> dict[str, Any]:
    """Return a verdict as a line of `leanrl grade` prints it."""
    return {"correct": verdict.correct, "reason": verdict.reason, "seconds": round(verdict.seconds, 4)}


def _read_batch(
    batch: list[tuple[int, str]], mode: GradeMode, source: str
) -> tuple[list[GradeRequest], DataError | None]:
    """Return the requests of the lines up to the first broken one, and the error about that."""
    requests = []
    for number, line in batch:
        try:
            requests.append(_read_line(line, mode))
        except ValueError as error:
            return requests, DataError(f"{source}, line {number}: {error}", hint=f"a line looks like {FORM}")
    return requests, None


def _read_line(line: str, mode: GradeMode) -> GradeRequest:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON: {error}") from error
    if not isinstance(row, dict):
        raise ValueError(f"a {type(row).__name__}, not an object")
    missing = [key for key in ("completion", "gold") if key not in row]
    if missing:
        raise ValueError(f"no {' and no '.join(missing)}; its keys are {', '.join(row) or 'none'}")
    problem = row.get("problem")
    if not isinstance(problem, str | None):
        raise ValueError(f"problem is a {type(problem).__name__}, not a text")
    gold = _read_gold(row["gold"], row.get("accept", "any"))
    return GradeRequest(_read_completion(row["completion"]), gold, mode, problem)


def _read_completion(completion: Any) -> str:
    """Return the text to judge; of a conversation the assistant's turns, since a box of the user's is no answer."""
    if not isinstance(completion, list | dict):
        return "" if completion is None else str(completion)
    if isinstance(completion, dict) or not all(map(_is_turn, completion)):
        raise ValueError(f"completion is a {type(completion).__name__}, neither a text nor a list of messages")
    said = [str(turn["content"]) for turn in completion if turn["role"] == "assistant"]
    if not said:
        raise ValueError("completion is a list of messages without an assistant's turn")
    return "\n".join(said)


def _is_turn(turn: Any) -> bool:
    return isinstance(turn, dict) and isinstance(turn.get("content"), str) and isinstance(turn.get("role"), str)


def _read_gold(gold: Any, accept: Literal["any", "all"]) -> str | GoldList:
    if accept not in ("any", "all"):
        raise ValueError(f"accept is {accept!r}, neither any nor all")
    if not isinstance(gold, list):
        return "" if gold is None else _gold_text(gold, "gold")
    if not gold:
        raise ValueError("gold is an empty list")
    return GoldList(tuple(_gold_text(each, f"entry {number} of gold") for number, each in enumerate(gold, 1)), accept)


def _gold_text(gold: Any, name: str) -> str:
    """Return a text or a number as a gold answer; nothing else is one."""
    text = gold if isinstance(gold, str) else number_text(gold)
    if text is None:
        kind = {"NoneType": "null", "dict": "object", "list": "list"}.get(type(gold).__name__, "value")
        raise ValueError(f"{name} is the {kind} {json.dumps(gold):.60}, neither a text nor a finite number")
    return text
