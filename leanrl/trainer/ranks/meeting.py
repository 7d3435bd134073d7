"""What training ranks do together outside of TRL's loop: meet, wait for each other, and let the first one write."""

import atexit
import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import torch
import torch.distributed as dist

from leanrl.config.schema import RunConfig
from leanrl.launch.this_rank import MEETING, Rank, is_first_rank, note_leaving, this_rank

Value = TypeVar("Value")

# The longest that one rank may be busy while the others wait for it: torch's own limit for gloo, for NCCL as well,
# whose ten minutes a rollout may take longer than. transformers sets no limit on a CPU.
_LONGEST_WAIT = timedelta(minutes=30)


def join_ranks(config: RunConfig) -> None:
    """Meet the other ranks; nothing where this process is alone. accelerate keeps a group that exists."""
    rank = this_rank()
    if rank is None or rank.num_ranks == 1 or dist.is_initialized():
        return
    where = _meeting_of(rank)
    if config.hardware.is_cpu or not torch.cuda.is_available():
        dist.init_process_group("gloo", timeout=_LONGEST_WAIT, **where)
        # If gloo's threads outlived the interpreter, they would abort it: code 134 in place of the rank's own.
        atexit.register(_leave_ranks)
    else:
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
        dist.init_process_group("nccl", timeout=_LONGEST_WAIT, device_id=device, **where)
    atexit.register(note_leaving)  # runs before what was registered before it


def _meeting_of(rank: Rank) -> dict[str, Any]:
    """Return where ranks meet: in a file where leanrl has started them, else where their starter says.

    torch's TCPStore listens on every interface of the machine, whatever MASTER_ADDR is.
    """
    file = os.environ.get(MEETING)
    if file is None:
        return {}
    store = dist.FileStore(file, rank.num_ranks)
    store.set_timeout(_LONGEST_WAIT)
    return {"store": store, "rank": rank.number, "world_size": rank.num_ranks}


def _has_others() -> bool:
    """Return whether ranks have to meet: a colocated vLLM makes a group of one, whose NCCL nothing needs."""
    return dist.is_initialized() and dist.get_world_size() > 1


def _leave_ranks() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()


def wait_for_all_ranks() -> None:
    """Return when every rank has come here."""
    if _has_others():
        dist.barrier()


def first_rank_makes(make: Callable[[], Path]) -> Path:
    """Return what `make` gives on the first rank, on all of them; call it everywhere, after `join_ranks`."""
    if not _has_others():
        return make()
    box: list[Path | None] = [make() if is_first_rank() else None]
    dist.broadcast_object_list(box, src=0)
    made = box[0]
    assert made is not None
    return made


def highest_of_ranks(number: float) -> float:
    """Return the highest number that any rank gives; call it on all of them."""
    if not _has_others():
        return number
    numbers: list[float] = [number] * dist.get_world_size()
    dist.all_gather_object(numbers, number)
    return max(numbers)


def of_all_ranks(value: Value) -> list[Value]:
    """Return what every rank gives, in the order of their numbers; call it on all of them."""
    if not _has_others():
        return [value]
    values: list[Any] = [None] * dist.get_world_size()
    dist.all_gather_object(values, value)
    return values


def first_of_ranks(text: str | None) -> str | None:
    """Return the text of the first rank that gives one, on all of them; call it on all of them."""
    if not _has_others():
        return text
    texts: list[str | None] = [text] * dist.get_world_size()
    dist.all_gather_object(texts, text)
    return next((given for given in texts if given is not None), None)
