"""What a merge that is killed leaves beside its output, and what the next one into the same place makes of it."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from leanrl.errors import ConfigError
from leanrl.models.merging.beside import written_beside
from leanrl.models.merging.merge import merge_run
from tests.models.conftest import MakeRun

KILLED = """
import os, pathlib, signal, sys
from leanrl.models.merging.beside import written_beside
with written_beside(pathlib.Path(sys.argv[1]), say=print) as beside:
    (beside / "model.safetensors").write_bytes(bytes(1000))
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_merge_removes_what_a_killed_one_left_and_says_so(make_run: MakeRun, tmp_path: Path) -> None:
    out, said = tmp_path / "models" / "out", []
    killed = subprocess.run([sys.executable, "-c", KILLED, out], capture_output=True, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    (left,) = out.parent.iterdir()
    assert left.name.startswith(".out.")
    merge_run(make_run().path, out, say=said.append)
    assert said[0] == f"removed {left}, which a merge that was killed had left"
    assert list(out.parent.iterdir()) == [out]
    assert not (out / ".owner").exists()


def test_one_that_is_at_work_and_a_users_folder_stay(tmp_path: Path) -> None:
    users, said = tmp_path / ".out.mine.partial", []
    users.mkdir()
    first, second = (written_beside(tmp_path / "out", say=said.append) for _ in range(2))
    with pytest.raises(ConfigError, match="was created meanwhile"), first as one, second as another:
        assert sorted(tmp_path.iterdir()) == sorted([users, one, another])
    assert sorted(tmp_path.iterdir()) == [users, tmp_path / "out"]
    assert said == [f"{users} stays: nothing says which process made it; `rm -r {users}` removes it"] * 2
