"""Run on two gloo ranks, and by the test alone: steps of a trainer with completions fixed by prompt.

Writes the gradients that the optimizer sees, and in how many pieces of memory they lie.
"""

import faulthandler
import os
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
from transformers import TrainerCallback

from leanrl.seams.protocols import Kept
from leanrl.seams.registry import plugin
from leanrl.trainer.rollouts.bridge import Rollout
from leanrl.trainer.step.prompt_stream import PromptStream
from tests.trainer.small_trainer import Notes, small_config, small_trainer

NUM_PROMPTS = 4
# Method, updates on one rollout, and whether groups are dropped: all of the second rank's in the first step.
RUNS = (("lora", 1, False), ("full", 1, False), ("full", 2, False), ("lora", 1, True), ("dropout", 1, True))
# So small that nothing is dropped out, and the rows are scored as where something is.
DROPOUT = 1.0e-9


class Gradients(TrainerCallback):
    """Keeps the gradients before each optimizer step, and counts the storages that hold them."""

    def __init__(self, trainer):
        self.trainer, self.steps, self.num_storages = trainer, [], []

    def on_pre_optimizer_step(self, args, state, control, **_):
        gradients = {
            name: weight.grad for name, weight in self.trainer.model.named_parameters() if weight.requires_grad
        }
        self.steps.append({name: gradient.detach().clone() for name, gradient in gradients.items()})
        self.num_storages.append(len({gradient.untyped_storage().data_ptr() for gradient in gradients.values()}))


def fixed_completions(trainer):
    """Return what samples completions by prompt, step and number in the group, however ranks share the prompts."""

    def draw(prompt_ids):
        group = trainer.num_generations
        drawn = []
        for row, prompt in enumerate(prompt_ids):
            seed = sum(prompt) * 100 + trainer.state.global_step * 10 + row % group
            generator = torch.Generator().manual_seed(seed)
            length = int(torch.randint(1, 8, (1,), generator=generator))
            drawn.append(torch.randint(40, 90, (length,), generator=generator).tolist())
        return Rollout(drawn, None)

    return draw


def in_parts_of_two_ranks(trainer):
    """Let one process cut its rollout where two ranks do: each part has prompts of the first and of the second half."""
    take = trainer.step.prompts.stream.take

    def ordered(count):
        return torch.tensor(take(count)).view(2, -1).T.flatten().tolist()

    trainer.step.prompts.stream.take = ordered


def keep_some(config):
    """Register what keeps the first two prompts of the first step, and the first and the third of the second."""
    stream = PromptStream(8, seed=config.train.seed, shuffles=config.data.shuffle)
    first, second = stream.take(NUM_PROMPTS), stream.take(NUM_PROMPTS)
    kept = {f"{number}+{number}" for number in (first[0], first[1], second[0], second[2])}

    def some(group):
        rows = range(len(group.rewards_G)) if group.samples_G[0].problem in kept else ()
        return Kept(tuple(rows))

    plugin("keep_rows", "some")(some)


def tuning_of(method):
    """Return `model.tuning`; "dropout" is an adapter with dropout."""
    if method == "dropout":
        return {"method": "lora", "rank": 4, "dropout": DROPOUT}
    return {"method": method, "rank": 4}


def train(folder, out, method, num_parts=1, drops=False):
    """Train two rollouts in this process, alone or as one of two ranks, and write what was found to `out`.

    A rollout serves two steps where an adapter has dropout.
    """
    world, rank = int(os.environ.get("WORLD_SIZE", "1")), int(os.environ.get("RANK", "0"))
    model = {"id": str(folder), "dtype": "float32", "compute_dtype": "float32", "tuning": tuning_of(method)}
    num_iterations = 2 if method == "dropout" else 1
    sizes = {"num_prompts": NUM_PROMPTS, "micro_batch_completions": 3}
    sizes |= {"updates_per_rollout": num_parts, "max_steps": 2 * num_parts * num_iterations}
    ranks = {"num_gpus": 0, "device": "cpu", "num_cpu_ranks": world, "parallel": "ddp" if world > 1 else "auto"}
    algorithm = {"num_iterations": num_iterations} | ({"keep_rows": {"name": "some"}} if drops else {})
    config = small_config(
        folder, model=model, hardware=ranks, train=sizes, algorithm=algorithm, checkpoints={"every_steps": 100}
    )
    if drops:
        keep_some(config)
    name = f"{method}-{num_parts}-{drops}-{world}-{rank}"
    trainer, *_ = small_trainer(config, Path(out) / name, listener=Notes())
    assert trainer.accelerator.num_processes == world
    trainer.draw = fixed_completions(trainer)
    if world == 1 and num_parts > 1:
        in_parts_of_two_ranks(trainer)
    gradients = Gradients(trainer)
    trainer.add_callback(gradients)
    trainer.train()
    if world == 2:
        assert isinstance(trainer.model_wrapped, DistributedDataParallel)
        assert trainer.model_wrapped.gradient_as_bucket_view
    found = {"steps": gradients.steps, "num_storages": gradients.num_storages}
    torch.save(found, Path(out) / f"{name}.pt")


if __name__ == "__main__":
    faulthandler.dump_traceback_later(200, exit=True)  # before the test loses its patience: says where a rank waits
    for run in RUNS:
        train(*sys.argv[1:], *run)
    if dist.is_initialized():
        dist.destroy_process_group()  # gloo's threads abort a process that ends without this
