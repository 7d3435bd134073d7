"""One graded completion of an evaluation: one line of completions.jsonl."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AnswerRecord:
    """One completion of one problem, with what the graders found.

    Args:
        benchmark, id, sample: which problem of which benchmark, and which of its k samples, from 0.
        seed: seed of this completion.
        text: the completion, without the prompt.
        num_tokens: tokens of the completion with its end token.
        is_truncated: whether the limit of tokens ended it.
        verdict: the reason that leanrl's grader gave; `correct` alone is correct.
        answer: the boxed text that was graded; None where the completion has no box.
        math_verify: the verdict of the math-verify grader; None where it was not asked for.
        seconds: seconds from its request to its end; requests overlap.
    """

    benchmark: str
    id: str
    sample: int
    seed: int
    text: str
    num_tokens: int
    is_truncated: bool
    verdict: str
    answer: str | None = None
    math_verify: bool | None = None
    seconds: float = 0.0

    @property
    def is_correct(self) -> bool:
        """Whether leanrl's grader took the answer."""
        return self.verdict == "correct"
