"""A server that does not start leaves nothing behind."""

import tempfile

import pytest

from leanrl.errors import MissingError
from leanrl.rollout.server.process import ServerProcess


def test_a_server_that_ends_while_starting_leaves_no_folder(tmp_path, monkeypatch):
    """It has no vLLM to import, or one that does not know the flag."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    process = ServerProcess(["--no-such-flag"], port=None, log=tmp_path / "log", environment={}, start_seconds=100)
    with pytest.raises(MissingError, match=r"ended with code [^0].* while starting"):
        process.start()
    assert [path.name for path in tmp_path.iterdir()] == ["log"]
