"""What a step records of the verdicts on its completions."""

import pytest

from leanrl.grading.pool import GraderPool
from leanrl.rewards.registry import resolve_rewards
from leanrl.trainer.step.completions import Completions, CompletionScorer
from leanrl.trainer.step.scoring import Ranks
from leanrl.types import Row

ROWS = [Row(id="0", problem="What is $3 + 4$?", gold="7", prompt="What is $3 + 4$?")]


@pytest.mark.parametrize(
    ("answers", "shares"),
    [
        ([r"\boxed{7}", r"\boxed{3+4}"], {"correct": 0.5, "echo": 0.5, "unfinished": 0.0}),
        ([r"\boxed{2+5}", r"\boxed{7}"], {"correct": 0.5, "echo": 0.0, "unfinished": 0.5}),
        ([r"\boxed{7}", r"\boxed{8}"], {"correct": 0.5, "wrong": 0.5, "echo": 0.0, "unfinished": 0.0}),
    ],
)
def test_a_step_records_what_is_unfinished_and_what_is_an_echo(answers, shares):
    """The scorer hands the grader the problem, and records both shares, 0 where there are none."""
    recorded = {}
    with GraderPool(1) as grader:
        scorer = CompletionScorer(
            rows=ROWS,
            rewards=resolve_rewards({"accuracy": 1.0}, {}),
            grader=grader,
            ranks=Ranks(group_size=2, index=0, gather=lambda samples: samples),
            opened_tag="",
            language="en",
            stop_ids=[0],
            max_completion_tokens=9,
            gather=lambda values: values,
            record=recorded.__setitem__,
        )
        _, scores = scorer.score(Completions(row_numbers_B=[0, 0], texts_B=answers, ids_B=[[1, 0], [2, 0]]))
    assert {name: recorded[f"verdicts/{name}"] for name in shares} == shares
    assert sum(row[0] for row in scores.rewards_B_K) == 1.0
