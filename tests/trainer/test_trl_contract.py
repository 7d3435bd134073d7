"""The seams of TRL's GRPOTrainer that leanrl leans on: same losses and gradients, same names and keys."""

import inspect

import pytest
import torch
from datasets import Dataset
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from leanrl.config.schema import RunConfig
from leanrl.rewards.registry import resolve_rewards
from leanrl.rewards.weighted import WeightedReward
from leanrl.storage.run_folder import RunFolder
from leanrl.trainer.grpo import LeanGRPOTrainer
from leanrl.trainer.rollouts.bridge import Rollout
from leanrl.trainer.trl_args import grpo_arguments
from leanrl.types import Row

NUM_PROMPTS, NUM_COMPLETIONS = 2, 6
ROWS = [Row(id=str(i), problem=f"{i}+{i}", gold=str(2 * i), asked_by=f"{i}+{i}=") for i in range(8)]


def _length_reward(text):
    """A reward that differs between completions, so that advantages are not all zero."""
    return len(set(text)) / 10


def _config(folder, *, aggregation, kl_beta, micro_batch, num_parts=1, max_steps=3, **algorithm):
    return RunConfig.model_validate(
        {
            "model": {"id": str(folder), "dtype": "float32", "compute_dtype": "float32"},
            "hardware": {"num_gpus": 0, "device": "cpu"},
            "rollout": {"max_completion_tokens": 8, "temperature": 0.8},
            "rewards": {"variety": 1.0},
            "algorithm": {"aggregation": aggregation, "kl_beta": kl_beta, **algorithm},
            "optimizer": {"learning_rate": 1.0e-3, "schedule": "constant"},
            "train": {
                "max_steps": max_steps,
                "num_prompts": NUM_PROMPTS * num_parts,
                "updates_per_rollout": num_parts,
                "num_completions": NUM_COMPLETIONS,
                "micro_batch_completions": micro_batch,
                "gradient_checkpointing": False,
            },
            "checkpoints": {"every_steps": 100},
        }
    )


class _Losses(TrainerCallback):
    def __init__(self):
        self.logs = []
        self.clipped_share = 0.0
        self.weights = None

    def on_log(self, args, state, control, logs=None, **_):
        if "loss" in logs:
            self.logs.append((logs["loss"], logs["grad_norm"]))
            self.clipped_share += logs.get("clipped_ratio_share", 0.0)

    def on_train_end(self, args, state, control, model=None, **_):
        trained = [weight.detach().flatten().double() for weight in model.parameters() if weight.requires_grad]
        self.weights = torch.cat(trained)


def _seed_generation(trainer):
    """Both trainers draw the same completions at the same step; TRL's shuffle would move the random state."""
    name = "draw" if isinstance(trainer, LeanGRPOTrainer) else "_generate"
    generate = getattr(trainer, name)

    def seeded(prompts):
        torch.manual_seed(1000 + trainer.state.global_step)
        return generate(prompts)

    setattr(trainer, name, seeded)


def _parts(folder, method):
    torch.manual_seed(0)
    adapter = None if method == "full" else LoraConfig(r=4, target_modules="all-linear", init_lora_weights="gaussian")
    rows = [{"prompt": row.prompt, "row": number} for number, row in enumerate(ROWS)]
    return {
        "model": AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32),
        "processing_class": AutoTokenizer.from_pretrained(folder),
        "peft_config": adapter,
        "train_dataset": Dataset.from_list(rows),
    }


def _run_ours(folder, tmp_path, config, method, *, rewards=None):
    return _train_ours(folder, tmp_path, config, method, rewards=rewards).logs


def _train_ours(folder, tmp_path, config, method, *, rewards=None):
    losses = _Losses()
    variety = WeightedReward("variety", 1.0, None, lambda sample: _length_reward(sample.text))
    trainer = LeanGRPOTrainer(
        config=config,
        rows=ROWS,
        rewards=rewards or [variety],
        grader=None,
        run=RunFolder(tmp_path / "run"),
        args=GRPOConfig(**grpo_arguments(config, output_dir=tmp_path / "run" / "out") | {"save_strategy": "no"}),
        callbacks=[losses],
        **_parts(folder, method),
    )
    _seed_generation(trainer)
    trainer.train()
    return losses


def _run_trl(folder, tmp_path, config, method, **changes):
    return _train_trl(folder, tmp_path, config, method, **changes).logs


def _variety(completions, **_):
    return [_length_reward(text) for text in completions]


def _train_trl(folder, tmp_path, config, method, *, functions=(_variety,), **changes):
    losses = _Losses()
    arguments = grpo_arguments(config, output_dir=tmp_path / "trl") | {"save_strategy": "no"} | changes
    trainer = GRPOTrainer(
        reward_funcs=list(functions), args=GRPOConfig(**arguments), callbacks=[losses], **_parts(folder, method)
    )
    _seed_generation(trainer)
    trainer.train()
    return losses


