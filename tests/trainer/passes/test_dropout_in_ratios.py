"""Adapter dropout stays out of every ratio: scores that are compared are taken without it."""

from itertools import chain

import pytest
import torch

from leanrl.rollout.protocol import Completion
from leanrl.rollout.selftest import Drawn
from leanrl.storage.run_folder import read_jsonl
from leanrl.trainer.rollouts.engines import _scorer
from tests.trainer.small_trainer import Notes, small_config, small_trainer

RATE = {"learning_rate": 5.0e-3, "schedule": "constant"}
SIZES = {"num_prompts": 4, "num_completions": 4, "micro_batch_completions": 3, "gradient_checkpointing": False}
# GSPO's bounds: noise of a ten-thousandth is beyond them.
TIGHT = {"loss": "gspo", "aggregation": "completion_mean", "clip_low": 3.0e-4, "clip_high": 4.0e-4}


def _lines(folder, run_path, *, dropout, algorithm, max_steps=4, updates_per_rollout=1, prepare=lambda trainer: None):
    config = small_config(
        folder,
        model={"tuning": {"rank": 4, "dropout": dropout}},
        algorithm=algorithm,
        optimizer=RATE,
        train={"max_steps": max_steps, "updates_per_rollout": updates_per_rollout, **SIZES},
    )
    trainer, _, _ = small_trainer(config, run_path, listener=Notes())
    prepare(trainer)
    trainer.train_from(None)
    return list(read_jsonl(trainer.run.metrics))


@pytest.mark.parametrize("dropout", [0.0, 0.05, 0.3])
@pytest.mark.parametrize(("num_iterations", "updates_per_rollout"), [(2, 1), (1, 2), (2, 2)])
def test_no_ratio_leaves_1_before_the_first_update(tiny_model, tmp_path, dropout, num_iterations, updates_per_rollout):
    """Steps after an update have ratios beyond such tight bounds, so a fraction of 0 does not come from the bounds."""
    lines = _lines(
        tiny_model,
        tmp_path / "run",
        dropout=dropout,
        algorithm={"num_iterations": num_iterations, **TIGHT},
        max_steps=2 * num_iterations * updates_per_rollout,
        updates_per_rollout=updates_per_rollout,
    )
    shares = [line["clipped_ratio_share"] for line in lines]
    first = slice(0, None, num_iterations * updates_per_rollout)
    assert shares[first] == [0.0, 0.0]
    del shares[first]
    assert all(share > 0 for share in shares)


@pytest.mark.parametrize("num_iterations", [1, 2])
def test_the_kl_is_that_without_dropout(tiny_model, tmp_path, num_iterations):
    """k3 = exp(d) - d - 1 over all tokens, d = reference - policy, both scored anew in evaluation mode."""
    expected = []
    lines = _lines(
        tiny_model,
        tmp_path / "run",
        dropout=0.3,
        algorithm={"kl_beta": 0.04, "num_iterations": num_iterations},
        max_steps=3,
        prepare=lambda trainer: _score_kl_anew(trainer, expected),
    )
    assert [line["kl"] for line in lines] == pytest.approx(expected, rel=1e-3, abs=1e-7)
    assert expected[2] > 1e-4


def _score_kl_anew(trainer, means):
    """Put the mean KL of each step's rows into `means`, before the step."""
    add_gradients, scorer = trainer.step_pass.add_gradients, _scorer(trainer.lean_config, trainer.training_side())

    def scored(model, rows):
        drawn = [Drawn(row.prompt_ids, row.completion_ids, []) for row in rows]
        policy = torch.tensor(list(chain(*scorer.score(drawn, temperature=1.0))))
        with trainer.model.disable_adapter():
            difference = torch.tensor(list(chain(*scorer.score(drawn, temperature=1.0)))) - policy
        means.append((difference.exp() - difference - 1).mean().item())
        return add_gradients(model, rows)

    trainer.step_pass.add_gradients = scored


def test_importance_ratios_are_those_without_dropout(tiny_model, tmp_path):
    """An engine that reports what the trainer scores without dropout has ratios of 1 in every step."""
    lines = _lines(
        tiny_model, tmp_path / "run", dropout=0.3, algorithm={}, max_steps=3, prepare=_report_scores_of_the_policy
    )
    for line in lines:
        assert line["rollout_mismatch"]["logprob_difference_max"] < 1e-5


def _report_scores_of_the_policy(trainer):
    """Give the hf engine's completions the log-probabilities that a right engine would report."""
    engine, scorer = trainer.rollout.engine, _scorer(trainer.lean_config, trainer.training_side())
    generate = engine.generate

    def with_scores(requests, sampling):
        return [
            [
                Completion(
                    one.token_ids,
                    scorer.score(
                        [Drawn(request.prompt_ids, one.token_ids, [0.0] * len(one.token_ids))],
                        temperature=sampling.temperature,
                    )[0],
                )
                for one in group
            ]
            for request, group in zip(requests, generate(requests, sampling), strict=True)
        ]

    engine.generate = with_scores


def test_dropout_still_regularises_the_gradient(tiny_model, tmp_path):
    """The pass with a gradient keeps its masks: only values are those without dropout."""
    norms = [
        [
            line["grad_norm"]
            for line in _lines(
                tiny_model, tmp_path / str(dropout), dropout=dropout, algorithm={"num_iterations": 2}, max_steps=4
            )
        ]
        for dropout in (0.0, 0.3)
    ]
    assert norms[0] != pytest.approx(norms[1], rel=1e-3)
