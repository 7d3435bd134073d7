"""Plug-ins in real runs of a tiny model: each alone, all together over a resume, and those that go wrong."""

import math

import pytest
import torch

from leanrl.errors import PluginError, StoppedError
from leanrl.ledger.run_ledger import RunLedger
from leanrl.seams import registry
from leanrl.seams.protocols import Kept
from leanrl.seams.registry import plugin
from leanrl.storage.checkpoint_files import ALGORITHM_STATE, LEDGER
from leanrl.storage.run_folder import RunFolder, read_json
from tests.trainer.small_trainer import Notes, small_config, small_trainer

ALL = {
    "advantage": {"name": "max_rl"},
    "choose_prompts": {"name": "greso", "column": "in_a_row"},
    "keep_rows": {"name": "signal", "by": "reward"},
    "refill": {"name": "until_full", "max_rounds": 2},
    "token_weights": {"name": "top_entropy", "share": 0.5},
    "correction": {"name": "icepop"},
    "after_step": {"name": "entropy_control", "target": 9.0, "change": 0.01},
}

NUMBERS = ("loss", "grad_norm", "reward", "entropy", "completion_tokens")


@pytest.fixture(autouse=True)
def own_plugins(monkeypatch):
    """Register into a registry of the test's own."""
    registry.known_plugins("advantage")
    monkeypatch.setattr(registry, "_plugins", {seam: dict(found) for seam, found in registry._plugins.items()})


def _trained(folder, run_path, algorithm, *, checkpoint=None, max_steps=3, every_steps=100, **train):
    """Return the trained weights, the lines of the steps and the trainer."""
    config = small_config(
        folder,
        algorithm=algorithm,
        train={"max_steps": max_steps, **train},
        checkpoints={"every_steps": every_steps, "keep_last": 9},
    )
    notes = Notes()
    trainer, *_ = small_trainer(config, run_path, listener=notes)
    trainer.train_from(checkpoint)
    weights = torch.cat([weight.detach().flatten() for weight in trainer.model.parameters() if weight.requires_grad])
    return weights, notes, trainer


@pytest.mark.parametrize("seam", [*ALL, "all"])
def test_a_run_goes_through_with(tiny_model, tmp_path, seam):
    algorithm = ALL if seam == "all" else {seam: ALL[seam]}
    if seam == "refill":
        algorithm = {**algorithm, "keep_rows": ALL["keep_rows"]}
    _, notes, trainer = _trained(tiny_model, tmp_path / "run", algorithm)
    assert [line["step"] for line in notes.steps] == [1, 2, 3]
    assert all(math.isfinite(line["loss"]) for line in notes.steps)
    assert len(trainer.step.recorded.ledger) >= 6


def test_pods_trains_fewer_rows_than_it_draws(tiny_model, tmp_path):
    algorithm = {"keep_rows": {"name": "pods", "rows": 2}}
    _, notes, trainer = _trained(tiny_model, tmp_path / "run", algorithm)
    (rows,) = trainer.step.state.rollout.updates
    assert len(rows) == 2 * 2
    assert len(trainer.rollout_log.groups) == 2
    assert notes.steps[-1]["reward"] is not None


def test_a_filter_that_keeps_everything_is_bit_identical_to_none(tiny_model, tmp_path):
    plugin("keep_rows", "everything")(lambda group: Kept(tuple(range(len(group.rewards_G)))))
    plain, plain_notes, _ = _trained(tiny_model, tmp_path / "plain", {})
    kept, kept_notes, _ = _trained(tiny_model, tmp_path / "kept", {"keep_rows": {"name": "everything"}})
    assert torch.equal(plain, kept)
    for ours, theirs in zip(kept_notes.steps, plain_notes.steps, strict=True):
        assert (ours["loss"], ours["grad_norm"], ours["reward"]) == (
            theirs["loss"],
            theirs["grad_norm"],
            theirs["reward"],
        )


