"""Keys of how the loss becomes an update, and of how long and how often."""

from typing import Any

from torch import Tensor

from leanrl.config.run_length import with_run_length
from leanrl.config.schema import RunConfig
from leanrl.engine.layers.kept_layers import decoder_layers
from leanrl.engine.layers.tiles import tile_modules
from leanrl.storage.run_folder import RunFolder
from leanrl.trainer.memory.probe import is_wanted
from tests.felt.felt import ANOTHER, Felt, Here, Probe, trainer_of

FULL = {"model.tuning.method": "full"}
_NUM_STEPS = 4


def group(name: str) -> Probe:
    """Return what shows a value of the optimizer's parameter groups."""

    def probe(config: RunConfig, here: Here) -> Any:
        trainer = trainer_of(config, here)
        groups = trainer.create_optimizer().param_groups
        return max(each[name] for each in groups)  # norms and biases have a group without decay

    return probe


def optimizer_name(config: RunConfig, here: Here) -> str:
    return type(trainer_of(config, here).create_optimizer()).__name__


def rates(config: RunConfig, here: Here) -> list[float]:
    """Return the learning rates of the steps, as fractions of the peak."""
    trainer = trainer_of(config, here)
    trainer.create_optimizer_and_scheduler(num_training_steps=_NUM_STEPS)
    found = []
    for _ in range(_NUM_STEPS):
        found.append(trainer.lr_scheduler.get_last_lr()[0] / config.optimizer.learning_rate)
        trainer.optimizer.step()
        trainer.lr_scheduler.step()
    return found


def argument(name: str) -> Probe:
    """Return what shows an argument of the trainer's GRPOConfig."""
    return lambda config, here: getattr(trainer_of(config, here).args, name)


def attribute(path: str) -> Probe:
    """Return what shows an attribute of the trainer, by its dotted path."""

    def probe(config: RunConfig, here: Here) -> Any:
        found = trainer_of(config, here)
        for name in path.split("."):
            found = getattr(found, name)
        return found

    return probe


def steps_of_epochs(config: RunConfig, here: Here) -> int:
    return trainer_of(with_run_length(config, num_rows=8), here).args.max_steps


def asked_at_once(config: RunConfig, here: Here) -> list[int]:
    """Return how many prompts a rollout asks, and the completions of each."""
    trainer = trainer_of(config, here)
    trainer.step.roll_out(trainer.model, step=0)
    groups = list(trainer.step.recorded.ledger)
    return [len(groups), len(groups[0][1].rewards_G)]


def parts_of_a_rollout(config: RunConfig, here: Here) -> int:
    trainer = trainer_of(config, here)
    return len(trainer.step.roll_out(trainer.model, step=0).updates)


def cut(config: RunConfig, here: Here) -> list[list[int]]:
    """Return the micro-batches of rows of 10, 30, 20 and 40 tokens."""
    return trainer_of(config, here).budget.cut([10, 30, 20, 40])


def passed_rows(config: RunConfig, here: Here) -> list[float]:
    from leanrl.engine.rows import StepRow

    rows = [StepRow([5], [6, 7], advantage=advantage, weight=0.5) for advantage in (0.0, 1.0)]
    return [row.advantage for row in trainer_of(config, here).step_pass._passed(rows)]


def layout(config: RunConfig, here: Here) -> str:
    return "packed" if trainer_of(config, here).budget.layout.num_tokens([1, 3]) == 4 else "padded"


def tiles(config: RunConfig, here: Here) -> list[int]:
    seen: list[int] = []
    here.patch.setattr(
        "leanrl.engine.prepare.tile_modules",
        lambda model, *, tile_tokens: (seen.append(tile_tokens), tile_modules(model, tile_tokens=tile_tokens)),
    )
    trainer_of(config, here)
    return seen


def recomputed_layers(config: RunConfig, here: Here) -> list[bool]:
    """Return of each decoder layer whether it runs again in the backward pass."""
    model = trainer_of(config, here).model
    model.gradient_checkpointing_enable({"use_reentrant": False})
    return [layer.gradient_checkpointing for layer in decoder_layers(model.get_base_model())]


def offloads(config: RunConfig, here: Here) -> bool:
    """Return whether the forward pass saves tensors through the hooks of host memory, on a machine with CUDA."""
    made: list[bool] = []
    here.patch.setattr("torch.cuda.is_available", lambda: True)
    here.patch.setattr("leanrl.engine.prepare._host_activations", lambda *_: made.append(True))
    from leanrl.engine.prepare import prepare_model

    model = plain_model(here)
    prepare_model(model, config.train)
    here.patch.undo()
    return bool(made)


