"""Where a server of leanrl's own listens, and what is left of it."""

import os
import stat
from pathlib import Path

import pytest

from leanrl.rollout.server.place import PortPlace, SocketPlace, place_of_server


def test_without_a_port_it_is_a_socket_in_a_folder_of_this_user(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", "/tmp")
    first, second = place_of_server(None), place_of_server(None)
    assert isinstance(first, SocketPlace)
    assert first.folder != second.folder
    assert first.flags == ["--uds", str(first.path)]
    assert first.url == f"unix:{first.path}"
    first.prepare()
    try:
        assert stat.S_IMODE(first.folder.stat().st_mode) == 0o700
        with pytest.raises(FileExistsError):
            first.prepare()  # somebody else has made it
    finally:
        first.leave()
    assert not first.folder.exists()


def test_the_next_server_removes_the_folder_of_one_whose_process_was_killed(tmp_path, monkeypatch):
    """The socket of another process that lives stays."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    killed, living, new = (SocketPlace(tmp_path / f"leanrl-server-{name}") for name in ("killed", "living", "new"))
    killed.prepare()
    os.close(killed._owned.lock)  # as the system does it
    living.prepare()
    new.prepare()
    assert sorted(tmp_path.iterdir()) == [living.folder, new.folder]
    for place in (living, new):
        place.leave()


def test_a_port_that_is_asked_for_is_taken():
    place = place_of_server(4321)
    assert (place.url, place.flags) == ("http://127.0.0.1:4321", ["--host", "127.0.0.1", "--port", "4321"])


def test_where_a_socket_has_too_long_a_path_it_is_a_port(monkeypatch):
    """A socket's path has at most 103 bytes, of which folder and name take 37."""
    monkeypatch.setattr("tempfile.tempdir", "/tmp/" + "x" * 80)
    assert isinstance(place_of_server(None), PortPlace)
    monkeypatch.setattr("tempfile.tempdir", "/tmp/" + "x" * 50)
    assert isinstance(place_of_server(None), SocketPlace)
    assert not Path("/tmp/" + "x" * 50).exists()
