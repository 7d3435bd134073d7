"""Run on two gloo ranks under FSDP2, and by the test alone: full parameters with each optimizer.

Three steps with clipped gradients, the second of which is not finite, and the same again from the first's checkpoint.
"""

import faulthandler
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
from transformers import TrainerCallback

from leanrl.errors import ConfigError
from leanrl.storage.run_folder import RunFolder, create_run_folder
from leanrl.trainer.ranks.meeting import first_rank_makes, join_ranks
from leanrl.trainer.ranks.sharding import shard_weights
from tests.engine.optimizers.two_ranks_own_parts import assert_same, through_a_file
from tests.trainer.ranks.two_ranks import NUM_PROMPTS, fixed_completions
from tests.trainer.small_trainer import Notes, small_config, small_trainer

WORLD = int(os.environ.get("WORLD_SIZE", "1"))
RANK = int(os.environ.get("RANK", "0"))


class States(TrainerCallback):
    """Keeps the optimizer's state when training begins and after each step."""

    def __init__(self):
        self.at_start, self.after = None, []

    def on_train_begin(self, args, state, control, optimizer=None, **_):
        self.at_start = through_a_file(optimizer.state_dict())

    def on_step_end(self, args, state, control, optimizer=None, **_):
        self.after.append(through_a_file(optimizer.state_dict()))


def a_trainer(folder, run, name):
    """Return a trainer of three steps, and what keeps its states and metrics."""
    model = {"id": str(folder), "dtype": "float32", "compute_dtype": "float32", "tuning": {"method": "full"}}
    config = small_config(
        folder,
        model=model,
        train={"num_prompts": NUM_PROMPTS, "micro_batch_completions": 3, "max_steps": 3},
        # An eps that is no smaller than what rounding makes of gradients near 0 keeps it from becoming steps.
        optimizer={"name": name, "learning_rate": 1.0e-3, "eps": 1.0e-6, "max_grad_norm": 0.01},
        hardware={"num_gpus": 0, "device": "cpu", "num_cpu_ranks": WORLD},
        checkpoints={"every_steps": 1, "keep_last": 3},
    )
    join_ranks(config)
    shared = RunFolder(first_rank_makes(lambda: create_run_folder(Path(run)).path))
    notes, states = Notes(), States()
    trainer, *_ = small_trainer(config, shared, listener=notes)
    trainer.draw = fixed_completions(trainer)
    trainer.step.rows_of_update = broken_in_step_2(trainer)
    trainer.add_callback(states)
    shard_weights(trainer)
    return trainer, notes, states


def broken_in_step_2(trainer):
    """Return what makes the step's rows, with an advantage of NaN on the last rank in step 2."""
    rows_of = trainer.step.rows_of_update

    def make(policy, *, step):
        rows = rows_of(policy, step=step)
        if step == 1 and RANK == WORLD - 1:
            return [replace(rows[0], advantage=float("nan")), *rows[1:]]
        return rows

    return make


def train(folder, out, name):
    """Train three steps, the weights of which are in the run's checkpoints; return metrics and states.

    The optimizer's state stays what it was in the step that is skipped, and not in the next.
    """
    trainer, notes, states = a_trainer(folder, f"{out}/{name}-{WORLD}", name)
    trainer.train_from(None)
    first, second, third = (after["state"] for after in states.after)
    assert_same(second, first)
    with pytest.raises(AssertionError):
        assert_same(third, second)
    return notes.steps, states.after


def go_on(folder, out, name, after):
    """Train again from the first step's checkpoint: what it starts with is what the run had then, bit for bit."""
    trainer, notes, states = a_trainer(folder, f"{out}/{name}-again", name)
    trainer.train_from(RunFolder(Path(f"{out}/{name}-{WORLD}")).checkpoint(1))
    assert_same(states.at_start, after[0])
    assert [step["step"] for step in notes.steps] == ([2, 3] if RANK == 0 else [])


def refuse_other_ranks(folder, out, name):
    """A checkpoint with the parts of three ranks cannot be gone on from with two."""
    checkpoint = RunFolder(Path(f"{out}/{name}-{WORLD}")).checkpoint(1)
    parts = checkpoint / "optimizer_parts"
    if RANK == 0:
        for number in range(WORLD):
            (parts / f"rank-{number}-of-2.pt").rename(parts / f"rank-{number}-of-3.pt")
        (parts / "rank-2-of-3.pt").touch()
    torch.distributed.barrier()
    trainer, *_ = a_trainer(folder, f"{out}/{name}-others", name)
    with pytest.raises(ConfigError, match=r"optimizer's state of 3 ranks.* 2 ranks train"):
        trainer.train_from(checkpoint)


def main(folder, out, *names):
    for name in names:
        steps, after = train(folder, out, name)
        torch.save(steps, f"{out}/{name}-{WORLD}-{RANK}.pt")
        go_on(folder, out, name, after)
    refuse_other_ranks(folder, out, names[0])


if __name__ == "__main__":
    faulthandler.dump_traceback_later(200, exit=True)  # before the test loses its patience: says where a rank waits
    main(*sys.argv[1:])
    if dist.is_initialized():
        dist.destroy_process_group()  # gloo's threads abort a process that ends without this
