"""A rank that is alone although a process group exists: a colocated vLLM makes one, over NCCL on a card."""

import pytest
import torch.distributed as dist

from leanrl.trainer.ranks.meeting import (
    first_of_ranks,
    first_rank_makes,
    highest_of_ranks,
    of_all_ranks,
    wait_for_all_ranks,
)


@pytest.fixture
def group_of_one(tmp_path, monkeypatch):
    """A real group without another member, in which every collective fails."""
    dist.init_process_group("gloo", init_method=f"file://{tmp_path / 'meeting'}", rank=0, world_size=1)
    for name in ("barrier", "broadcast_object_list", "all_gather_object"):
        monkeypatch.setattr(dist, name, lambda *_, name=name, **__: pytest.fail(f"{name} needs a backend"))
    yield
    dist.destroy_process_group()


def test_a_rank_alone_asks_no_backend(group_of_one, tmp_path):
    wait_for_all_ranks()
    assert first_rank_makes(lambda: tmp_path) == tmp_path
    assert highest_of_ranks(2.0) == 2.0
    assert of_all_ranks("a") == ["a"]
    assert first_of_ranks(None) is None
