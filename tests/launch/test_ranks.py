"""Ranks started, watched and ended; each rank is a line of Python that torch has no part in."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from leanrl.launch import ranks
from leanrl.launch.ranks import RanksFailedError, run_ranks
from leanrl.launch.topology import ProcessSpec
from tests.processes import alive_after

ROOT = Path(__file__).resolve().parents[2]
# Starts a child of its own, writes both numbers down, and waits to be ended.
WAITING = (
    "import os, pathlib, subprocess, sys, time\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "beside = pathlib.Path(sys.argv[1], os.environ['RANK'] + '.tmp')\n"
    "beside.write_text(f'{os.getpid()} {child.pid}')\n"
    "beside.rename(beside.with_suffix('.pids'))\n"
    "time.sleep(600)\n"
)
FAILING = (
    "import pathlib, sys, time\n"
    "while not pathlib.Path(sys.argv[1], '0.pids').exists(): time.sleep(0.05)\n"
    "print('out of luck', file=sys.stderr); sys.exit(3)\n"
)
BROKEN = (
    "import os, pathlib, socket, sys, time\n"
    "port = pathlib.Path(sys.argv[1], 'port.txt')\n"
    "while not port.exists(): time.sleep(0.05)\n"
    "other = socket.create_connection(('127.0.0.1', int(port.read_text())))\n"
    "other.sendall(f'{os.getppid()}\\n'.encode()); raise RuntimeError('a bug')\n"
)


def losing_the_other(ending):
    """Return a rank that waits for the other one as gloo does, over a connection that breaks when that one is gone.

    It ends when the launcher has seen the end of the other one's guard: torch takes a while to leave.
    """
    return (
        "import os, pathlib, socket, sys, time\n"
        "listening = socket.create_server(('127.0.0.1', 0))\n"
        "beside = pathlib.Path(sys.argv[1], 'port.tmp')\n"
        "beside.write_text(str(listening.getsockname()[1])); beside.rename(beside.with_suffix('.txt'))\n"
        "said = listening.accept()[0].makefile().read()\n"
        "while pathlib.Path('/proc', said.strip()).exists(): time.sleep(0.01)\n"
        f"{ending}\n"
    )


# Loses such a rank, and is gone before it.
LOST_AND_GONE = (
    "import atexit, os, pathlib, socket, sys\n"
    "from leanrl.launch.this_rank import note_leaving\n"
    "atexit.register(note_leaving); listening = socket.create_server(('127.0.0.1', 0))\n"
    "beside = pathlib.Path(sys.argv[1], 'port.tmp')\n"
    "beside.write_text(str(listening.getsockname()[1])); beside.rename(beside.with_suffix('.txt'))\n"
    "other = listening.accept()[0]; other.sendall(f'{os.getppid()}\\n'.encode())\n"
    "assert other.recv(1) == b''; raise ConnectionError('the other rank is gone')\n"
)


def leaving(*, noted, ending="pass"):
    """Return a rank with a bug that leaves as torch does: slowly, and gone only when the one that lost it is gone."""
    return (
        "import atexit, os, pathlib, socket, sys, time\n"
        "from leanrl.launch.this_rank import note_leaving\n"
        "port = pathlib.Path(sys.argv[1], 'port.txt')\n"
        "while not port.exists(): time.sleep(0.05)\n"
        "other = socket.create_connection(('127.0.0.1', int(port.read_text())))\n"
        "guard = pathlib.Path('/proc', other.makefile().readline().strip())\n"
        "def leave():\n"
        f"    if {noted}: note_leaving()\n"
        "    other.shutdown(socket.SHUT_RDWR)\n"
        "    while guard.exists(): time.sleep(0.01)\n"
        f"    {ending}\n"
        "atexit.register(leave); raise RuntimeError('a bug')\n"
    )


def spec(number, code, folder):
    environment = {"RANK": str(number), "WORLD_SIZE": "2"}
    return ProcessSpec("rank", ["python", "-c", code, str(folder)], environment=environment)


def pids_in(folder, *, num_ranks):
    """Return the processes that the ranks wrote down, once all of them have; a test that waits in vain times out."""
    deadline = time.monotonic() + 60
    while len(list(folder.glob("*.pids"))) < num_ranks:
        assert time.monotonic() < deadline, "the ranks did not start"
        time.sleep(0.05)
    return [int(pid) for file in folder.glob("*.pids") for pid in file.read_text().split()]


def launcher(folder):
    """Start a process that runs two waiting ranks."""
    program = (
        "import sys; from pathlib import Path; from leanrl.launch.ranks import run_ranks\n"
        "from tests.launch.test_ranks import WAITING, spec\n"
        "folder = Path(sys.argv[1]); run_ranks([spec(n, WAITING, folder) for n in (0, 1)], logs=folder / 'logs')\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], cwd=ROOT, stderr=subprocess.DEVNULL, env=os.environ
    )


def test_ranks_that_end_well_leave_logs_of_all_but_the_first(tmp_path, capfd):
    code = "import os; print('rank', os.environ['RANK'], os.environ['MASTER_PORT'].isdigit())"
    run_ranks([spec(number, code, tmp_path) for number in (0, 1)], logs=tmp_path / "logs")
    assert capfd.readouterr().out == "rank 0 True\n"
    assert [file.name for file in (tmp_path / "logs").iterdir()] == ["rank-1.log"]
    assert (tmp_path / "logs" / "rank-1.log").read_text() == "rank 1 True\n"


def test_a_failing_rank_ends_the_others_and_is_named(tmp_path):
    specs = [spec(0, WAITING, tmp_path), spec(1, FAILING, tmp_path)]
    with pytest.raises(RanksFailedError) as caught:
        run_ranks(specs, logs=tmp_path / "logs")
    assert (caught.value.number, caught.value.code) == (1, 3)
    assert caught.value.last_lines() == "out of luck"
    assert alive_after(pids_in(tmp_path, num_ranks=1), seconds=30) == []


def test_a_rank_that_lost_another_is_not_asked_to_save(tmp_path, capfd):
    """It would say that it finishes the step, which it cannot do alone."""
    asked = "import signal; signal.signal(signal.SIGTERM, lambda *_: print('saving', flush=True))\n"
    broken = FAILING.replace("sys.exit(3)", "raise RuntimeError('a bug')")
    specs = [spec(0, asked + WAITING, tmp_path), spec(1, broken, tmp_path)]
    with pytest.raises(RanksFailedError) as caught:
        run_ranks(specs, logs=tmp_path / "logs")
    assert (caught.value.number, caught.value.code) == (1, 1)
    assert capfd.readouterr().out == ""
    assert alive_after(pids_in(tmp_path, num_ranks=1), seconds=30) == []


def test_a_rank_that_was_asked_to_end_may_write_its_summary_when_another_has_ended(tmp_path):
    """The first one has more to do: to close its engine, to finish uploads, to write the summary."""
    asked = FAILING.replace("sys.exit(3)", "sys.exit(143)")
    slow = WAITING.removesuffix("time.sleep(600)\n") + (
        "child.kill(); time.sleep(3); pathlib.Path(sys.argv[1], 'summary').touch(); sys.exit(143)\n"
    )
    with pytest.raises(RanksFailedError) as caught:
        run_ranks([spec(0, slow, tmp_path), spec(1, asked, tmp_path)], logs=tmp_path / "logs")
    assert (caught.value.number, caught.value.code) == (1, 143)
    assert (tmp_path / "summary").exists()


@pytest.mark.parametrize("broken", [0, 1])
def test_the_rank_with_the_bug_is_named_and_not_the_one_that_lost_it(tmp_path, broken):
    """Both end with a traceback and code 1."""
    lost = losing_the_other("raise ConnectionError('the other rank is gone')")
    specs = [spec(number, BROKEN if number == broken else lost, tmp_path) for number in (0, 1)]
    with pytest.raises(RanksFailedError) as caught:
        run_ranks(specs, logs=tmp_path / "logs")
    assert (caught.value.number, caught.value.code) == (broken, 1)
    assert caught.value.last_lines().splitlines()[-1:] == ([] if broken == 0 else ["RuntimeError: a bug"])


@pytest.mark.parametrize("broken", [0, 1])
def test_the_rank_that_began_to_leave_first_is_named_though_it_ends_last(tmp_path, broken):
    specs = [spec(number, leaving(noted=True) if number == broken else LOST_AND_GONE, tmp_path) for number in (0, 1)]
    with pytest.raises(RanksFailedError) as caught:
        run_ranks(specs, logs=tmp_path / "logs")
    assert (caught.value.number, caught.value.code) == (broken, 1)


@pytest.mark.parametrize(
    ("number", "named"),
    [(signal.SIGKILL, (0, 137)), (signal.SIGSEGV, (0, 139)), (signal.SIGABRT, (1, 1))],
)
def test_a_rank_that_was_killed_is_named_and_not_one_that_noted_that_it_leaves(tmp_path, number, named):
    """An abort is what a library does that has lost its partner, so there the one with the traceback is named."""
    killed = leaving(noted=False, ending=f"os.kill(os.getpid(), {number:d})")
    specs = [spec(0, killed, tmp_path), spec(1, LOST_AND_GONE, tmp_path)]
    with pytest.raises(RanksFailedError) as caught:
        run_ranks(specs, logs=tmp_path / "logs")
    assert (caught.value.number, caught.value.code) == named


def test_a_rank_that_says_why_is_named_though_another_was_gone_before(tmp_path, monkeypatch):
    """Within the time that ranks have to say it, which is as long here as a busy machine may need."""
    monkeypatch.setattr(ranks, "_SETTLE_SECONDS", 60.0)
    specs = [spec(0, BROKEN, tmp_path), spec(1, losing_the_other("sys.exit(6)"), tmp_path)]
    with pytest.raises(RanksFailedError) as caught:
        run_ranks(specs, logs=tmp_path / "logs")
    assert (caught.value.number, caught.value.code) == (1, 6)


def test_a_killed_launcher_leaves_nobody(tmp_path):
    process = launcher(tmp_path)
    pids = pids_in(tmp_path, num_ranks=2)
    assert len(pids) == 4
    process.kill()
    process.wait()
    assert alive_after(pids, seconds=30) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_the_launcher_reaches_every_rank(tmp_path, number):
    process = launcher(tmp_path)
    pids = pids_in(tmp_path, num_ranks=2)
    process.send_signal(number)
    assert process.wait(30) != 0
    assert alive_after(pids, seconds=30) == []


def test_a_thread_that_is_not_the_main_one_can_run_ranks(tmp_path):
    """A notebook's widgets and servers train in threads, where Python lets nobody set signals."""
    errors = []

    def run():
        try:
            run_ranks([spec(number, "pass", tmp_path) for number in (0, 1)], logs=tmp_path / "logs")
        except BaseException as error:  # the thread ends with it, and the test would pass
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    assert errors == []
