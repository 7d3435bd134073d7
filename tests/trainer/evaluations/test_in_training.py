"""Evaluations in a run: training is the same to the bit, each is made once, and the best checkpoint stays."""

import pytest
import torch

from leanrl.storage.evaluations import best_checkpoint, read_evaluations
from leanrl.storage.run_folder import RunFolder, read_jsonl, step_of
from tests.trainer.evaluations.evaluated_run import HELDOUT, NUM_STEPS, PlannedGrader, evaluated_config, open_run

# What a clock or the memory says, and what evaluations add.
_OF_THE_MACHINE = ("seconds", "cpu_share", "peak_bytes", "phase_peak_bytes", "eval")


@pytest.fixture(scope="module")
def runs(tiny_model, tmp_path_factory):
    """Runs of four steps on the hf engine by name: never evaluated, or after every step, greedily or by samples."""
    folder = tmp_path_factory.mktemp("evaluated")
    settings = {
        "never": {},
        "greedy": {"every_steps": 1},
        "sampled": {"every_steps": 1, "samples": 3, "temperature": 0.8, "batch_size": 4},
    }
    made = {}
    for name, eval_settings in settings.items():
        keep = {"checkpoints": {"keep_best": 1}} if eval_settings else {}
        config = evaluated_config(tiny_model, sections=keep, **eval_settings)
        grader = PlannedGrader(1, 2, 5, 3, 5) if name == "greedy" else None
        trainer, notes, _ = open_run(config, folder / name, grader=grader)
        trainer.train_from(None)
        weights = {key: value.clone() for key, value in trainer.model.state_dict().items() if "lora" in key}
        made[name] = (RunFolder(folder / name), weights, notes)
    return made


@pytest.mark.parametrize("name", ["greedy", "sampled"])
def test_training_is_the_same_to_the_bit(runs, name):
    """Losses, rewards, lengths, learning rates and weights of four steps that draw with torch's own random numbers."""
    (never, weights, _), (run, evaluated_weights, _) = runs["never"], runs[name]
    before, after = (
        [{key: value for key, value in line.items() if key not in _OF_THE_MACHINE} for line in read_jsonl(one.metrics)]
        for one in (never, run)
    )
    assert len(before) == NUM_STEPS
    assert before == after
    assert weights.keys() == evaluated_weights.keys()
    assert all(torch.equal(weights[key], evaluated_weights[key]) for key in weights)


def test_every_evaluation_is_recorded_with_its_problems(runs):
    run, _, notes = runs["sampled"]
    evaluations = read_evaluations(run)
    assert [one["step"] for one in evaluations] == [0, 1, 2, 3, 4]
    assert all(len(one["problems"]) == len(HELDOUT) for one in evaluations)
    for one in evaluations:
        counts = one["problems"].values()
        assert all(samples == 3 for _, samples in counts)
        assert one["score"] == pytest.approx(sum(correct for correct, _ in counts) / (3 * len(HELDOUT)))
    assert evaluations[0]["difference"] is None
    assert evaluations[0]["lower_bound"] is None
    assert all(one["lower_bound"] == one["difference"]["low"] for one in evaluations[1:])
    assert sum("evaluation at step" in line for line in notes.said) == 5


def test_the_line_of_a_step_has_its_evaluation(runs):
    run, _, _ = runs["sampled"]
    by_step = {one["step"]: one for one in read_evaluations(run)}
    lines = list(read_jsonl(run.metrics))
    assert [line["eval"]["score"] for line in lines] == [by_step[line["step"]]["score"] for line in lines]
    assert all("evaluation" not in line["seconds"] for line in lines)
    assert all("eval" not in line for line in read_jsonl(runs["never"][0].metrics))


def test_the_best_checkpoint_is_saved_and_stays(runs):
    """Checkpoints come at step 4 alone and one stays; steps 0 to 4 answer 1, 2, 5, 3 and 5 of 6 problems."""
    run, _, _ = runs["greedy"]
    assert [one["is_best"] for one in read_evaluations(run)] == [False, True, True, False, False]
    assert step_of(best_checkpoint(run)) == 2
    assert [step_of(path) for path in run.complete_checkpoints()] == [2, NUM_STEPS]
    assert [step_of(path) for path in runs["never"][0].complete_checkpoints()] == [NUM_STEPS]
