"""Ranks that leanrl starts listen to nobody outside of this machine."""

import json
from ipaddress import ip_address

import pytest

from leanrl.launch.ranks import run_ranks
from leanrl.launch.topology import ProcessSpec

# Each rank meets the other, adds what both have, and writes down where it listens.
MEETING = """
import json, os, sys
from pathlib import Path
import psutil, torch, torch.distributed as dist
from leanrl.config.load import load_config
from leanrl.trainer.ranks.meeting import join_ranks

join_ranks(load_config("cpu-demo", ["hardware.num_cpu_ranks=2", "train.micro_batch_completions=16"]).config)
total = torch.tensor([dist.get_rank() + 1])
dist.all_reduce(total)
sockets = [one for one in psutil.Process().net_connections("inet") if one.status == psutil.CONN_LISTEN]
found = {"total": total.item(), "listens": [one.laddr.ip for one in sockets]}
Path(sys.argv[1], f"{os.environ['RANK']}.json").write_text(json.dumps(found))
dist.barrier()
"""


def _rank(number, folder, **more):
    environment = {"RANK": str(number), "WORLD_SIZE": "2", "LOCAL_RANK": str(number), "LEANRL_LAUNCHED": "1"}
    environment |= {"MASTER_ADDR": "127.0.0.1", "OMP_NUM_THREADS": "1", **more}
    return ProcessSpec("rank", ["python", "-c", MEETING, str(folder)], environment=environment)


@pytest.fixture
def no_own_interface(monkeypatch):
    for name in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME"):
        monkeypatch.delenv(name, raising=False)


def test_two_ranks_meet_and_listen_on_the_loopback_alone(tmp_path, no_own_interface):
    """torch's own store would listen on 0.0.0.0 or ::, and gloo on the address of the host's name."""
    run_ranks([_rank(number, tmp_path) for number in (0, 1)], logs=tmp_path / "logs")
    found = [json.loads((tmp_path / f"{number}.json").read_text()) for number in (0, 1)]
    assert [one["total"] for one in found] == [3, 3]
    listens = [ip for one in found for ip in one["listens"]]
    assert listens, "gloo listens on one address for each rank"
    assert [ip for ip in listens if not ip_address(ip).is_loopback] == []
