"""What a step records of the verdicts on its completions."""

from types import MappingProxyType

import pytest

from leanrl.grading.pool import GraderPool
from leanrl.rewards.registry import resolve_rewards
from leanrl.seams.protocols import Draft
from leanrl.trainer.ranks.among_ranks import Ranks
from leanrl.trainer.scoring.completions import CompletionScorer
from leanrl.trainer.scoring.reward_logs import RewardLogs
from leanrl.trainer.step.groups import Asked
from leanrl.types import NoVisits, Row

ROWS = [Row(id="0", problem="What is $3 + 4$?", gold="7", asked_by="What is $3 + 4$?")]


class Letters:
    """A tokenizer whose tokens are the answers themselves."""

    added_tokens_decoder = MappingProxyType({})

    def batch_decode(self, ids_B, skip_special_tokens):
        return [ids[0] for ids in ids_B]


def _scorer(grader):
    return CompletionScorer(
        rows=ROWS,
        rewards=resolve_rewards({"accuracy": 1.0}, {}),
        grader=grader,
        ranks=Ranks(0, 1, list),
        tokenizer=Letters(),
        opened_tag="",
        language="en",
        stop_ids=[0],
        logs=RewardLogs(lambda: None),
    )


def _scored(scorer, answers):
    asked = [Asked(0, "0", [1], [Draft()] * len(answers))]
    (group,) = scorer.score(asked, [[[answer, 0] for answer in answers]], ledger=NoVisits(), max_completion_tokens=9)
    return group


@pytest.mark.parametrize(
    ("answers", "shares"),
    [
        ([r"\boxed{7}", r"\boxed{3+4}"], {"correct": 0.5, "echo": 0.5, "unfinished": 0.0}),
        ([r"\boxed{2+5}", r"\boxed{7}"], {"correct": 0.5, "echo": 0.0, "unfinished": 0.5}),
        ([r"\boxed{7}", r"\boxed{8}"], {"correct": 0.5, "wrong": 0.5, "echo": 0.0, "unfinished": 0.0}),
    ],
)
def test_a_step_records_what_is_unfinished_and_what_is_an_echo(answers, shares):
    """The scorer hands the grader the problem, and measures both shares, 0 where there are none."""
    with GraderPool(1) as grader:
        scorer = _scorer(grader)
        group = _scored(scorer, answers)
    metrics = scorer.metrics([group])
    assert {name: metrics[f"verdicts/{name}"] for name in shares} == shares
    assert sum(row[0] for row in group.rewards_G_K) == 1.0


def test_rounds_of_a_rollout_count_by_their_completions():
    """Four wrong answers, and a refill of two right ones: a third is correct, not half."""
    with GraderPool(1) as grader:
        scorer = _scorer(grader)
        rounds = [_scored(scorer, answers) for answers in ([r"\boxed{8}"] * 4, [r"\boxed{7}"] * 2)]
    metrics = scorer.metrics(rounds)
    assert metrics["verdicts/correct"] == pytest.approx(1 / 3)
    assert sum(value for name, value in metrics.items() if name.startswith("verdicts/")) == pytest.approx(1)
