"""A vLLM server of leanrl's own: started where only this machine reaches it, watched, and ended with the run."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from leanrl.errors import MissingError
from leanrl.guard import end_guard
from leanrl.machine.endings import ending_in_words
from leanrl.rollout.server.client import ServerClient
from leanrl.rollout.server.command import server_command
from leanrl.rollout.server.place import place_of_server

_POLL_SECONDS = 0.5
_LOG_LINES = 15


class ServerProcess:
    """`python -m vllm.entrypoints.openai.api_server` under a guard that outlives nobody.

    Args:
        flags: the engine's flags.
        port: where it listens on 127.0.0.1, for every user of this machine; None is a socket in a folder that only
            this user can enter.
        log: the file that receives what it prints.
        environment: variables besides this process's own, those of `server_environment`.
        start_seconds: how long it may load weights.
    """

    def __init__(
        self,
        flags: Sequence[str],
        *,
        port: int | None,
        log: Path,
        environment: Mapping[str, str],
        start_seconds: float,
    ) -> None:
        self._place = place_of_server(port)
        self.url = self._place.url
        self._command = server_command(sys.executable, flags, listens=self._place.flags)
        self._log = log
        self._environment = environment
        self._start_seconds = start_seconds
        self._guard: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and return when it answers.

        Raises:
            ConfigError: if the port is taken.
            MissingError: if it ends while starting, or does not answer in time; with its last lines.
        """
        self._place.prepare()
        with self._log.open("ab") as log:
            self._guard = subprocess.Popen(
                [sys.executable, "-m", "leanrl.guard", *self._command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **self._environment},
                start_new_session=True,  # a Ctrl-C on the terminal is the trainer's, which then closes this
            )
        client = ServerClient(self.url, deadline_seconds=self._start_seconds)
        deadline = time.monotonic() + self._start_seconds
        while not client.is_healthy():
            code = self._guard.poll()
            if code is not None:
                self.stop()
                raise self._failed(f"{ending_in_words(code)} while starting")
            if time.monotonic() > deadline:
                self.stop()
                raise self._failed(f"did not answer within {self._start_seconds:g} seconds")
            time.sleep(_POLL_SECONDS)

    def restart(self) -> None:
        """End whatever is left of it and start it anew."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """End it with everything it has started; a second call does nothing."""
        if self._guard is None:
            return
        end_guard(self._guard, "the rollout server")
        self._guard = None
        self._place.leave()

    def _failed(self, what: str) -> MissingError:
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:]
        said = "\n".join(f"    {line}" for line in lines)
        return MissingError(
            f"the rollout server {what}. The end of {self._log}:\n{said}",
            hint="-s rollout.engine=hf generates without it; the run's command with `--dry-run` prints the server's",
        )
