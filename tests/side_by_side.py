"""Work that yields rows, in forks of this process: so many side by side, and each begins when another has ended."""

import json
import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from typing import Any

Row = dict[str, Any]
Work = Callable[[], Iterator[Row]]


def rows_side_by_side(works: Sequence[Work], *, at_once: int) -> Iterator[tuple[int, Row | None]]:
    """Yield the number of a work and its next row, as they come; None in place of a row from one that has failed.

    Nothing goes on without the process that asks: a fork that finds it gone ends after its row.
    """
    waiting = deque(enumerate(works))
    running: dict[Connection, tuple[int, ForkProcess]] = {}
    while waiting or running:
        while waiting and len(running) < at_once:
            number, work = waiting.popleft()
            connection, process = _started(work)
            running[connection] = number, process
        # A grandchild that lives on keeps a pipe open, so the ends of processes are waited for too.
        wait([*running, *(process.sentinel for _, process in running.values())])
        for connection, (number, process) in list(running.items()):
            has_ended = process.exitcode is not None
            while (row := _next(connection)) is not None:
                yield number, row
            if has_ended:
                del running[connection]
                if process.exitcode != 0:
                    yield number, None


def _started(work: Work) -> tuple[Connection, ForkProcess]:
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_send_rows, args=(work, theirs, os.getpid()))
    process.start()
    theirs.close()
    return ours, process


def _send_rows(work: Work, connection: Connection, asker: int) -> None:
    for row in work():
        if os.getppid() != asker:
            return
        connection.send_bytes(json.dumps(row).encode())


def _next(connection: Connection) -> Row | None:
    """Return a row that has come, or None."""
    try:
        row: Row | None = json.loads(connection.recv_bytes()) if connection.poll() else None
    except EOFError:
        return None
    return row
