import subprocess
import sys

import pytest

from tests.trainer.small_trainer import Notes, small_config, small_trainer

MIB = 2**20
# 400 tensors of 0.75 MiB are freed and 400 of 64 KiB between them live on: 300 MiB, of which some pages are torn.
# One of 24 MiB is freed first: until then glibc maps such tensors one by one, and unmaps them when they go.
FREED_BETWEEN_LIVE_ONES = """
import psutil
import torch
from leanrl.trainer.memory.unused_memory import give_back_unused

MIB = 2**20
torch.ones(24 * MIB, dtype=torch.uint8)
freed, kept = [], []
for _ in range(400):
    freed.append(torch.ones(MIB * 3 // 4, dtype=torch.uint8))
    kept.append(torch.ones(MIB // 16, dtype=torch.uint8))
process = psutil.Process()
before = process.memory_info().rss
freed.clear()
give_back_unused(torch.device("cpu"))
assert all(tensor.sum() == MIB // 16 for tensor in kept)
print(before - process.memory_info().rss)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' allocators have no such call")
def test_freed_tensors_between_live_ones_leave_the_process():
    """In a process of its own: where tensors lie in one that has run other tests is theirs to say."""
    done = subprocess.run([sys.executable, "-c", FREED_BETWEEN_LIVE_ONES], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 250 * MIB


def test_a_rollout_finds_what_training_has_left(tiny_model, tmp_path, monkeypatch):
    """A colocated vLLM takes memory when it wakes: each step gives back before it draws."""
    trainer, _, stop = small_trainer(small_config(tiny_model), tmp_path / "run", listener=Notes())
    calls = []
    monkeypatch.setattr("leanrl.trainer.rollouts.drawing.give_back_unused", lambda device: calls.append(device.type))
    draw = trainer.rollout.draw
    monkeypatch.setattr(
        trainer.rollout, "draw", lambda *rows, **choices: calls.append("draw") or draw(*rows, **choices)
    )
    trainer.train_from(None)
    stop.restore()
    assert calls == ["cpu", "draw"] * 2
