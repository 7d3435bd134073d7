"""Run on two gloo ranks under FSDP2, and by the test alone: ranks that train unequally many rows.

Writes the whole gradients that the optimizer sees and the metrics of each step, and resumes a run with plug-ins that
have a state.
"""

import faulthandler
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.distributed as dist
from torch.distributed.fsdp import FSDPModule
from transformers import TrainerCallback

from leanrl.seams.protocols import Kept
from leanrl.seams.registry import plugin
from leanrl.storage.run_folder import RunFolder, create_run_folder
from leanrl.trainer.ranks.meeting import first_rank_makes, join_ranks
from leanrl.trainer.ranks.sharding import shard_weights
from leanrl.trainer.rollouts.bridge import Rollout
from leanrl.trainer.step.prompt_stream import PromptStream
from tests.trainer.ranks.two_ranks import NUM_PROMPTS, fixed_completions
from tests.trainer.small_trainer import Notes, small_config, small_trainer

WORLD = int(os.environ.get("WORLD_SIZE", "1"))
RANK = int(os.environ.get("RANK", "0"))
# The places of the prompts that `some_of_each` keeps in the two rollouts: none of the second rank, then one of the
# first and all of the second.
KEPT = ((0, 1), (1, 2, 3))
METRICS = ("loss", "grad_norm", "reward", "entropy", "kl", "clipped_ratio_share", "skipped_token_share", "empty_steps")


@dataclass(frozen=True)
class Case:
    """A run of two rollouts.

    Args:
        algorithm: keys of that section.
        drops: whether ranks keep the groups of `KEPT`.
        teaches: the places of the prompts whose completions differ; equal ones have equal rewards.
    """

    algorithm: dict = field(default_factory=dict)
    drops: bool = True
    teaches: tuple[int, ...] = (0, 1, 2, 3)


CASES = {
    "prompt_token_mean": Case({"aggregation": "prompt_token_mean"}),
    "batch_token_mean": Case({"aggregation": "batch_token_mean"}),
    "completion_mean": Case({"aggregation": "completion_mean"}),
    "fixed_length": Case({"aggregation": "fixed_length"}),
    "kl_and_reuse": Case({"kl_beta": 0.04, "num_iterations": 2}),
    "zero_advantages": Case(drops=False, teaches=(0,)),
}
# Plug-ins with a state that every step changes, from the second epoch on.
WITH_STATE = {
    "choose_prompts": {"name": "greso"},
    "after_step": {"name": "entropy_control", "target": 9.0, "change": 0.001, "highest": 1.0},
}


class Gradients(TrainerCallback):
    """Keeps the whole gradients before each optimizer step; gathering them takes all ranks."""

    def __init__(self, model):
        self.model, self.steps = model, []

    def on_pre_optimizer_step(self, args, state, control, **_):
        gradients = {name: weight.grad.detach() for name, weight in self.model.named_parameters()}
        self.steps.append(
            {
                name: gradient.full_tensor() if hasattr(gradient, "full_tensor") else gradient.clone()
                for name, gradient in gradients.items()
            }
        )


def prompts_of_rollouts(config):
    """Return the numbers of the problems of each rollout, in their order."""
    stream = PromptStream(8, seed=config.train.seed, shuffles=config.data.shuffle)
    return [stream.take(NUM_PROMPTS) for _ in KEPT]


def some_of_each(config):
    """Register what keeps the groups of `KEPT`."""
    kept = {
        f"{numbers[place]}+{numbers[place]}"
        for numbers, places in zip(prompts_of_rollouts(config), KEPT, strict=True)
        for place in places
    }

    @plugin("keep_rows", "some_of_each")
    def some(group):
        return Kept(tuple(range(len(group.rewards_G)) if group.samples_G[0].problem in kept else ()))


