"""Where a vLLM server of leanrl's own listens: a socket in a folder of this user, or a port of the loopback."""

import os
import socket
import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from leanrl.errors import ConfigError
from leanrl.rollout.server.client import UNIX
from leanrl.rollout.server.command import HOST, on_port, on_socket
from leanrl.storage.temporary.owned import OwnedFolder, own, remove_left_behind

# sun_path of Linux holds 108 bytes with its end, that of macOS 104 (unix(7), sys/un.h).
_MOST_PATH_BYTES = 103
_PREFIX = "leanrl-server-"


class Place(Protocol):
    """Where a server listens, in the words of its client and of its command."""

    @property
    def url(self) -> str: ...

    @property
    def flags(self) -> list[str]: ...

    def prepare(self) -> None:
        """Make it ready before each start of the server."""
        ...

    def leave(self) -> None:
        """Remove what `prepare` has made."""
        ...


class SocketPlace:
    """A socket that no other user can reach: vLLM's routes ask for no password, and some of them run methods."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._owned: OwnedFolder | None = None

    @property
    def path(self) -> Path:
        return self.folder / "vllm.sock"

    @property
    def url(self) -> str:
        return f"{UNIX}{self.path}"

    @property
    def flags(self) -> list[str]:
        return on_socket(str(self.path))

    def prepare(self) -> None:
        remove_left_behind(self.folder.parent, prefix=_PREFIX)
        self.folder.mkdir(mode=0o700)  # fails where somebody else has made it
        self._owned = own(self.folder)
        if self._owned is None:  # it was taken for left behind before its lock was held, and is gone
            self.prepare()

    def leave(self) -> None:
        if self._owned is not None:
            self._owned.close()
            self._owned = None


@dataclass(frozen=True)
class PortPlace:
    """A port of the loopback, which every user of this machine can reach."""

    port: int

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def flags(self) -> list[str]:
        return on_port(self.port)

    def prepare(self) -> None:
        require_free(self.port)

    def leave(self) -> None:
        """Do nothing: the port is free when its server has ended."""


def place_of_server(port: int | None) -> Place:
    """Return the place for a server: the port that is asked for, else a new socket.

    Where the path to temporary files is too long for a socket, it is a free port.
    """
    if port is not None:
        return PortPlace(port)
    place = SocketPlace(Path(tempfile.gettempdir(), f"{_PREFIX}{uuid.uuid4().hex[:12]}"))
    return place if len(os.fsencode(place.path)) <= _MOST_PATH_BYTES else PortPlace(free_port())


def free_port() -> int:
    """Return a port of the loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def require_free(port: int) -> None:
    """Check that nobody listens on a port of the loopback.

    Raises:
        ConfigError: naming the port.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise ConfigError(
                f"rollout.server_port is {port}, and {HOST}:{port} cannot be listened on: {error.strerror}.",
                hint="-s rollout.server_port=null takes a socket of its own; -s rollout.server_url=... uses a server "
                "that runs",
            ) from error
