"""Checkpoints that somebody else wrote: a pickle with code in it is refused before the code runs."""

import pickle
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from leanrl.trainer.checkpoints.restore import check_optimizer, check_shards
from leanrl.trainer.ranks.part_files import _load


class Payload:
    """Makes an empty file where it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


def load_part(folder):
    _load(None, SimpleNamespace(process_index=0, num_processes=1), an_optimizer(), None, str(folder))


def compare_optimizer(folder):
    check_optimizer(an_optimizer(), folder)


def compare_shards(folder):
    check_shards(torch.nn.Linear(1, 1), folder)


def an_optimizer():
    return torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))])


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("optimizer_parts/rank-0-of-1.pt", load_part),
        ("optimizer.pt", compare_optimizer),
        ("pytorch_model_fsdp.bin", compare_shards),
    ],
)
def test_code_in_a_checkpoint_does_not_run(tmp_path, name, read):
    control, marker, file = tmp_path / "control", tmp_path / "ran", tmp_path / name
    pickle.loads(pickle.dumps(Payload(control)))
    assert control.exists()
    file.parent.mkdir(exist_ok=True)
    torch.save({"state": Payload(marker), "param_groups": []}, file)
    with pytest.raises(pickle.UnpicklingError):
        read(tmp_path)
    assert not marker.exists()