def teaching(trainer, places):
    """Return what draws as `fixed_completions` and repeats one completion for prompts at other places."""
    draw = fixed_completions(trainer)
    tokenize = trainer.step.prompts.tokenize
    taught = [
        tokenize(trainer.rows[numbers[place]])
        for numbers in prompts_of_rollouts(trainer.lean_config)
        for place in places
    ]

    def equal(beginnings_B):
        drawn = draw(beginnings_B).completion_ids_B
        size = trainer.num_generations
        firsts = [drawn[number - number % size] for number in range(len(drawn))]
        pairs = zip(beginnings_B, drawn, firsts, strict=True)
        return Rollout([ids if beginning in taught else first for beginning, ids, first in pairs], None)

    return equal


def a_trainer(folder, run, *, algorithm, **train):
    """Return a trainer of full parameters, in shards where there are two ranks, and what hears its steps."""
    model = {"id": str(folder), "dtype": "float32", "compute_dtype": "float32", "tuning": {"method": "full"}}
    config = small_config(
        folder,
        model=model,
        algorithm=algorithm,
        train={"num_prompts": NUM_PROMPTS, "micro_batch_completions": 3, **train},
        hardware={"num_gpus": 0, "device": "cpu", "num_cpu_ranks": WORLD},
        checkpoints={"every_steps": 2, "keep_last": 9},
    )
    some_of_each(config)
    join_ranks(config)
    notes = Notes()
    shared = run if isinstance(run, RunFolder) else RunFolder(first_rank_makes(lambda: create_run_folder(run).path))
    trainer, *_ = small_trainer(config, shared, listener=notes)
    shard_weights(trainer)
    assert isinstance(trainer.model, FSDPModule) == (WORLD > 1)
    return trainer, notes


def train(folder, out, name):
    """Train a case and write what each rank found to `out`."""
    case = CASES[name]
    keeps = {"keep_rows": {"name": "some_of_each"}} if case.drops else {}
    max_steps = len(KEPT) * case.algorithm.get("num_iterations", 1)
    path = Path(out) / f"{name}-{WORLD}"
    trainer, notes = a_trainer(folder, path, algorithm={**case.algorithm, **keeps}, max_steps=max_steps)
    trainer.draw = teaching(trainer, case.teaches)
    gradients = Gradients(trainer.model)
    trainer.add_callback(gradients)
    trainer.train_from(None)
    torch.save({"gradients": gradients.steps, "metrics": notes.steps}, f"{path}-{RANK}.pt")


def train_with_state(folder, run, *, checkpoint=None):
    """Train six steps of two epochs, or those after a checkpoint, and return what this rank has at the end."""
    trainer, notes = a_trainer(folder, run, algorithm=WITH_STATE, max_steps=6)
    trainer.train_from(checkpoint)
    weights = {name: weight.detach() for name, weight in trainer.model.named_parameters()}
    return {
        "lines": [{key: line[key] for key in METRICS} for line in notes.steps],
        "plugins": trainer.step.algorithm.state_dict(),
        "entropy_coef": trainer.step_pass.settings.entropy_coef,
        "prompts": trainer.step.prompts.stream.state_dict(),
        "ledger": list(trainer.step.recorded.ledger),
        "weights": {name: weight.full_tensor() for name, weight in weights.items()},
    }


def go_on(folder, out):
    """Train a run whole and again from a checkpoint, and write what this rank has at both ends to `out`."""
    run = Path(out) / "state"
    whole = train_with_state(folder, run)
    again = train_with_state(folder, RunFolder(run), checkpoint=RunFolder(run).checkpoint(4))
    torch.save({"whole": whole, "again": again}, Path(out) / f"state-{RANK}.pt")


def main(folder, out, *names):
    for name in names:
        if name == "state":
            go_on(folder, out)
        else:
            train(folder, out, name)


if __name__ == "__main__":
    faulthandler.dump_traceback_later(200, exit=True)  # before the test loses its patience: says where a rank waits
    main(*sys.argv[1:])
    if dist.is_initialized():
        dist.destroy_process_group()  # gloo's threads abort a process that ends without this
