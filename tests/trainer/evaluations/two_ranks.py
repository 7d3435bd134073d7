"""Run on two gloo ranks: three steps, evaluated or not, of adapters under DDP and of shards under FSDP2.

Writes this rank's weights and what it knows of the evaluations to OUT/NAME-RANK.pt.
"""

import faulthandler
import os
import sys
from pathlib import Path

import torch
import torch.distributed as dist

from leanrl.config.schema import RunConfig
from leanrl.storage.run_folder import RunFolder
from leanrl.trainer.ranks.meeting import first_rank_makes
from leanrl.trainer.ranks.sharding import shard_weights
from tests.trainer.evaluations.evaluated_run import evaluated_config, open_run

SETTINGS = {"every_steps": 2, "samples": 2, "temperature": 0.8, "batch_size": 2}
METHODS = ("lora", "full")


def ranked_config(model, method, *, num_ranks, **settings):
    """Return the run of three steps with four prompts each; `settings` are those of `eval`."""
    tuning = {"method": method} if method == "full" else {"method": method, "rank": 4}
    sections = {
        "train": {"max_steps": 3, "num_prompts": 4},
        "model": {"tuning": tuning},
        "hardware": {"num_cpu_ranks": num_ranks},
        "checkpoints": {"every_steps": 100},
    }
    return RunConfig.model_validate(evaluated_config(model, sections=sections, **settings).model_dump())


def train(config, path, out):
    """Train, and write weights and evaluations of this rank to `out`."""
    trainer, *_ = open_run(config, path)
    shard_weights(trainer)
    trainer.train_from(None)
    trained = {name: value for name, value in trainer.model.named_parameters() if value.requires_grad}
    full = {name: value.full_tensor() if hasattr(value, "full_tensor") else value for name, value in trained.items()}
    done = {step: trainer.evaluations.of_step(step) for step in (0, 2, 3)}
    torch.save({"weights": {name: value.detach().clone() for name, value in full.items()}, "done": done}, out)


def _main(model, out):
    from leanrl.trainer.ranks.meeting import join_ranks

    rank = int(os.environ["RANK"])
    for method in METHODS:
        for name, settings in (("never", {}), ("evaluated", SETTINGS)):
            config = ranked_config(model, method, num_ranks=2, **settings)
            join_ranks(config)
            folder = out / f"{method}-{name}"
            made = first_rank_makes(lambda: _made(folder))  # noqa: B023  # called at once
            train(config, RunFolder(made), out / f"{method}-{name}-{rank}.pt")


def _made(folder):
    folder.mkdir()
    return folder


if __name__ == "__main__":
    faulthandler.dump_traceback_later(200, exit=True)
    _main(Path(sys.argv[1]), Path(sys.argv[2]))
    if dist.is_initialized():
        dist.destroy_process_group()