def _assert_same(ours, theirs, *, num_steps=3):
    assert len(ours) == len(theirs) == num_steps
    for (loss, norm), (their_loss, their_norm) in zip(ours, theirs, strict=True):
        assert loss == pytest.approx(their_loss, abs=2e-5, rel=1e-4)
        assert norm == pytest.approx(their_norm, rel=1e-3)


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("kl_beta", [0.0, 0.04])
def test_losses_and_gradients_equal_trl(tiny_model, tmp_path, method, kl_beta):
    """Token mean over the batch: TRL's dapo, cut by us into micro-batches of 5."""
    config = _config(tiny_model, aggregation="batch_token_mean", kl_beta=kl_beta, micro_batch=5)
    _assert_same(_run_ours(tiny_model, tmp_path, config, method), _run_trl(tiny_model, tmp_path, config, method))


@pytest.mark.parametrize("aggregation", ["completion_mean", "fixed_length"])
def test_other_averages_equal_trl(tiny_model, tmp_path, aggregation):
    config = _config(tiny_model, aggregation=aggregation, kl_beta=0.0, micro_batch=12)
    _assert_same(_run_ours(tiny_model, tmp_path, config, "lora"), _run_trl(tiny_model, tmp_path, config, "lora"))


def test_the_papers_estimator_equals_one_group_a_micro_batch(tiny_model, tmp_path, monkeypatch):
    """The paper's TRL took the token mean of each micro-batch, one prompt's group, and averaged the micro-batches."""
    monkeypatch.setattr("trl.trainer.grpo_trainer.shuffle_sequence_dict", lambda batch: batch)
    config = _config(tiny_model, aggregation="prompt_token_mean", kl_beta=0.04, micro_batch=4)
    ours = _run_ours(tiny_model, tmp_path, config, "full")
    theirs = _run_trl(
        tiny_model,
        tmp_path,
        config,
        "full",
        per_device_train_batch_size=NUM_COMPLETIONS,
        gradient_accumulation_steps=NUM_PROMPTS,
        steps_per_generation=NUM_PROMPTS,
    )
    _assert_same(ours, theirs)


def test_two_iterations_reuse_a_batch_with_the_sampling_policys_logprobs(tiny_model, tmp_path):
    config = _config(tiny_model, aggregation="batch_token_mean", kl_beta=0.0, micro_batch=4, num_iterations=2)
    _assert_same(_run_ours(tiny_model, tmp_path, config, "lora"), _run_trl(tiny_model, tmp_path, config, "lora"))


OTHER_LOSSES = {
    "gspo": {"aggregation": "completion_mean", "loss": "gspo", "clip_low": 0.01, "clip_high": 0.01},
    "cispo": {"aggregation": "batch_token_mean", "loss": "cispo", "clip_low": 1.0, "clip_high": 0.01},
    "clip-higher": {"aggregation": "batch_token_mean", "clip_low": 0.01, "clip_high": 0.02},
    "entropy": {"aggregation": "batch_token_mean", "entropy_coef": 0.1},
}


@pytest.mark.parametrize("micro_batch", [12, 5])
@pytest.mark.parametrize(("method", "kl_beta"), [("full", 0.04), ("lora", 0.0)])
@pytest.mark.parametrize("name", OTHER_LOSSES)
def test_other_losses_equal_trl(tiny_model, tmp_path, name, method, kl_beta, micro_batch):
    """Over two optimizer steps on each batch, so that ratios leave 1 and bounds this close to it act.

    TRL's cispo bounds a ratio from above only, hence clip_low 1.
    """
    config = _config(tiny_model, kl_beta=kl_beta, micro_batch=micro_batch, num_iterations=2, **OTHER_LOSSES[name])
    ours = _train_ours(tiny_model, tmp_path, config, method)
    assert name == "entropy" or ours.clipped_share > 0
    _assert_same(ours.logs, _run_trl(tiny_model, tmp_path, config, method))


@pytest.mark.parametrize("aggregation", ["completion_mean", "fixed_length"])
@pytest.mark.parametrize(("method", "num_iterations", "kl_beta"), [("full", 1, 0.0), ("lora", 2, 0.04)])
def test_updates_on_parts_of_a_rollout_equal_trls_steps_per_generation(
    tiny_model, tmp_path, monkeypatch, aggregation, method, num_iterations, kl_beta
):
    """Two rollouts, two parts each; from the second update on ratios are not 1, and bounds this close to it act.

    TRL shuffles a rollout before it cuts it, groups apart; without that its parts are ours.
    """
    monkeypatch.setattr("trl.trainer.grpo_trainer.shuffle_sequence_dict", lambda batch: batch)
    num_steps = 4 * num_iterations
    bounds = {"clip_low": 0.01, "clip_high": 0.02, "num_iterations": num_iterations}
    config = _config(
        tiny_model,
        aggregation=aggregation,
        kl_beta=kl_beta,
        micro_batch=5,
        num_parts=2,
        max_steps=num_steps,
        **bounds,
    )
    arguments = grpo_arguments(config, output_dir=tmp_path)
    assert arguments["steps_per_generation"] == 2 * arguments["gradient_accumulation_steps"]
    ours = _train_ours(tiny_model, tmp_path, config, method)
    theirs = _train_trl(tiny_model, tmp_path, config, method)
    assert ours.clipped_share > 0
    _assert_same(ours.logs, theirs.logs, num_steps=num_steps)
    start = _start(tiny_model, method)
    assert (ours.weights - theirs.weights).norm() < 1e-3 * (theirs.weights - start).norm()


