"""Steps on completions of an earlier step: their lines, what the clip did in them, and what is told of them."""

import pytest

from leanrl.storage.run_folder import read_jsonl
from tests.trainer.small_trainer import Notes, small_config, small_trainer

# Large enough that one update moves tokens beyond the bounds.
RATE = {"learning_rate": 2.0e-2, "schedule": "constant"}
SIZES = {"num_prompts": 2, "num_completions": 4, "micro_batch_completions": 4, "gradient_checkpointing": False}


@pytest.fixture(scope="module")
def reused(tiny_model, tmp_path_factory):
    """Four steps, two on each rollout, with a KL."""
    config = small_config(
        tiny_model,
        algorithm={"num_iterations": 2, "kl_beta": 0.04},
        optimizer=RATE,
        train={"max_steps": 4, **SIZES},
        log={"completions_every_steps": 2},
    )
    notes = Notes()
    run_path = tmp_path_factory.mktemp("reused") / "run"
    trainer, _, _ = small_trainer(config, run_path, listener=notes)
    trainer.train_from(None)
    return list(read_jsonl(trainer.run.metrics)), notes, trainer.run


def test_every_optimizer_step_has_a_line(reused):
    lines, notes, _ = reused
    assert [line["step"] for line in lines] == [1, 2, 3, 4]
    assert [line["step"] for line in notes.steps] == [1, 2, 3, 4]
    for line in lines:
        for name in ("loss", "grad_norm", "kl", "entropy", "clipped_ratio_share", "learning_rate"):
            assert line[name] is not None, (line["step"], name)
        assert (line["nonfinite_steps"], line["out_of_memory"]) == (0, 0)
        assert line["seconds"].keys() >= {"forward_backward", "step"}
        assert "forward_backward" in line["phase_peak_bytes"]


def test_a_reused_step_has_no_rewards_of_its_own(reused):
    lines, _, _ = reused
    for line in lines[0::2]:
        assert line["reward"] is not None
        assert line["rewards"]["variety"] is not None
        assert line["completion_tokens"]["mean"] > 0
    for line in lines[1::2]:
        assert (line["reward"], line["rewards"], line["completion_tokens"]["mean"]) == (None, {"variety": None}, None)


def test_the_clip_acts_in_reused_steps_alone(reused):
    shares = [line["clipped_ratio_share"] for line in reused[0]]
    assert shares[0] == shares[2] == 0.0
    assert shares[1] > 0
    assert shares[3] > 0


def test_completions_are_saved_at_a_reused_step(reused):
    _, _, run = reused
    names = [path.name for path in sorted(run.completions.iterdir())]
    assert names == ["step-000001.jsonl", "step-000002.jsonl", "step-000004.jsonl"]


def test_a_reused_step_that_is_not_finite_is_warned_of(tiny_model, tmp_path):
    config = small_config(tiny_model, algorithm={"num_iterations": 2}, optimizer=RATE, train={"max_steps": 2, **SIZES})
    notes = Notes()
    trainer, _, _ = small_trainer(config, tmp_path / "run", listener=notes)
    rows_of_update = trainer.step.rows_of_update

    def broken_in_step_2(policy, *, step):
        rows = rows_of_update(policy, step=step)
        if step == 1:
            rows[0].sampled_logprobs[0] = float("nan")
        return rows

    trainer.step.rows_of_update = broken_in_step_2
    trainer.train_from(None)
    assert any("step 2 is not finite" in warning for warning in notes.warned)
    assert [line["nonfinite_steps"] for line in read_jsonl(trainer.run.metrics)] == [0, 1]
