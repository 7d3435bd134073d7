"""The decisions of a run without a model: prompts chosen by their ledger, groups drawn by step and prompt.

Run on two gloo ranks, and by the test alone. A rollout has 4 groups of 4 completions, so that two ranks
have two groups each. `python -m tests.ledger.small_run FOLDER STEPS` prints the choices of each rank.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from leanrl.ledger.recorded import RecordedLedger
from leanrl.storage.checkpoint_files import LEDGER
from leanrl.storage.run_folder import RunFolder
from leanrl.types import Ledger, Visit

G, NUM_WANTED, SAVE_EVERY = 4, 4, 2
PROBLEMS = {f"{number:016x}": f"Problem {number}: how many?" for number in range(60)}
Gather = Callable[[list[Any]], list[Any]]


def alone(items: list[Any]) -> list[Any]:
    return items


def take_steps(
    run: RunFolder, steps: range, *, gather: Gather = alone, rank: int = 0, ranks: int = 1, resumes: bool = False
) -> list[list[str]]:
    """Take steps as one of the ranks, with a checkpoint after every second one, and return the prompts of each."""
    kept = RecordedLedger(run if rank == 0 else None)
    if resumes:
        kept.restore(run.checkpoint(steps.start))
        kept.rewind_copy()
    choices = []
    for step in steps:
        chosen = choose(step, kept.ledger)
        choices.append(chosen)
        own = NUM_WANTED // ranks
        groups = [(prompt, draw(step, prompt)) for prompt in chosen[rank * own : (rank + 1) * own]]
        kept.record(gather(groups), problems=PROBLEMS)
        if (step + 1) % SAVE_EVERY == 0 and rank == 0:
            run.checkpoint(step + 1).mkdir(parents=True)
            kept.save(run.checkpoint(step + 1), step=step + 1)
    return choices


def choose(step: int, ledger: Ledger) -> list[str]:
    """Return prompts in an order of the step, those last whose newest group had no signal."""
    rng = Random(f"11/{step}")
    order = sorted(PROBLEMS, key=lambda prompt: (is_decided(ledger, prompt), rng.random()))
    return order[:NUM_WANTED]


def is_decided(ledger: Ledger, prompt: str) -> bool:
    visits = ledger.visits(prompt)
    return bool(visits) and visits[-1].is_decided


def draw(step: int, prompt: str) -> Visit:
    """Return a group whose completions are all right, all wrong, or mixed."""
    rng = Random(f"{step}/{prompt}")
    chance = rng.choice((0.0, 0.5, 1.0))
    correct = tuple(rng.random() < chance for _ in range(G))
    rewards = tuple(is_correct + rng.random() for is_correct in correct)
    return Visit(step, step // 4, rewards, correct, tuple(rng.randint(1, 99) for _ in correct), (False,) * G)


def checkpoint_bytes(run: RunFolder, step: int) -> bytes:
    return (run.checkpoint(step) / LEDGER).read_bytes()


def main() -> None:
    import torch.distributed as dist

    def gather(items: list[Any]) -> list[Any]:
        found: list[Any] = [None] * dist.get_world_size()
        dist.all_gather_object(found, items)
        return [item for part in found for item in part]

    folder, num_steps = Path(sys.argv[1]), int(sys.argv[2])
    dist.init_process_group("gloo")
    rank, ranks = dist.get_rank(), dist.get_world_size()
    choices = take_steps(RunFolder(folder), range(num_steps), gather=gather, rank=rank, ranks=ranks)
    for told in gather([choices]):
        if rank == 0:
            print(json.dumps(told))
    dist.destroy_process_group()  # gloo's threads abort a process that ends without this


if __name__ == "__main__":
    main()
