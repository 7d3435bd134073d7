"""The trainer on two gloo ranks under DDP: gradients lie in its buckets, and are those of one process."""

import torch

from tests.torchrun import run_two_ranks
from tests.trainer.two_ranks import train


def test_gradients_are_views_of_buckets_and_equal_one_process(tiny_model, tmp_path):
    """Sixteen completions a step, of four prompts or of two on each rank, in micro-batches of three rows."""
    run_two_ranks("-m", "tests.trainer.two_ranks", str(tiny_model), str(tmp_path))
    for method in ("lora", "full"):
        train(tiny_model, tmp_path, method)
        alone = torch.load(tmp_path / f"{method}-1-0.pt")
        assert alone["num_storages"][0] == len(alone["steps"][0]) > 10
        for rank in (0, 1):
            found = torch.load(tmp_path / f"{method}-2-{rank}.pt")
            assert found["num_storages"] == [1, 1]  # one bucket holds all of them
            _assert_equal(found["steps"], alone["steps"])


def _assert_equal(ours, theirs):
    for one, other in zip(ours, theirs, strict=True):
        assert one.keys() == other.keys()
        total = torch.cat([gradient.flatten() for gradient in other.values()])
        difference = torch.cat([(one[name] - other[name]).flatten() for name in other])
        assert total.norm() > 0.01
        assert difference.norm() < 1e-5 * total.norm()
