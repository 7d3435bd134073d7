"""The scores of a checkpoint's evaluations in the header of its model card."""

import json
from pathlib import Path

import pytest

from leanrl.eval.scores.benchmark_score import score
from leanrl.eval.scores.score_file import scores_as_json
from leanrl.eval.store.answers import AnswerRecord
from leanrl.evaluation.card_scores import scores_for_card

PROTOCOL = {"name": "robust", "temperature": 0.8, "top_p": 0.9, "max_completion_tokens": 512, "seed": 0}


def write_evaluation(folder: Path, benchmark: str, *, num_right: int) -> None:
    """Write an evaluation of four problems with one sample each."""
    answers = [
        AnswerRecord(benchmark, f"p{number}", 0, 0, "", 5, False, "correct" if number < num_right else "wrong")
        for number in range(4)
    ]
    folder.mkdir(parents=True)
    (folder / "evaluation.json").write_text(json.dumps({"format": 1, "protocol": PROTOCOL}))
    scores = scores_as_json({benchmark: score(answers, [each.id for each in answers], 1)})
    (folder / "scores.json").write_text(json.dumps(scores))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    write_evaluation(tmp_path / "evals" / "step-7-robust", "gsm8k", num_right=3)
    write_evaluation(tmp_path / "evals" / "step-7-greedy", "mine", num_right=1)
    write_evaluation(tmp_path / "evals" / "step-70-robust", "gsm8k", num_right=4)
    (tmp_path / "evals" / "step-7-unfinished").mkdir()
    return tmp_path


def test_only_the_checkpoint_s_own_whole_evaluations_are_taken(run: Path):
    (block,) = scores_for_card("sums", run, 7)
    values = {each["dataset"]["name"]: each["metrics"][0]["value"] for each in block["results"]}
    assert values == {"gsm8k": 75.0, "mine": 25.0}
    types = {each["dataset"]["name"]: each["dataset"]["type"] for each in block["results"]}
    assert types == {"gsm8k": "openai/gsm8k", "mine": "mine"}
    assert scores_for_card("sums", run, 8) == []