def test_a_resumed_run_with_every_plugin_goes_on_as_if_it_had_not_stopped(tiny_model, tmp_path):
    """Eight problems in steps of two prompts: the checkpoint lies in the second epoch or later."""
    whole, notes, trainer = _trained(tiny_model, tmp_path / "run", ALL, max_steps=8, every_steps=5)
    run = RunFolder(tmp_path / "run")
    end = RunLedger.load(run.checkpoint(8) / LEDGER)
    again, resumed, other = _trained(tiny_model, run, ALL, max_steps=8, checkpoint=run.checkpoint(5))
    assert [line["step"] for line in resumed.steps] == [6, 7, 8]
    for line, before in zip(resumed.steps, notes.steps[5:], strict=True):
        assert [line[name] for name in NUMBERS] == [before[name] for name in NUMBERS]
    assert torch.equal(again, whole)
    assert list(other.step.recorded.ledger) == list(trainer.step.recorded.ledger)
    assert other.step.prompts.stream.num_epochs > 1
    assert other.step.prompts.stream.state_dict() == trainer.step.prompts.stream.state_dict()
    assert list(end) == list(trainer.step.recorded.ledger)


def test_the_state_of_a_plugin_inside_the_engine_is_in_the_checkpoint(tiny_model, tmp_path):
    """Two steps of eight rows, in micro-batches of four."""

    @plugin("token_weights", "counting")
    class Counting:
        num_calls = 0

        def __call__(self, *tensors_B_T):
            self.num_calls += 1
            return torch.ones_like(tensors_B_T[0])

        def state_dict(self):
            return {"num_calls": self.num_calls}

        def load_state_dict(self, state):
            self.num_calls = state["num_calls"]

    algorithm = {"token_weights": {"name": "counting"}}
    _trained(tiny_model, tmp_path / "run", algorithm, max_steps=2, every_steps=1, skip_zero_advantage=False)
    run = RunFolder(tmp_path / "run")
    states = [read_json(run.checkpoint(step) / ALGORITHM_STATE)["plugins"] for step in (1, 2)]
    assert [state["token_weights"]["num_calls"] for state in states] == [2, 4]


def test_rows_without_advantage_need_passes_once_a_controller_asks_for_entropy(tiny_model, tmp_path):
    plugin("advantage", "zero")(lambda rewards_P_G, lengths_P_G: rewards_P_G * 0.0)
    plugin("after_step", "entropy")(lambda metrics: {"algorithm.entropy_coef": 0.1})
    algorithm = {"advantage": {"name": "zero"}, "after_step": {"name": "entropy"}}
    _, notes, _ = _trained(tiny_model, tmp_path / "run", algorithm, max_steps=2)
    assert [line["skipped_token_share"] for line in notes.steps] == [1.0, 0.0]
    assert notes.steps[0]["grad_norm"] == 0.0
    assert notes.steps[1]["grad_norm"] > 0.0


def test_steps_without_rows_are_skipped_and_end_the_run(tiny_model, tmp_path):
    plugin("keep_rows", "nothing")(lambda group: Kept(()))
    algorithm = {"keep_rows": {"name": "nothing"}, "max_empty_steps": 2}
    with pytest.raises(StoppedError, match="kept no row in 2 steps in a row") as stopped:
        _trained(tiny_model, tmp_path / "run", algorithm, max_steps=5)
    assert "leanrl report" in stopped.value.hint
    run = RunFolder(tmp_path / "run")
    assert [folder.name for folder in run.complete_checkpoints()] == ["step-000002"]
    assert len(RunLedger.load(run.ledger)) == 4


def test_a_plugin_that_fails_in_a_later_step_keeps_what_is_trained(tiny_model, tmp_path):
    calls = []

    def fails(rewards_P_G, lengths_P_G):
        calls.append(1)
        return rewards_P_G / 0 if len(calls) == 3 else rewards_P_G - rewards_P_G.mean()

    plugin("advantage", "fails")(fails)
    with pytest.raises(PluginError, match="not finite") as caught:
        _trained(tiny_model, tmp_path / "run", {"advantage": {"name": "fails"}}, max_steps=5)
    assert f"{__file__}:" in str(caught.value)
    assert [folder.name for folder in RunFolder(tmp_path / "run").complete_checkpoints()] == ["step-000002"]
    assert "--resume" in str(caught.value.hint)


def test_a_controller_hears_no_number_of_one_rank_alone(tiny_model, tmp_path):
    """Ranks would set different losses by their own seconds."""
    heard = []

    def listen(metrics):
        heard.append(set(metrics))
        return {}

    plugin("after_step", "listens")(listen)
    _trained(tiny_model, tmp_path / "run", {"after_step": {"name": "listens"}}, max_steps=1)
    (names,) = heard
    assert {"entropy", "reward", "clipped_ratio_share"} <= names
    assert not [name for name in names if name.startswith("seconds/")]
