"""Run on two gloo ranks under DDP: steps in which memory runs out on the second rank only.

Each rank writes what its trainer found to a file of its own, case by case.
"""

import os
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from leanrl.engine.step import score_micro_batch, train_micro_batch
from leanrl.errors import StoppedError
from leanrl.trainer.passes import step_pass
from tests.trainer.ranks.two_ranks import NUM_PROMPTS, Gradients, fixed_completions
from tests.trainer.small_trainer import Notes, small_config, small_trainer

RANK = int(os.environ["RANK"])
# Tokens of a pass that the second rank's card holds: two rows have at most 22, the four of a micro-batch more than 24.
LIMIT = 24


class Card:
    """Stands in for a card that holds `max_tokens` of a pass; it runs out when a pass has done its work."""

    def __init__(self):
        self.max_tokens = None
        self.num_failures = 0

    def holding(self, run):
        def wrapped(model, micro_batch, **settings):
            result = run(model, micro_batch, **settings)
            if self.max_tokens is not None and micro_batch.input_ids_B_S.numel() > self.max_tokens:
                self.num_failures += 1
                raise torch.OutOfMemoryError("simulated: CUDA out of memory")
            return result

        return wrapped


def train(folder, out, card, *, case, method, fails_from, max_tokens, kl_beta=0.0, **sizes):
    """Train three steps; from step `fails_from` on the second rank's card holds `max_tokens`."""
    model = {"id": str(folder), "dtype": "float32", "compute_dtype": "float32", "tuning": {"method": method, "rank": 4}}
    sizes = {"num_prompts": NUM_PROMPTS // 2, "micro_batch_completions": 4, "max_steps": 3} | sizes
    config = small_config(
        folder,
        model=model,
        train=sizes | {"skip_zero_advantage": False},
        algorithm={"kl_beta": kl_beta},
        hardware={"num_gpus": 0, "device": "cpu", "parallel": "ddp"},
        checkpoints={"every_steps": 100},
    )
    notes = Notes()
    trainer, *_ = small_trainer(config, Path(out) / f"{case}-{RANK}", listener=notes)
    trainer.draw = fixed_completions(trainer)
    gradients = Gradients(trainer)
    trainer.add_callback(gradients)
    card.num_failures = 0

    def switch(rows_of_update=trainer.step.rows_of_update):
        def rows(policy, *, step):
            failing = RANK == 1 and step + 1 >= fails_from
            card.max_tokens = max_tokens if failing else None
            return rows_of_update(policy, step=step)

        return rows

    trainer.step.rows_of_update = switch()
    stopped = None
    try:
        trainer.train()
    except StoppedError as error:
        stopped = str(error)
    assert isinstance(trainer.model_wrapped, DistributedDataParallel)
    found = {
        "gradients": gradients.steps,
        "num_storages": gradients.num_storages,
        "budget": (trainer.budget.max_tokens, trainer.budget.num_shortages),
        "kept_layers": trainer.budget.kept_layers,
        "num_failures": card.num_failures,
        "metrics": notes.steps,
        "warned": notes.warned,
        "stopped": stopped,
    }
    torch.save(found, Path(out) / f"{case}-{RANK}.pt")


def main(folder, out):
    card = Card()
    step_pass.train_micro_batch = card.holding(train_micro_batch)
    step_pass.score_micro_batch = card.holding(score_micro_batch)
    never = 100
    for method in ("lora", "full"):
        for name, start in ((f"{method}-whole", never), (f"{method}-short", 2)):
            train(folder, out, card, case=name, method=method, fails_from=start, max_tokens=LIMIT, kl_beta=0.04)
    kept = {"gradient_checkpointing": True, "kept_layers": 2}
    train(folder, out, card, case="kept", method="lora", fails_from=2, max_tokens=LIMIT, **kept)
    train(folder, out, card, case="nothing-fits", method="lora", fails_from=2, max_tokens=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
    if dist.is_initialized():
        dist.destroy_process_group()  # gloo's threads abort a process that ends without this
