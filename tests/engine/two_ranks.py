"""Run by torchrun on two gloo ranks: one step of the engine under DDP and FSDP2, its gradients against one process.

The process alone pads its rows; the ranks pad or pack them. Rank 1 has fewer rows that teach, so its micro-batches
are filled up. The head is trained, tied or not: its gradient is added to `.grad` by hand, and has to reach the buckets
and shards all the same.
"""

import faulthandler
import sys

import torch
import torch.distributed as dist
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel
from transformers import AutoModelForCausalLM

from leanrl.engine.attention.packed import attend_to_packed_rows
from leanrl.engine.cut import cut_by_count, fill_up, longest_first, rows_that_teach
from leanrl.engine.head.scoring import attach_logprob_head
from leanrl.engine.rows import PACKED, PADDED, Layout, StepRow
from leanrl.engine.settings import LossSettings
from leanrl.engine.step import train_micro_batch

SETTINGS = LossSettings(clip_low=0.2, clip_high=0.2, kl_beta=0.0, temperature=1.0)
# Five rows of rank 0 teach, one of rank 1's.
ADVANTAGES = [[1.0, -1.0, 0.5, -0.5, 0.3, 0.0], [0.0, 0.0, 0.0, 0.8, 0.0, 0.0]]


def rows_of(rank: int) -> list[StepRow]:
    lengths = range(1 + rank, 13, 2)
    return [
        StepRow([40 + rank, 50], list(range(60, 60 + length)), advantage=advantage, weight=0.05)
        for length, advantage in zip(lengths, ADVANTAGES[rank], strict=True)
    ]


def take_step(model: nn.Module, rows: list[StepRow], *, num_ranks: int, layout: Layout = PADDED) -> None:
    teaching = rows_that_teach(rows)
    cut = cut_by_count(longest_first([row.num_tokens for row in teaching]), max_rows=2)
    counts = [len(cut)]
    if num_ranks > 1:
        counts = [0] * num_ranks
        dist.all_gather_object(counts, len(cut))
    micro_batches = fill_up([[teaching[i] for i in part] for part in cut], count=max(counts), pad_id=0)
    for index, part in enumerate(micro_batches):
        is_last = index == len(micro_batches) - 1
        if isinstance(model, DistributedDataParallel):
            model.require_backward_grad_sync = is_last
        elif num_ranks > 1:
            model.set_requires_gradient_sync(is_last)
        train_micro_batch(model, layout.lay_out(part, pad_id=0, device="cpu", dtype=torch.float64), settings=SETTINGS)


def load(folder: str) -> nn.Module:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64)
    attach_logprob_head(model)
    attend_to_packed_rows(model)
    return model.train()


def in_ddp(folder: str, *, as_bucket_view: bool) -> nn.Module:
    return DistributedDataParallel(load(folder), gradient_as_bucket_view=as_bucket_view)


def in_fsdp2(folder: str) -> nn.Module:
    model = load(folder)
    mesh = init_device_mesh("cpu", (2,))
    for layer in model.model.layers:
        fully_shard(layer, mesh=mesh)
    return fully_shard(model, mesh=mesh, reshard_after_forward=False)


def main() -> None:
    dist.init_process_group("gloo")
    rank, folder = dist.get_rank(), sys.argv[1]
    alone = load(folder)
    take_step(alone, rows_of(0) + rows_of(1), num_ranks=1)
    expected = {name: weight.grad for name, weight in alone.named_parameters()}
    wrapped = {
        "ddp": in_ddp(folder, as_bucket_view=False),
        "ddp, buckets as gradients": in_ddp(folder, as_bucket_view=True),
        "fsdp2": in_fsdp2(folder),
    }
    for name, model in wrapped.items():
        for attempt, layout in (("first", PADDED), ("second", PADDED), ("packed", PACKED)):
            model.zero_grad()
            take_step(model, rows_of(rank), num_ranks=2, layout=layout)
            for parameter, weight in model.named_parameters():
                gradient = weight.grad.full_tensor() if isinstance(weight.grad, DTensor) else weight.grad
                # Two ranks average, one process adds up.
                difference = (2 * gradient - expected[parameter.removeprefix("module.")]).abs().max().item()
                assert difference < 1e-12, f"{name}, {attempt} step, {parameter}: {difference}"
    if rank == 0:
        print("equal")
    dist.destroy_process_group()


if __name__ == "__main__":
    faulthandler.dump_traceback_later(200, exit=True)  # before the test loses its patience: says where a rank waits
    main()
