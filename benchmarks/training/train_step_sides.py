"""Side: a trainer of TRL or leanrl that takes the same step again and again, with its clock and its gradients."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from transformers import AutoTokenizer, TrainerCallback
from trl import GRPOConfig, GRPOTrainer
from trl.kernels import chunked_logprob
from trl.trainer import utils as trl_utils

from benchmarks.models.random_model import write_random_model
from benchmarks.training.operations import OperationCounter
from benchmarks.training.train_step_case import LEANRL, TRL_TILES, Case, Scale, Step, make_step, model_keys, run_values
from benchmarks.training.training_phase import SEED, clock_of, fix_completions, move_weights
from leanrl.config.schema import ModelConfig, RunConfig
from leanrl.models.adapters.adapter import with_adapter
from leanrl.models.load import load_policy
from leanrl.models.locate import LocatedModel, locate_model
from leanrl.report.progress import PlainListener
from leanrl.rewards.registry import WeightedReward
from leanrl.storage.run_folder import create_run_folder
from leanrl.trainer.grpo import LeanGRPOTrainer
from leanrl.trainer.proofs.packing import pack_if_proved
from leanrl.trainer.trl_args import grpo_arguments
from leanrl.types import Row

# Where TRL's head runs in torch, its tiles of 4096 x 32768 numbers have about eight copies at a time.
SMALL_TILE_TOKENS, SMALL_TILE_VOCABULARY = 256, 8192
Gradients = dict[str, Tensor]


@dataclass(frozen=True)
class Taken:
    """One step of a side: seconds of its training phase, and its loss."""

    wall_seconds: float
    cpu_seconds: float
    loss: float


class Side(TrainerCallback):
    """A trainer ready to take the case's step.

    Args:
        name: one of `train_step_case.SIDES`, or leanrl's with what was switched off.
        folder: an empty folder of its own.
        located: the start model.
        train: leanrl's keys of `train`; TRL has none of them.
        optimizer: transformers' name of it; "sgd" has no state, so that several sides fit beside each other.
    """

    def __init__(
        self,
        name: str,
        case: Case,
        scale: Scale,
        *,
        folder: Path,
        located: LocatedModel,
        device: str,
        train: Mapping[str, Any],
        optimizer: str = "sgd",
    ) -> None:
        self.name = name
        self.see_gradients: Callable[[Gradients], None] = lambda _: None
        is_ours = name.startswith(LEANRL)
        config = RunConfig.model_validate(run_values(case, scale, device=device, train=train if is_ours else {}))
        step = make_step(case, scale)
        arguments = grpo_arguments(config, output_dir=folder / "out") | {"save_strategy": "no", "optim": optimizer}
        build = _lean_trainer if is_ours else _trl_trainer
        self.trainer: GRPOTrainer = build(
            config, arguments, step, folder, _parts(config.model, located, scale.num_prompts)
        )
        self._completions = fix_completions(self.trainer, step)
        move_weights(self.trainer.model, method=case.method)
        self.trainer.add_callback(self)
        self._clock = clock_of(self.trainer)
        self._losses: list[Tensor] = []
        self.trainer.training_step = self._keeping_losses(self.trainer.training_step)

    def take(self) -> Taken:
        """Take the step, from TRL's `train` on; the weights stay where they are."""
        self._clock.restart()
        self._losses.clear()
        with reduced_tiles() if self.name == TRL_TILES else _as_it_comes():
            self.trainer.train()
        return Taken(self._clock.wall_seconds, self._clock.cpu_seconds, float(sum(self._losses)))

    def take_briefly(self) -> None:
        """Take a step with one token of each completion: what later steps find, such as Adam's state, is there then."""
        whole = [*self._completions]
        self._completions[:] = [tokens[:1] for tokens in whole]
        self.take()
        self._completions[:] = whole

    def count(self) -> int:
        """Return the operations of the training phase's products: those of a step whose products are left out."""
        counter = OperationCounter()
        work = self.trainer.training_step

        def counted(*args: Any, **kwargs: Any) -> Tensor:
            with counter:
                return work(*args, **kwargs)

        self.trainer.training_step = counted
        try:
            self.take()
        finally:
            self.trainer.training_step = work
        return counter.total

    def on_pre_optimizer_step(self, *_: Any, **__: Any) -> None:
        """Show the gradients, by the names of their weights."""
        weights = self.trainer.model.named_parameters()
        self.see_gradients({name: weight.grad for name, weight in weights if weight.grad is not None})

    def _keeping_losses(self, work: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def kept(*args: Any, **kwargs: Any) -> Tensor:
            self._losses.append(work(*args, **kwargs).detach())
            return self._losses[-1]

        return kept


@contextmanager
def reduced_tiles() -> Iterator[None]:
    """Let TRL's head work in tiles that suit a CPU."""
    kept = chunked_logprob.TOKEN_CHUNK_SIZE, trl_utils._CHUNKED_LOGPROB_CHUNK_SIZE
    chunked_logprob.TOKEN_CHUNK_SIZE, trl_utils._CHUNKED_LOGPROB_CHUNK_SIZE = SMALL_TILE_TOKENS, SMALL_TILE_VOCABULARY
    try:
        yield
    finally:
        chunked_logprob.TOKEN_CHUNK_SIZE, trl_utils._CHUNKED_LOGPROB_CHUNK_SIZE = kept


@contextmanager
def _as_it_comes() -> Iterator[None]:
    yield


def locate(device: str, *, tiny: bool, folder: Path) -> LocatedModel:
    """Return where the start model lies: SmolLM2's weights for a CPU, or random ones, written to `folder`."""
    keys = ModelConfig.model_validate(model_keys(device))
    if device == "cpu" and not tiny:
        return locate_model(keys)
    return write_random_model(folder, device=device, dtype=keys.dtype, tiny=tiny)


def _parts(model: ModelConfig, located: LocatedModel, num_prompts: int) -> dict[str, Any]:
    policy, adapter = with_adapter(load_policy(model, located, device="cpu"), model.tuning)
    rows = [{"prompt": str(number), "row": number} for number in range(num_prompts)]
    torch.manual_seed(SEED)  # the trainer draws the adapter's first weights
    return {
        "model": policy,
        "peft_config": adapter,
        "processing_class": AutoTokenizer.from_pretrained(located.path_or_id),
        "train_dataset": Dataset.from_list(rows),
    }


def _lean_trainer(config: RunConfig, arguments: dict[str, Any], step: Step, folder: Path, parts: Any) -> GRPOTrainer:
    rewards = cycle(step.rewards)  # one for each completion, in their order
    trainer = LeanGRPOTrainer(
        config=config,
        rows=[Row(id=row["prompt"], problem="", gold="", asked_by=row["prompt"]) for row in parts["train_dataset"]],
        rewards=[WeightedReward("fixed", 1.0, None, lambda _: next(rewards))],
        grader=None,
        run=create_run_folder(folder / "run"),
        args=GRPOConfig(**arguments),
        **parts,
    )
    pack_if_proved(trainer, listener=PlainListener())
    return trainer


def _trl_trainer(config: RunConfig, arguments: dict[str, Any], step: Step, folder: Path, parts: Any) -> GRPOTrainer:
    """Return TRL's own trainer: one generation for the whole step, then micro-batches of as many rows as leanrl's."""

    def fixed(completions: list[str], **_: Any) -> list[float]:
        return step.rewards

    rows = config.train.micro_batch_completions
    count = len(step.rewards) // rows
    cut = {"per_device_train_batch_size": rows, "gradient_accumulation_steps": count, "steps_per_generation": count}
    return GRPOTrainer(reward_funcs=[fixed], args=GRPOConfig(**arguments | cut), **parts)