def plain_model(here: Here) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(here.model)


def is_probed(config: RunConfig, here: Here) -> bool:
    return is_wanted(config, device_type="cpu")


def reference_stays(config: RunConfig, here: Here) -> bool:
    """Return whether the reference holds its weights while nothing is scored."""
    return not any(weight.is_meta for weight in trainer_of(config, here).ref_model.parameters())


def adapter_draw(config: RunConfig, here: Here) -> list[float]:
    """Return the first weights of A; the random state before it is the same for every seed."""
    weights: dict[str, Tensor] = dict(trainer_of(config, here).model.named_parameters())
    return next(weight for name, weight in weights.items() if "lora_A" in name).flatten()[:4].tolist()


def kept_checkpoints(config: RunConfig, here: Here) -> list[str]:
    trainer = trainer_of(config, here)
    for step in (1, 2, 3):
        written = trainer.run.partial_checkpoints / f"checkpoint-{step}"
        written.mkdir(parents=True)
        (written / "adapter_model.safetensors").write_text("weights")
        trainer.publishing.publish(step)
        trainer.publishing.wait()  # it clears the folder that the next one is written to
    return [path.name for path in RunFolder(trainer.run.path).complete_checkpoints()]


FELT = [
    Felt("optimizer.name", "adamw_offloaded", optimizer_name, "HostAdamW", beside=FULL),
    Felt("optimizer.learning_rate", 0.25, group("lr"), 0.25),
    Felt("optimizer.beta1", 0.7, group("betas"), (0.7, 0.999)),
    Felt("optimizer.beta2", 0.8, group("betas"), (0.9, 0.8)),
    Felt("optimizer.eps", 1.0e-4, group("eps"), 1.0e-4),
    Felt("optimizer.weight_decay", 0.3, group("weight_decay"), 0.3),
    Felt("optimizer.max_grad_norm", 0.2, argument("max_grad_norm"), 0.2),
    # 4 steps: constant 1; linear 1 - t/4; cosine (1 + cos(pi t/4)) / 2; with a floor f: f + (1 - f) of it.
    Felt("optimizer.schedule", "constant", rates, [1.0, 1.0, 1.0, 1.0]),
    Felt(
        "optimizer.min_learning_rate_ratio",
        0.5,
        rates,
        [1.0, 0.9267767, 0.75, 0.5732233],
        beside={"optimizer.schedule": "cosine_with_min"},
    ),
    Felt("optimizer.warmup_ratio", 0.5, rates, [0.0, 0.5, 1.0, 0.5], beside={"train.max_steps": _NUM_STEPS}),
    Felt("train.max_steps", 7, argument("max_steps"), 7),
    # 8 problems make 4 rollouts of 2 prompts an epoch.
    Felt("train.num_epochs", 1.5, steps_of_epochs, 6),
    Felt("train.num_prompts", 3, asked_at_once, [3, 4]),
    Felt("train.num_completions", 2, asked_at_once, [2, 2]),
    Felt("train.updates_per_rollout", 2, parts_of_a_rollout, 2),
    Felt("train.micro_batch_completions", 2, cut, [[3, 1], [2, 0]]),
    # Packed, 10 + 20 + 30 tokens fill 60.
    Felt("train.max_tokens_per_micro_batch", 60, cut, ANOTHER),
    Felt("train.sort_by_length", False, cut, [[0, 1], [2, 3]], beside={"train.micro_batch_completions": 2}),
    Felt("train.pack_rows", "never", layout, "padded"),
    Felt("train.skip_zero_advantage", False, passed_rows, [0.0, 1.0]),
    Felt("train.max_nonfinite_steps", 5, attribute("skipped.nonfinite.max_in_a_row"), 5),
    Felt("train.gradient_checkpointing", True, argument("gradient_checkpointing"), True),
    Felt("train.kept_layers", 1, recomputed_layers, [True, False], beside={"train.gradient_checkpointing": True}),
    Felt("train.offload_activations", True, offloads, True),
    Felt("train.tile_tokens", 64, tiles, [64]),
    Felt("train.probe", "always", is_probed, True),
    Felt("train.reference_device", "disk", reference_stays, False, beside={**FULL, "algorithm.kl_beta": 0.1}),
    Felt("train.seed", 7, adapter_draw),
    Felt("checkpoints.every_steps", 5, argument("save_steps"), 5),
    Felt("checkpoints.keep_last", 1, kept_checkpoints, ["step-000003"]),
    Felt("checkpoints.in_background", False, attribute("publishing.in_background"), False),
    Felt("tracking", "tensorboard", argument("report_to"), ["tensorboard"]),
]
