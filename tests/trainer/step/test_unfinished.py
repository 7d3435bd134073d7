"""A checkpoint between updates on one rollout: the run goes on with the same completions, and no number differs."""

import pytest

from leanrl.storage.run_folder import RunFolder
from tests.trainer.checkpoints.test_restore import assert_same_weights, trained, weights
from tests.trainer.small_trainer import small_config

# Two parts of a rollout, each used twice: four steps on one.
STEPS_PER_ROLLOUT = 4
CONTROLLER = {"name": "entropy_control", "target": 9.0, "change": 0.001, "highest": 1.0}
MAX_STEPS = 10  # within the third rollout; an epoch is four


def config_of(folder, *, tuning, algorithm, dtype="float32"):
    return small_config(
        folder,
        model={"id": str(folder), "dtype": dtype, "compute_dtype": dtype, "tuning": tuning},
        algorithm={"num_iterations": 2, **algorithm},
        optimizer={"learning_rate": 2.0e-2},
        train={"max_steps": MAX_STEPS, "num_prompts": 2, "num_completions": 4, "updates_per_rollout": 2},
        checkpoints={"every_steps": 1, "keep_last": MAX_STEPS},
        log={"completions_every_steps": 1, "num_completions": 8},
    )


def files_of(run: RunFolder):
    """Return what the run keeps of its completions and its ledger, by name."""
    return {path.name: path.read_bytes() for path in (*run.completions.iterdir(), run.ledger, run.prompts)}


@pytest.mark.parametrize(
    ("tuning", "algorithm", "dtype"),
    [
        pytest.param({"rank": 4, "dropout": 0.5}, {"kl_beta": 0.1}, "float32", id="lora"),
        pytest.param({"method": "full"}, {"kl_beta": 0.1}, "float32", id="full"),
        pytest.param({"method": "qlora", "rank": 4}, {"after_step": CONTROLLER}, "bfloat16", id="qlora"),
    ],
)
def test_a_run_goes_on_within_a_rollout_as_if_it_had_not_stopped(tiny_model, tmp_path, tuning, algorithm, dtype):
    """Behind the first, second and third of four updates."""
    config = config_of(tiny_model, tuning=tuning, algorithm=algorithm, dtype=dtype)
    whole, steps = trained(config, tmp_path / "whole")
    kept, last = files_of(whole.run), weights(whole)
    assert any(step["clipped_ratio_share"] > 0 for step in steps), "no update left the sampling policy"
    for step in (1, 6, 7):
        (whole.run.ledger).unlink()
        again, later = trained(config, whole.run, checkpoint=whole.run.checkpoint(step))
        assert later == steps[step:]
        assert_same_weights(weights(again), last)
        assert files_of(again.run) == kept


def test_a_checkpoint_between_two_rollouts_has_no_rows(tiny_model, tmp_path):
    config = config_of(tiny_model, tuning={"rank": 4}, algorithm={})
    whole, _ = trained(config, tmp_path / "whole")
    with_rows = [path.parent.name for path in sorted(whole.run.checkpoints.glob("*/rollout-rank-0-of-1.pt"))]
    assert with_rows == [f"step-{step:06d}" for step in range(1, MAX_STEPS + 1) if step % STEPS_PER_ROLLOUT]