def test_a_token_mean_is_over_the_part_and_trls_over_the_rollouts_average(tiny_model, tmp_path, monkeypatch):
    """TRL divides each part's sum by half of the rollout's tokens, we by the part's own: gradients differ by that."""
    monkeypatch.setattr("trl.trainer.grpo_trainer.shuffle_sequence_dict", lambda batch: batch)
    config = _config(tiny_model, aggregation="batch_token_mean", kl_beta=0.0, micro_batch=5, num_parts=2, max_steps=1)
    drawn = [list(range(40, 41 + row // 3)) for row in range(24)]  # 1 to 8 tokens, all different
    monkeypatch.setattr(GRPOTrainer, "_generate_single_turn", lambda *_, **__: (drawn, None))
    monkeypatch.setattr(LeanGRPOTrainer, "draw", lambda *_: Rollout(drawn, None))
    ((_, norm),) = _run_ours(tiny_model, tmp_path, config, "full")
    ((_, their_norm),) = _run_trl(tiny_model, tmp_path, config, "full")
    first, second = (sum(map(len, part)) for part in (drawn[:12], drawn[12:]))
    assert (first, second) == (30, 78)
    assert norm == pytest.approx(their_norm * (first + second) / 2 / first, rel=1e-3)


def _start(folder, method):
    """Return the trained weights before the first step: the model's, or an adapter as TRL draws it."""
    parts = _parts(folder, method)
    model = parts["model"] if method == "full" else get_peft_model(parts["model"], parts["peft_config"])
    return torch.cat([weight.detach().flatten().double() for weight in model.parameters() if weight.requires_grad])


@pytest.mark.parametrize("scale", ["batch", "none"])
def test_other_scales_of_the_advantage_equal_trl(tiny_model, tmp_path, scale):
    config = _config(
        tiny_model,
        aggregation="batch_token_mean",
        kl_beta=0.0,
        micro_batch=4,
        advantage={"name": "group", "scale": scale},
    )
    _assert_same(_run_ours(tiny_model, tmp_path, config, "lora"), _run_trl(tiny_model, tmp_path, config, "lora"))


def _skips_some(completions, **_):
    return [None if len(text) % 2 else len(text) / 8 for text in completions]


def _skips_others(completions, completion_ids, **_):
    return [None if len(set(ids)) % 3 else 1.0 for ids in completion_ids]


@pytest.mark.parametrize("scale", ["group", "batch", "none"])
def test_rewards_that_skip_equal_trl(tiny_model, tmp_path, scale):
    """Some completions are scored by both, some by one, some by none: means, spreads and sums are TRL's."""
    config = _config(
        tiny_model,
        aggregation="batch_token_mean",
        kl_beta=0.0,
        micro_batch=4,
        advantage={"name": "group", "scale": scale},
    )
    weights = {"_skips_some": 1.0, "_skips_others": -0.5}
    config = config.model_copy(update={"rewards": weights})
    functions = {"_skips_some": _skips_some, "_skips_others": _skips_others}
    ours = _run_ours(tiny_model, tmp_path, config, "lora", rewards=resolve_rewards(weights, {}, functions))
    _assert_same(ours, _run_trl(tiny_model, tmp_path, config, "lora", functions=functions.values()))


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("_calculate_rewards", ["self", "inputs", "prompts", "completions", "completion_ids_list"]),
        ("_generate", ["self", "prompts"]),
        ("_generate_and_score_completions", ["self", "inputs"]),
        ("_prepare_inputs", ["self", "generation_batch"]),
        ("training_step", ["self", "model", "inputs", "num_items_in_batch"]),
        ("_save_checkpoint", ["self", "model", "trial"]),
    ],
)
def test_seams_have_their_signatures(method, parameters):
    assert list(inspect.signature(getattr(GRPOTrainer, method)).parameters) == parameters


def test_logprob_seam_takes_what_ours_takes():
    """TRL 1.16 names the tensors, 1.14 hands them on; both are called with four by place and the batch size by name."""
    signature = inspect.signature(GRPOTrainer._get_per_token_logps_and_entropies)
    assert list(signature.parameters)[:2] == ["self", "model"]
    signature.bind("self", "model", "input_ids", "attention_mask", "logits_to_keep", batch_size=2)
    named = [name for name, one in signature.parameters.items() if one.kind is one.POSITIONAL_OR_KEYWORD][2:]
    assert named[:4] in ([], ["input_ids", "attention_mask", "logits_to_keep", "batch_size"])
