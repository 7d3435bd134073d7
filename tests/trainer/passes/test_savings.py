"""The engine's switches in a real run: what each leaves out, and what it leaves alone."""

from dataclasses import replace

import pytest
import torch

from leanrl.engine.rows import StepRow
from leanrl.engine.step import train_micro_batch
from leanrl.trainer.passes import step_pass
from tests.trainer.small_trainer import Notes, small_config, small_trainer

# The reward counts different letters, so some groups of these completions have no spread and most have one.
PLAIN = {"sort_by_length": False, "skip_zero_advantage": False}


def _trained(folder, run_path, **sections):
    """Return the trained weights and the metrics of two steps."""
    notes = Notes()
    trainer, *_ = small_trainer(small_config(folder, **sections), run_path, listener=notes)
    trainer.train_from(None)
    trained = [weight.detach().flatten() for weight in trainer.model.parameters() if weight.requires_grad]
    return torch.cat(trained), notes.steps


@pytest.fixture
def micro_batches(monkeypatch):
    """The rows and columns of every forward and backward pass."""
    shapes = []

    def spy(model, micro_batch, **settings):
        shapes.append(tuple(micro_batch.input_ids_B_S.shape))
        return train_micro_batch(model, micro_batch, **settings)

    monkeypatch.setattr(step_pass, "train_micro_batch", spy)
    return shapes


@pytest.mark.parametrize(
    "savings",
    [
        {"sort_by_length": True, "skip_zero_advantage": False},
        {"sort_by_length": False, "skip_zero_advantage": True},
        {"max_tokens_per_micro_batch": 520},
    ],
    ids=["sorted", "skipped", "all, by tokens"],
)
def test_a_saving_does_not_change_the_training(tiny_model, tmp_path, savings):
    train = {"micro_batch_completions": 3} | PLAIN
    plain, steps = _trained(tiny_model, tmp_path / "plain", train=train)
    saved, saved_steps = _trained(tiny_model, tmp_path / "saved", train={"micro_batch_completions": 3} | savings)
    assert (saved - plain).norm() < 1e-5 * plain.norm()
    for ours, theirs in zip(saved_steps, steps, strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], abs=1e-5)
        assert ours["grad_norm"] == pytest.approx(theirs["grad_norm"], rel=1e-4)


def test_a_token_budget_bounds_every_pass(tiny_model, tmp_path, micro_batches):
    _trained(tiny_model, tmp_path / "run", train={"max_tokens_per_micro_batch": 520})
    assert all(rows * columns <= 520 for rows, columns in micro_batches)


@pytest.mark.parametrize(("method", "num_rows"), [("lora", [4, 4]), ("full", [5, 3])])
def test_only_the_first_pass_of_all_parameters_is_filled(tiny_model, tmp_path, method, num_rows):
    config = small_config(tiny_model, model={"tuning": {"method": method}}, train={"max_tokens_per_micro_batch": 520})
    trainer, *_ = small_trainer(config, tmp_path / "run", listener=Notes())
    assert [len(rows) for rows in trainer.budget.cut([104] * 8)] == num_rows


def test_no_pass_is_spent_on_equal_rewards(tiny_model, tmp_path, micro_batches):
    """Every completion gets the same reward: one pass of one token remains, and nothing is learnt."""
    _, steps = _trained(tiny_model, tmp_path / "run", rewards={"variety": 0.0})
    assert micro_batches == [(1, 1), (1, 1)]
    assert [metrics["skipped_token_share"] for metrics in steps] == [1.0, 1.0]
    assert [metrics["entropy"] for metrics in steps] == [None, None]
    assert [metrics["grad_norm"] for metrics in steps] == [0.0, 0.0]


@pytest.mark.parametrize("algorithm", [{"kl_beta": 0.04}, {"entropy_coef": 0.01}])
def test_a_divergence_or_a_bonus_needs_every_row(tiny_model, tmp_path, algorithm):
    _, steps = _trained(tiny_model, tmp_path / "run", algorithm=algorithm, rewards={"variety": 0.0})
    assert all(metrics["skipped_token_share"] == 0.0 for metrics in steps)
    assert all(metrics["entropy"] > 0 for metrics in steps)


