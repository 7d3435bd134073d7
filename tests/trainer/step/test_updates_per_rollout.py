"""Several optimizer steps on parts of one rollout: the numbers, the parts, the checkpoints."""

import signal

import pytest
import torch
from transformers import AutoModelForCausalLM, TrainerCallback, TrainerControl, TrainerState

from leanrl.storage.run_folder import read_jsonl
from leanrl.trainer.records.callbacks import SignalStop
from tests.trainer.own_grpo import OwnGrpo, OwnSettings
from tests.trainer.small_trainer import Notes, small_config, small_trainer

RATE, TEMPERATURE = 3.0e-3, 0.8
NUM_PROMPTS, GROUP = 4, 4


def _config(folder, *, num_parts, num_iterations, max_steps, num_prompts=NUM_PROMPTS, every_steps=100):
    return small_config(
        folder,
        model={"tuning": {"method": "full"}},
        algorithm={"num_iterations": num_iterations},
        optimizer={"learning_rate": RATE, "schedule": "constant"},
        rollout={"max_completion_tokens": 8, "temperature": TEMPERATURE},
        train={
            "max_steps": max_steps,
            "num_prompts": num_prompts,
            "num_completions": GROUP,
            "updates_per_rollout": num_parts,
            "micro_batch_completions": 3,
            "gradient_checkpointing": False,
        },
        checkpoints={"every_steps": every_steps, "keep_last": 9},
    )


def _keep_rollouts(trainer):
    """Return the list that receives the groups of every rollout, with the rewards of the run's own reward function."""
    rollouts = []
    roll_out = trainer.step.roll_out

    def kept(model, *, step):
        rollout = roll_out(model, step=step)
        groups = [(group.asked.prompt_ids, group.samples_G) for group in rollout.log.groups]
        rollouts.append(
            [
                [(prompt + list(one.token_ids), len(prompt), len(set(one.text)) / 10) for one in samples_G]
                for prompt, samples_G in groups
            ]
        )
        return rollout

    trainer.step.roll_out = kept
    return rollouts


@pytest.mark.parametrize(("num_parts", "num_iterations"), [(1, 1), (2, 1), (1, 2), (2, 2), (4, 1)])
def test_a_run_equals_grpo_written_a_second_time(tiny_model, tmp_path, num_parts, num_iterations):
    """Two rollouts; parameters, losses and clipped fractions after each of their steps.

    Adam turns a gradient of 1e-8 into a step of the rate: parameters are held to a ten-thousandth of how they moved.
    """
    max_steps = 2 * num_parts * num_iterations
    config = _config(tiny_model, num_parts=num_parts, num_iterations=num_iterations, max_steps=max_steps)
    trainer, _, _ = small_trainer(config, tmp_path / "run", listener=Notes())
    rollouts = _keep_rollouts(trainer)
    trainer.train_from(None)
    assert len(rollouts) == 2

    start = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    own = OwnGrpo(
        AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32),
        OwnSettings(RATE, TEMPERATURE, num_iterations=num_iterations, num_parts=num_parts),
    )
    for groups in rollouts:
        own.train_on(groups)

    lines = list(read_jsonl(trainer.run.metrics))
    assert [line["step"] for line in lines] == list(range(1, max_steps + 1))
    assert [line["loss"] for line in lines] == pytest.approx(own.losses, abs=1e-6)
    assert [line["clipped_ratio_share"] for line in lines] == pytest.approx(own.clipped_shares, abs=1e-9)
    assert any(own.clipped_shares) == (max_steps > 2)
    ours, theirs, before = (
        torch.cat([weight.detach().flatten().double() for weight in model.parameters()])
        for model in (trainer.model, own.model, start)
    )
    assert (ours - theirs).norm() < 1e-4 * (theirs - before).norm()


