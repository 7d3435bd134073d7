"""Programs in processes that are forked from one which has imported the libraries: seconds less for each.

    python -c "from tests.cli.forked import serve; serve()"

`serve` reads requests, a line of JSON each: a list of processes that run side by side. It answers with a line of their
ids, and when all have ended with a line of their exit codes.
"""

import atexit
import json
import os
import runpy
import signal
import sys
import threading
import traceback
from typing import Any

from leanrl.machine.environment import quiet_libraries


def serve() -> None:
    """Fork the processes of each request until there are no more."""
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print is no reply
    _import_libraries()
    assert threading.active_count() == 1, "a thread would be lost in a fork"
    for line in sys.stdin:
        pids = []
        for process in json.loads(line):
            if (pid := os.fork()) == 0:
                replies.close()
                _run(process)
            pids.append(pid)
        print(*pids, file=replies)
        print(*_codes(pids), file=replies)


def _codes(pids: list[int]) -> list[int]:
    """Return the exit codes of processes; when one fails the others are ended, since they may wait for it."""
    codes: dict[int, int] = {}
    while len(codes) < len(pids):
        pid, status = os.wait()
        codes[pid] = os.waitstatus_to_exitcode(status)
        if codes[pid] != 0:
            for other in set(pids) - codes.keys():
                os.kill(other, signal.SIGKILL)
    return [codes[pid] for pid in pids]


def _import_libraries() -> None:
    quiet_libraries()
    import leanrl.cli.main
    import leanrl.trainer.build  # noqa: F401


def _run(request: dict[str, Any]) -> None:
    """Be `python -m MODULE ARGUMENTS`, and leave."""
    for descriptor, path in enumerate((os.devnull, request["out"], request["err"])):
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["cwd"])
    sys.argv = [request["module"], *request["arguments"]]
    code: Any = 0
    try:
        runpy.run_module(request["module"], run_name="__main__", alter_sys=True)
    except SystemExit as leaving:
        code = leaving.code
    except BaseException:
        traceback.print_exc()
        code = 1
    if isinstance(code, str):
        print(code, file=sys.stderr)
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))