def test_a_step_in_which_all_completions_are_cut_teaches_nothing(tiny_model, tmp_path):
    """No turn ends within two tokens, and masked completions weigh nothing: no NaN, no update, the run goes on."""
    sections = {"algorithm": {"mask_truncated": True}, "rollout": {"max_completion_tokens": 2}, "train": {"seed": 1}}
    _, steps = _trained(tiny_model, tmp_path / "run", **sections)
    assert [metrics["truncated_share"] for metrics in steps] == [1.0, 1.0]
    assert [(metrics["loss"], metrics["grad_norm"]) for metrics in steps] == [(0.0, 0.0)] * 2


def _with_engine_logprobs(trainer, offset):
    """Let rollouts carry log-probabilities as vLLM's do: the trainer's own, all off by `offset` nats."""
    draw = trainer.draw

    def with_logprobs(beginnings_B):
        drawn = draw(beginnings_B)
        rows = [StepRow(*pair) for pair in zip(beginnings_B, drawn.completion_ids_B, strict=True)]
        num_columns = max(len(row.completion_ids) for row in rows)
        own_B_T = trainer.step_pass.score(trainer.model, rows, num_columns=num_columns) - offset
        pairs = zip(own_B_T, rows, strict=True)
        return replace(drawn, logprobs_B=[own_T[: len(row.completion_ids)].tolist() for own_T, row in pairs])

    trainer.draw = with_logprobs


@pytest.mark.parametrize(
    ("algorithm", "factor"),
    [
        ({"correction": {"name": "none"}}, 1.0),
        ({"correction": {"name": "token_truncate"}}, 1.5),
        ({"correction": {"name": "token_truncate", "clip": 1.2}}, 1.2),
        ({"correction": {"name": "sequence_mask"}}, 0.0),  # 1.5 lies outside [0.999, 1.002]
    ],
)
def test_the_correction_acts_on_the_engines_logprobs(tiny_model, tmp_path, algorithm, factor):
    """Every ratio is 1.5, so the gradient is multiplied by 1.5, by the clip, or by 0; the raw ratios are logged."""
    learning = {"optimizer": {"learning_rate": 1.0e-9, "max_grad_norm": 1e9}}
    _, (plain, _) = _trained(tiny_model, tmp_path / "plain", **learning)
    notes = Notes()
    config = small_config(tiny_model, algorithm=algorithm, **learning)
    trainer, *_ = small_trainer(config, tmp_path / "run", listener=notes)
    _with_engine_logprobs(trainer, torch.tensor(1.5).log())
    trainer.train_from(None)
    first = notes.steps[0]
    assert first["grad_norm"] == pytest.approx(factor * plain["grad_norm"], rel=1e-4)
    mismatch = first["rollout_mismatch"]
    assert mismatch["ratio_p50"] == pytest.approx(1.5, rel=1e-5)
    assert mismatch["logprob_difference_max"] == pytest.approx(0.405465, rel=1e-4)
    assert mismatch["effective_share"] == pytest.approx(1.0)
    assert plain["rollout_mismatch"] == {}


def test_leaving_one_out_stretches_every_advantage(tiny_model, tmp_path):
    """Groups of 4 without a scale: 4 / 3 of the mean's, and so is the gradient."""
    learning = {"optimizer": {"learning_rate": 1.0e-9, "max_grad_norm": 1e9}}
    norms = []
    for baseline in ("mean", "leave_one_out"):
        algorithm = {"advantage": {"name": "group", "baseline": baseline, "scale": "none"}}
        _, steps = _trained(tiny_model, tmp_path / baseline, algorithm=algorithm, **learning)
        norms.append(steps[0]["grad_norm"])
    assert norms[1] == pytest.approx(4 / 3 * norms[0], rel=1e-4)