def test_the_lines_of_a_rollout(tiny_model, tmp_path):
    config = _config(tiny_model, num_parts=2, num_iterations=2, max_steps=8)
    trainer, _, _ = small_trainer(config, tmp_path / "run", listener=Notes())
    trainer.train_from(None)
    lines = list(read_jsonl(trainer.run.metrics))
    assert [line["step"] for line in lines if line["reward"] is not None] == [1, 5]
    assert all(line["grad_norm"] is not None for line in lines)


class _At(TrainerCallback):
    """Does something at the end of one step."""

    def __init__(self, step, act):
        self.step, self.act = step, act

    def on_step_end(self, args, state, control, **_):
        if state.global_step == self.step:
            self.act(control)


def _train(config, run, *, at=None, checkpoint=None):
    """Train, and return the lines of metrics and the problems that each step's completions answer."""
    notes = Notes()
    trainer, _, stop = small_trainer(config, run, listener=notes)
    if at is not None:
        step, act = at
        trainer.callback_handler.callbacks.insert(0, _At(step, lambda control: act(control, stop)))
    asked = {}
    draw = trainer.draw

    def listening(beginnings_B):
        asked[trainer.state.global_step + 1] = [str(prompt) for prompt in beginnings_B]
        return draw(beginnings_B)

    trainer.draw = listening
    trainer.train_from(checkpoint)
    return notes.steps, asked, trainer.run


@pytest.fixture(scope="module")
def never_stopped(tiny_model, tmp_path_factory):
    """Six steps, two on each rollout, in one epoch. The checkpoint of step 3 lies within a rollout."""
    config = _config(tiny_model, num_parts=2, num_iterations=1, max_steps=6, num_prompts=2, every_steps=3)
    return config, *_train(config, tmp_path_factory.mktemp("never_stopped") / "run")


def test_checkpoints_lie_within_rollouts_too(never_stopped):
    _, _, _, run = never_stopped
    assert [folder.name for folder in run.complete_checkpoints()] == ["step-000003", "step-000006"]


def test_a_run_goes_on_as_if_it_had_not_stopped(never_stopped):
    config, lines, asked, run = never_stopped
    resumed, asked_again, _ = _train(config, run, checkpoint=run.checkpoint(3))
    assert [line["step"] for line in resumed] == [4, 5, 6]
    assert asked_again == {5: asked[5]}
    for line, before in zip(resumed, lines[3:], strict=True):
        for name in ("loss", "grad_norm", "reward", "clipped_ratio_share"):
            assert line[name] == before[name], (line["step"], name)


def test_a_checkpoint_without_its_rows_shifts_nothing(never_stopped, tmp_path):
    """As of another number of ranks: step 4 asks its own prompts again, and step 5 is the first of the next rollout."""
    config, _, asked, _ = never_stopped
    _, _, run = _train(config, tmp_path / "run")
    (run.checkpoint(3) / "rollout-rank-0-of-1.pt").unlink()
    lines, asked_again, _ = _train(config, run, checkpoint=run.checkpoint(3))
    assert [line["step"] for line in lines if line["reward"] is not None] == [4, 5]
    assert asked_again == {4: asked[3], 5: asked[5]}


def test_a_signal_saves_within_a_rollout(never_stopped, tmp_path):
    config, lines, _, _ = never_stopped
    config = config.model_copy(update={"checkpoints": config.checkpoints.model_copy(update={"every_steps": 100})})
    before, _, run = _train(config, tmp_path / "run", at=(1, lambda _, stop: stop._receive(signal.SIGTERM, None)))
    assert [line["step"] for line in before] == [1]
    assert [folder.name for folder in run.complete_checkpoints()] == ["step-000001"]
    assert [line["loss"] for line in before] == [line["loss"] for line in lines[:1]]


def test_where_rows_are_not_kept_a_signal_lets_the_rollout_end_first():
    """As with backend unsloth."""
    stop, control = SignalStop(Notes(), steps_per_save=2), TrainerControl()
    stop.received = signal.SIGTERM
    stop.on_step_end(None, TrainerState(global_step=3), control)
    assert not control.should_save
    stop.on_step_end(None, TrainerState(global_step=4), control)
    assert control.should_save
    assert control.should_training_stop
