"""How the answers of an evaluation ended: cut off, without a box, refused by the grader; tokens and speed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from leanrl.eval.store.answers import AnswerRecord
from leanrl.types import FORMS

# What says nothing of the answer: the grader gave up, or the gold answer is at fault.
GRADER_ERRORS = ("unparseable_gold", "timeout", "memory", "died")


@dataclass(frozen=True)
class Rates:
    """Fractions of all answers, and their lengths; a fraction of verdicts leaves out `correct` and `wrong`."""

    truncated_share: float
    no_box_share: float
    unparseable_share: float
    error_share: float
    unfinished_share: float
    mean_tokens: float
    tokens_per_second: float | None
    math_verify_accuracy: float | None

    def as_json(self) -> dict[str, Any]:
        """Return the rates by their names in scores.json."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def rates_of(answers: Sequence[AnswerRecord], *, wall_seconds: float | None) -> Rates:
    """Return the rates of at least one answer.

    `unfinished_share` counts equal answers that the strict mode does not pay: unfinished ones and echoes of the
    problem. `tokens_per_second` is None without `wall_seconds`: requests overlap, so their own seconds do not add up.
    """
    verdicts = Counter(answer.verdict for answer in answers)
    num_answers, num_tokens = len(answers), sum(answer.num_tokens for answer in answers)
    checked = [answer.math_verify for answer in answers if answer.math_verify is not None]
    return Rates(
        truncated_share=sum(answer.is_truncated for answer in answers) / num_answers,
        no_box_share=verdicts["no_box"] / num_answers,
        unparseable_share=verdicts["unparseable_answer"] / num_answers,
        error_share=sum(verdicts[reason] for reason in GRADER_ERRORS) / num_answers,
        unfinished_share=sum(verdicts[form] for form in FORMS) / num_answers,
        mean_tokens=num_tokens / num_answers,
        tokens_per_second=num_tokens / wall_seconds if wall_seconds else None,
        math_verify_accuracy=sum(checked) / num_answers if len(checked) == num_answers else None,
    )
