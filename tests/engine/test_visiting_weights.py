"""Weights that wait in host memory or in a file: where they are, what visits, and that nothing else changes."""

import gc
import os
import subprocess
import sys
import weakref
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn

from leanrl.engine.visiting_weights import HostMemory, NamelessFile, VisitingWeights
from tests.grading.processes import wait_until


def in_host_memory(model, *, device):
    return VisitingWeights(model, partial(HostMemory, device=device))


def in_file(model, folder, *, device="cpu"):
    return VisitingWeights(model, partial(NamelessFile, device=device, folder=folder))


def resident_bytes(kind: str) -> int:
    """Return what the kernel counts as this process's: RssAnon, or RssFile."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith(f"{kind}:"))


@pytest.fixture(params=["host memory", "file"])
def visit_meta(request, tmp_path):
    """Sends a model home; the meta device stands for a GPU: what is there is not here."""
    if request.param == "host memory":
        return partial(in_host_memory, device="meta")
    return partial(in_file, folder=tmp_path, device="meta")


def test_weights_visit_a_device_and_come_home():
    """The copy at home is never touched."""
    model = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 4))
    model.get_submodule("0").register_buffer("table", torch.ones(2))
    before = {name: (weight.detach().clone(), weight.data_ptr()) for name, weight in model.named_parameters()}
    weights = in_host_memory(model, device="meta")
    with weights.visiting():
        assert {weight.device.type for weight in model.parameters()} == {"meta"}
        assert model.get_submodule("0").table.device.type == "cpu"
        assert model(torch.ones(3, 4, device="meta")).device.type == "meta"
    for name, weight in model.named_parameters():
        values, address = before[name]
        assert weight.data_ptr() == address
        assert torch.equal(weight, values)
        assert not weight.requires_grad


def test_tied_weights_stay_tied(visit_meta):
    model = nn.Sequential(nn.Embedding(8, 4), nn.Linear(4, 8, bias=False))
    model[1].weight = model[0].weight
    weights = visit_meta(model)
    with weights.visiting():
        assert model[1].weight is model[0].weight
        assert model[1].weight.device.type == "meta"
    assert model[1].weight is model[0].weight


def test_weights_come_home_after_an_error(visit_meta):
    model = nn.Linear(4, 4)
    weights = visit_meta(model)
    home = model.weight.device
    with pytest.raises(RuntimeError, match="scoring"), weights.visiting():
        raise RuntimeError("scoring failed")
    assert model.weight.device == home


def test_nothing_holds_the_weights_that_were_sent_home(visit_meta):
    """On a GPU they would keep their memory there."""
    model = nn.Sequential(nn.Linear(4, 4))
    sent = weakref.ref(model[0].weight)
    visit_meta(model)
    gc.collect()
    assert sent() is None


def test_on_a_cpu_nothing_in_host_memory_is_copied():
    model = nn.Linear(4, 4)
    address = model.weight.data_ptr()
    with in_host_memory(model, device="cpu").visiting():
        assert model.weight.data_ptr() == address


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_a_file_gives_back_every_bit(tmp_path, dtype):
    """At every visit, of weights of any shape and size; even what was written to a visitor is gone with it."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv1d(3, 5, 7), nn.Linear(5, 1), nn.LayerNorm(11)).to(dtype)
    model.register_parameter("scale", nn.Parameter(torch.tensor(0.1, dtype=dtype)))
    model[1].weight = nn.Parameter(torch.randn(5, 1, dtype=dtype).T)  # no contiguous one
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    weights = in_file(model, tmp_path)
    for _ in range(2):
        assert {weight.device.type for weight in model.parameters()} == {"meta"}
        with weights.visiting():
            assert model.state_dict().keys() == before.keys()
            for name, weight in model.named_parameters():
                assert torch.equal(weight, before[name])
                assert not weight.requires_grad
                weight.data.add_(1)


def test_a_file_has_no_name(tmp_path):
    """Killed or not, a process leaves nothing behind."""
    weights = in_file(nn.Linear(4, 4), tmp_path)
    assert os.listdir(tmp_path) == []
    with weights.visiting():
        assert os.listdir(tmp_path) == []


def test_what_waits_in_a_file_is_not_in_memory(tmp_path):
    """In a process of its own: what other tests have left to be freed is theirs to say."""
    command = [sys.executable, "-c", "from tests.engine.test_visiting_weights import measure_residence as it; it()"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def measure_residence():
    """64 MiB: none of them between visits; within one, pages of the file alone, and gone again behind it.

    Half of it tells them apart: the kernel counts a process's pages by CPU, and adds up when there are many.
    """
    half = 32 * 2**20
    model = nn.Linear(4096, 4096, bias=False)
    own = resident_bytes("RssAnon")
    weights = in_file(model, Path.cwd())
    gc.collect()
    mapped = resident_bytes("RssFile")
    wait_until(lambda: resident_bytes("RssAnon") < own - half)
    with weights.visiting():
        model(torch.ones(1, 4096))
        assert resident_bytes("RssAnon") < own - half
        assert resident_bytes("RssFile") > mapped + half
    assert resident_bytes("RssFile") < mapped + half
