"""unsloth's patched trainer under leanrl's: which methods it calls, and that its loss is the same."""

import pytest

from tests.unsloth.train_steps import CORRECTED, HOOKS

STEPS, MICRO_BATCHES = 2, 2  # 8 completions a step, 4 in a micro-batch


AVERAGES = ("batch_token_mean", "completion_mean", "fixed_length")


def test_the_patched_trainer_calls_our_hooks_and_computes_our_loss(tiny_model, tmp_path, run_child):
    """The same completions, seeds and adapter by both backends: unsloth's loss and gradient are leanrl's to 1e-3."""
    by_unsloth, by_us = (
        run_child("tests.unsloth.train_steps", backend, tiny_model, tmp_path / backend, *AVERAGES, CORRECTED)
        for backend in ("unsloth", "hf")
    )
    for average in AVERAGES:
        _assert_hooks(by_unsloth[average])
        _assert_same(by_unsloth[average], by_us[average])
    _assert_same_correction(by_unsloth[CORRECTED], by_us[CORRECTED])


def _assert_hooks(unsloth):
    assert unsloth["classes"][:4] == ["UnslothTrainer", "LeanGRPOTrainer", "UnslothGRPOTrainer", "_UnslothGRPOTrainer"]
    assert "GRPOTrainer" not in unsloth["classes"]
    assert set(unsloth["calls"]) == set(HOOKS)  # and not _compute_loss
    assert unsloth["calls"]["_calculate_rewards"] == unsloth["calls"]["_generate_single_turn"] == STEPS
    assert unsloth["calls"]["training_step"] == unsloth["calls"]["_prepare_inputs"] == STEPS * MICRO_BATCHES
    assert unsloth["checkpoints"] == ["step-000002"]


def _assert_same(unsloth, ours):
    assert ours["classes"][:2] == ["LeanGRPOTrainer", "GRPOTrainer"]
    assert unsloth["completions"] == ours["completions"]  # each with its own reward and advantage
    assert unsloth["visits"] == unsloth["visits_of_checkpoint"] == ours["visits"]
    assert len(unsloth["steps"]) == len(ours["steps"]) == STEPS
    for theirs, mine in zip(unsloth["steps"], ours["steps"], strict=True):
        assert theirs["rewards"] == mine["rewards"]
        assert theirs["loss"] == pytest.approx(mine["loss"], rel=1e-3, abs=1e-5)
        assert theirs["grad_norm"] == pytest.approx(mine["grad_norm"], rel=1e-3)
        # unsloth logs the mean of its micro-batches' means, leanrl that of all tokens.
        assert theirs["kl"] == pytest.approx(mine["kl"], rel=0.1, abs=1e-5)
    # Adam takes whole steps where a gradient is next to nothing, so rounding shows there.
    assert unsloth["lora_b_norms"] == pytest.approx(ours["lora_b_norms"], rel=5e-3)


def _assert_same_correction(unsloth, ours):
    """In the first step, where the weights are the same; prompts differ in length, and unsloth moves their padding.

    unsloth's ratio is between two passes of its own, which differ by some 1e-3 nats. The loss is a small sum of terms
    around 1, and is known to that.
    """
    theirs, mine = unsloth["steps"][0], ours["steps"][0]
    mismatch = mine["rollout_mismatch"]
    assert unsloth["completions"] == ours["completions"]
    assert mismatch["ratio_p01"] < 1 < 2 < mismatch["ratio_p99"]  # some are cut, most are not
    assert theirs["rollout_mismatch"] == pytest.approx(mismatch, rel=1e-3)
    assert theirs["grad_norm"] == pytest.approx(mine["grad_norm"], rel=1e-3)
    assert theirs["loss"] == pytest.approx(mine["loss"], abs=1e-3)
