"""The trainer on two gloo ranks under DDP: gradients lie in its buckets, and are those of one process."""

import os
import subprocess
import sys
from pathlib import Path

import torch

from tests.trainer.two_ranks import train

ROOT = Path(__file__).resolve().parents[2]


def test_gradients_are_views_of_buckets_and_equal_one_process(tiny_model, tmp_path):
    """Sixteen completions a step, of four prompts or of two on each rank, in micro-batches of three rows."""
    command = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "tests.trainer.two_ranks"]
    done = subprocess.run(
        [sys.executable, *command, str(tiny_model), str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo", "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
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
