"""Steps that are not finite: not taken, counted, kept for inspection, and after too many the end."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from transformers import TrainerCallback

from leanrl.engine.rows import StepRow
from leanrl.errors import StoppedError
from leanrl.storage.run_folder import RunFolder, create_run_folder, read_jsonl
from leanrl.trainer.passes.nonfinite import NonfiniteSteps
from tests.trainer.small_trainer import Notes, small_config, small_trainer


class Weights(TrainerCallback):
    """Keeps the adapter after every step."""

    def __init__(self):
        self.after = []

    def on_step_end(self, args, state, control, model=None, **_):
        trained = [weight for weight in model.parameters() if weight.requires_grad]
        self.after.append(torch.cat([weight.detach().flatten().clone() for weight in trained]))


def _trainer(folder, run_path, broken_steps, **train):
    """A run whose first completion has an advantage of NaN in some steps."""
    config = small_config(folder, train=train, checkpoints={"every_steps": 100})
    notes, weights = Notes(), Weights()
    trainer, *_ = small_trainer(config, run_path, listener=notes)
    trainer.add_callback(weights)
    rows_of_update = trainer.step.rows_of_update

    def sometimes_broken(policy, *, step):
        rows = rows_of_update(policy, step=step)
        if step + 1 in broken_steps:
            return [replace(rows[0], advantage=float("nan")), *rows[1:]]
        return rows

    trainer.step.rows_of_update = sometimes_broken
    return trainer, notes, weights.after


def test_a_broken_step_is_skipped_and_the_next_one_taken(tiny_model, tmp_path):
    trainer, notes, after = _trainer(tiny_model, tmp_path / "run", {2}, max_steps=3)
    trainer.train_from(None)
    assert torch.equal(after[1], after[0])
    assert not torch.equal(after[2], after[1])
    assert [metrics["nonfinite_steps"] for metrics in notes.steps] == [0, 1, 0]
    assert all(metrics["loss"] == metrics["loss"] for metrics in notes.steps)
    assert any("step 2 is not finite" in warning for warning in notes.warned)
    (kept,) = RunFolder(tmp_path / "run").nonfinite.iterdir()
    assert kept.name == "step-000002-rank0.jsonl"
    rows = list(read_jsonl(kept))
    assert len(rows) == 8
    assert rows[0]["advantage"] == "nan"
    assert all(row["prompt_ids"] and row["completion_ids"] for row in rows)


def test_too_many_in_a_row_stop_the_run_with_the_last_good_weights(tiny_model, tmp_path):
    trainer, _, after = _trainer(tiny_model, tmp_path / "run", {2, 3, 4, 5}, max_steps=9, max_nonfinite_steps=2)
    with pytest.raises(StoppedError, match="not finite in 2 steps in a row") as stopped:
        trainer.train_from(None)
    assert stopped.value.exit_code == 6
    assert "--resume" in stopped.value.hint
    assert len(after) == 3
    run = RunFolder(tmp_path / "run")
    (checkpoint,) = run.complete_checkpoints()
    assert checkpoint.name == "step-000003"
    saved = load_file(checkpoint / "adapter_model.safetensors")
    assert sum(weights.double().square().sum() for weights in saved.values()) == pytest.approx(
        after[0].double().square().sum()
    )


def test_a_stopped_run_goes_on(tiny_model, tmp_path):
    trainer, *_ = _trainer(tiny_model, tmp_path / "run", {1}, max_steps=3, max_nonfinite_steps=1)
    with pytest.raises(StoppedError):
        trainer.train_from(None)
    checkpoint = RunFolder(tmp_path / "run").complete_checkpoints()[-1]
    again, notes, _ = _trainer(tiny_model, tmp_path / "again", set(), max_steps=3, max_nonfinite_steps=1)
    again.train_from(checkpoint)
    assert [metrics["step"] for metrics in notes.steps] == [2, 3]


def test_a_gradient_that_is_not_finite_counts_as_well(tmp_path):
    """The loss is finite; after the skip an optimizer changes neither the weight nor its own state."""
    steps = NonfiniteSteps(create_run_folder(tmp_path / "run"), rank=3, max_in_a_row=2)
    layer = nn.Linear(2, 1)
    optimizer = torch.optim.AdamW(layer.parameters(), weight_decay=0.1)
    before = layer.weight.detach().clone()
    row = StepRow(
        *([1], [2]),
        advantage=1.0,
        weight=0.5,
        token_advantages=torch.tensor([torch.nan]),
        rollout_logprobs=torch.tensor([-torch.inf]),
    )
    layer.weight.grad = torch.tensor([[1.0, torch.inf]])
    layer.bias.grad = torch.zeros(1)
    assert not steps.passes(layer, torch.tensor(1.0), [row], step=7, reduce=lambda flag: flag)
    optimizer.step()
    assert torch.equal(layer.weight, before)
    assert not optimizer.state
    assert (steps.in_a_row, steps.are_too_many) == (1, False)
    (kept,) = read_jsonl(tmp_path / "run" / "nonfinite" / "step-000007-rank3.jsonl")
    assert kept == {
        "prompt_ids": [1],
        "completion_ids": [2],
        "advantage": 1.0,
        "weight": 0.5,
        "token_advantages": ["nan"],
        "token_weights": None,
        "sampled_logprobs": None,
        "reference_logprobs": None,
        "rollout_logprobs": ["-inf"],
        "policy_logprobs": None,
    }


def test_a_good_step_ends_the_row(tmp_path):
    steps = NonfiniteSteps(create_run_folder(tmp_path / "run"), rank=0, max_in_a_row=2)
    layer = nn.Linear(1, 1)
    for loss in (torch.nan, 1.0, torch.inf):
        steps.passes(layer, torch.tensor(loss), [], step=1, reduce=lambda flag: flag)
    assert (steps.in_a_row, steps.are_too_many) == (1, False)
    steps.require_few()


def test_one_broken_rank_stops_all(tmp_path):
    """This rank's numbers are fine; the sum over ranks says that another's are not."""
    steps = NonfiniteSteps(create_run_folder(tmp_path / "run"), rank=0, max_in_a_row=1)
    assert not steps.passes(nn.Linear(1, 1), torch.tensor(1.0), [], step=1, reduce=lambda flag: flag + 1)
    assert steps.are_too_many
