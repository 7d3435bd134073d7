"""The pool of killable processes."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from leanrl.errors import MissingError
from leanrl.grading.pool import GraderPool, _cores_of_this_rank
from leanrl.types import GradeRequest
from tests.grading.processes import are_waiting, is_alive, processes_of, state, wait_until

HANGS = r"\boxed{9^{9^{9^{9}}}}"


def test_verdicts_come_in_order(pool):
    """Two answers that need no parser around two that do, and one without a box."""
    requests = [
        GradeRequest(r"\boxed{4}", "4"),
        GradeRequest(r"\boxed{x+1}", "1+x"),
        GradeRequest("4", "4"),
        GradeRequest(r"\boxed{x+1}", "x+2"),
        GradeRequest(r"\boxed{5}", "4"),
    ]
    assert [verdict.reason for verdict in pool.grade(requests)] == ["correct", "correct", "no_box", "wrong", "wrong"]


def test_no_requests_start_no_process():
    """Nor do answers that are plain without a parser."""
    before = processes_of(os.getpid())
    with GraderPool(num_workers=1) as pool:
        assert pool.grade([]) == []
        assert pool.grade([GradeRequest(r"\boxed{4}", "4.0")])[0].correct
        assert processes_of(os.getpid()) == before


def test_golds_that_are_plain_numbers_reach_no_child():
    before = processes_of(os.getpid())
    with GraderPool(num_workers=1) as pool:
        assert all(pool.can_parse_gold(["4", " -0.25 ", "3/4", "1,080", r"\frac{1}{2}"]))
        assert processes_of(os.getpid()) == before
        assert pool.can_parse_gold(["4", r"\frac{", "x+1"]) == [True, False, True]
        assert processes_of(os.getpid()) != before


def test_golds_are_read_out_of_their_texts(pool):
    golds = [
        "The answer is 42",
        "Answer: 42",
        "<answer>42</answer>",
        "It is so.\n#### 42",
        "42 (apples)",
        r"So \boxed{42}",
    ]
    assert all(verdict.correct for verdict in pool.grade([GradeRequest(r"\boxed{42}", gold) for gold in golds]))
    assert not any(verdict.correct for verdict in pool.grade([GradeRequest(r"\boxed{43}", gold) for gold in golds]))


def test_an_answer_that_hangs_is_killed_and_the_next_is_judged():
    """The CPU limit ends it with reason timeout; the pool goes on, for the same and for the next batch."""
    with GraderPool(num_workers=1, seconds=0.5) as pool:
        requests = [GradeRequest(HANGS, "5"), GradeRequest(r"\boxed{x+1}", "1+x")]
        verdicts = pool.grade(requests)
        assert [verdict.reason for verdict in verdicts] == ["timeout", "correct"]
        assert verdicts[0].seconds >= 0.5
        assert pool.grade([GradeRequest(r"\boxed{x+2}", "2+x")])[0].correct


def test_the_answer_of_a_killed_worker_is_judged_by_another():
    """Killed from outside once, before it has read the answer."""
    before = processes_of(os.getpid())
    with GraderPool(num_workers=1, seconds=60) as pool:
        pool.grade([GradeRequest(r"\boxed{x+1}", "1+x")])
        wait_until(lambda: are_waiting(processes_of(os.getpid()) - before))
        ours = processes_of(os.getpid()) - before
        for pid in ours:
            os.kill(pid, signal.SIGSTOP)
        verdicts = []
        thread = threading.Thread(target=lambda: verdicts.extend(pool.grade([GradeRequest(r"\boxed{x+2}", "2+x")])))
        thread.start()
        wait_until(lambda: bool(pool._crew._running))
        [asked] = [child._process.pid for child in pool._crew._running]
        for pid in sorted(ours, key=lambda pid: pid == asked):
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda pid=pid: not is_alive(pid))  # a dying spare takes the answer, and is its second worker
        thread.join(timeout=60)
        assert [verdict.reason for verdict in verdicts] == ["correct"]


def _kill_until_judged(thread, pool):
    """Kill each process that has an answer until the thread has its verdicts."""
    deadline = time.monotonic() + 60
    while thread.is_alive():
        assert time.monotonic() < deadline
        for child in list(pool._crew._running):
            with contextlib.suppress(ProcessLookupError):
                os.kill(child._process.pid, signal.SIGKILL)
        thread.join(timeout=0.05)


def test_an_answer_that_ends_two_workers_costs_one_verdict():
    """Killed from outside in the middle of an answer, and again: reason died, and the pool goes on."""
    before = processes_of(os.getpid())
    with GraderPool(num_workers=1, seconds=60) as pool:
        pool.grade([GradeRequest(r"\boxed{x+1}", "1+x")])
        wait_until(lambda: are_waiting(processes_of(os.getpid()) - before))  # the spare one, too, has started
        ours = processes_of(os.getpid()) - before
        verdicts = []
        thread = threading.Thread(target=lambda: verdicts.extend(pool.grade([GradeRequest(HANGS, "5")])))
        thread.start()
        wait_until(lambda: any(state(pid) == "R" for pid in ours))
        for pid in ours:
            os.kill(pid, signal.SIGKILL)
        _kill_until_judged(thread, pool)
        assert [verdict.reason for verdict in verdicts] == ["died"]
        # The spare one, too, was killed; while it is on its way out it would take one more answer with it.
        wait_until(lambda: not any(is_alive(pid) for pid in ours))
        assert pool.grade([GradeRequest(r"\boxed{x+2}", "2+x")])[0].correct


def test_a_batch_is_judged_side_by_side():
    """Two answers that hang, two workers: both compute at the same moment, by the kernel's word."""
    before = processes_of(os.getpid())
    with GraderPool(num_workers=2, seconds=60) as pool:
        pool.grade([GradeRequest(rf"\boxed{{x+{number}}}", f"{number}+x") for number in (1, 2)])
        wait_until(lambda: are_waiting(processes_of(os.getpid()) - before))  # the spare one, too, has started
        requests = [GradeRequest(HANGS, "5"), GradeRequest(HANGS, "6")]
        verdicts = []
        thread = threading.Thread(target=lambda: verdicts.extend(pool.grade(requests)))
        thread.start()
        busy = set()

        def are_two_busy() -> bool:
            busy.clear()
            busy.update(pid for pid in processes_of(os.getpid()) - before if state(pid) == "R")
            return len(busy) == 2

        wait_until(are_two_busy)
        for pid in busy:
            os.kill(pid, signal.SIGKILL)
        _kill_until_judged(thread, pool)
        assert [verdict.reason for verdict in verdicts] == ["died", "died"]


def test_a_worker_that_died_while_idle_costs_nothing():
    """It is replaced when the next answer finds it dead."""
    before = processes_of(os.getpid())
    with GraderPool(num_workers=1) as pool:
        pool.grade([GradeRequest(r"\boxed{x+1}", "1+x")])
        for pid in processes_of(os.getpid()) - before:
            os.kill(pid, signal.SIGKILL)
            wait_until(lambda pid=pid: not is_alive(pid))
        assert pool.grade([GradeRequest(r"\boxed{x+2}", "2+x")])[0].correct


def test_a_worker_that_does_not_read_costs_one_verdict():
    """More than a pipe holds goes to a worker that is stopped, as a debugger or a full machine may leave it."""
    before = processes_of(os.getpid())
    with GraderPool(num_workers=1, seconds=0.5) as pool:
        pool._crew._wall_seconds = 120.0
        assert pool.grade([GradeRequest(r"\boxed{x+1}", "1+x")])[0].correct
        pool._crew._wall_seconds = 1.0
        stopped = processes_of(os.getpid()) - before
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        wait_until(lambda: all(state(pid) == "T" for pid in stopped))
        long = GradeRequest("x" * 200_000 + r"\boxed{x+2}", "2+x", "as_run")
        waking = threading.Timer(60.0, _wake, [stopped])  # a request that waits without end would never fail
        waking.start()
        assert pool.grade([long])[0].reason == "timeout"
        assert waking.is_alive(), "the request waited for the worker"
        waking.cancel()
        assert pool.grade([GradeRequest(r"\boxed{x+3}", "3+x")])[0].reason in ("timeout", "correct")
        pool._crew._wall_seconds = 120.0
        assert pool.grade([GradeRequest(r"\boxed{x+4}", "4+x")])[0].correct


def _wake(stopped):
    for pid in stopped:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def test_memory_is_bounded():
    """A number that would fill gigabytes is refused them, and the pool goes on."""
    with GraderPool(num_workers=1, seconds=3, memory_bytes=300 * 2**20) as pool:
        (verdict,) = pool.grade([GradeRequest(r"\boxed{\gcd(9^{9^{9}}, 3^{3^{20}})}", "x")])
        assert verdict.reason in ("memory", "timeout", "died")  # gmpy2, where installed, ends the process
        assert pool.grade([GradeRequest(r"\boxed{x+2}", "2+x")])[0].correct


def test_workers_have_a_process_group_of_their_own():
    """Ctrl-C in a terminal goes to the trainer's group; its last verdicts must not die of it."""
    before = processes_of(os.getpid())
    with GraderPool(num_workers=1) as pool:
        pool.grade([GradeRequest(r"\boxed{x+1}", "1+x")])
        for pid in processes_of(os.getpid()) - before:
            assert os.getpgid(pid) not in (os.getpgid(0), 0)


@pytest.mark.parametrize(("ranks", "workers"), [("1", 4), ("2", 2), ("3", 1), ("8", 1)])
def test_ranks_share_the_cores(monkeypatch, ranks, workers):
    """Four cores, as many workers as each rank's part, one at least."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(4)))
    monkeypatch.setenv("LOCAL_WORLD_SIZE", ranks)
    assert _cores_of_this_rank() == workers


def test_closing_leaves_no_process():
    """Not even one that is busy starting; a second call does nothing, and a closed pool says so."""
    before = processes_of(os.getpid())
    pool = GraderPool(num_workers=2)
    pool.grade([GradeRequest(r"\boxed{x+1}", "1+x")])
    assert processes_of(os.getpid()) > before
    pool.close()
    assert processes_of(os.getpid()) == before
    pool.close()
    with pytest.raises(ValueError, match="closed"):
        pool.grade([])


SCRIPT = """
import os, sys
from leanrl.grading.pool import GraderPool
from leanrl.types import GradeRequest
pool = GraderPool(num_workers=1)
print(pool.grade([GradeRequest(r"\\boxed{x+1}", "1+x")])[0].reason)
print(sorted({"sympy", "math_verify", "torch"} & set(sys.modules)))
threads = os.listdir("/proc/self/task")
print([int(c) for t in threads for c in open(f"/proc/self/task/{t}/children").read().split()], flush=True)
"""


def start_script(tmp_path: Path, last_line: str) -> subprocess.Popen:
    """Start a script that grades at its top level, without a __main__ guard."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT + last_line)
    (tmp_path / "sympy.py").write_text("raise RuntimeError('the working directory is on the path')")
    return subprocess.Popen(
        [sys.executable, "-P", str(script)], stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=os.environ
    )


def test_a_script_without_a_main_guard_can_grade(tmp_path):
    """And its own process never imports the parser; leaving without close() ends the workers too."""
    process = start_script(tmp_path, "")
    reason, modules, children = process.communicate(timeout=60)[0].splitlines()
    assert (reason, modules, process.returncode) == ("correct", "[]", 0)
    pids = json.loads(children)
    assert len(pids) == 2  # the worker and the spare one
    wait_until(lambda: not any(is_alive(pid) for pid in pids))


def test_a_killed_trainer_leaves_no_worker(tmp_path):
    """SIGKILL while an answer hangs: no handler runs, the kernel ends the workers."""
    process = start_script(tmp_path, f"pool.grade([GradeRequest(r'{HANGS}', '5')] * 2)\ninput()")
    lines = [process.stdout.readline() for _ in range(3)]
    process.kill()
    process.wait()
    pids = json.loads(lines[2])
    assert len(pids) == 2
    wait_until(lambda: not any(is_alive(pid) for pid in pids))


def test_workers_outlive_the_thread_that_first_needed_them(pool):
    """The kernel kills a child with the thread that started it; the pool's children come from one that stays."""
    reasons = []

    def grade(gold: str) -> None:
        reasons.append(pool.grade([GradeRequest(rf"\boxed{{x+{gold}}}", f"{gold}+x")])[0].reason)

    before = processes_of(os.getpid())
    for gold in ("7", "9"):
        thread = threading.Thread(target=grade, args=(gold,))
        thread.start()
        thread.join()
    assert reasons == ["correct", "correct"]
    assert processes_of(os.getpid()) >= before


def test_many_threads_share_a_pool(pool):
    """Eight threads with eight problems; nobody gets another's verdict."""
    reasons: dict[int, str] = {}

    def grade(number: int) -> None:
        answer = rf"\boxed{{x+{number}}}"
        reasons[number] = pool.grade([GradeRequest(answer, f"{number if number % 2 else 50}+x")])[0].reason

    threads = [threading.Thread(target=grade, args=(number,)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert reasons == {number: "correct" if number % 2 else "wrong" for number in range(1, 9)}


def test_the_same_answer_is_judged_once(pool):
    """Six equal completions are one task, and a later batch finds it in the cache: zero seconds."""
    request = GradeRequest(r"\boxed{y+5}", "5+y")
    first = pool.grade([request] * 6)
    assert len({verdict.seconds for verdict in first}) == 1
    assert [verdict.seconds for verdict in pool.grade([request])] == [0.0]


def test_a_worker_that_cannot_start_is_an_error_with_a_hint():
    """30 MiB do not hold the parser; the message says what to look at."""
    with (
        GraderPool(num_workers=1, memory_bytes=30 * 2**20) as pool,
        pytest.raises(MissingError, match=r"judges? answers cannot start"),
    ):
        pool.grade([GradeRequest(r"\boxed{x+1}", "1+x")])


@pytest.mark.parametrize("arguments", [{"num_workers": 0}, {"seconds": 0}, {"memory_bytes": 0}])
def test_limits_are_positive(arguments):
    """A pool without workers or time would judge nothing."""
    with pytest.raises(ValueError, match="must be positive"):
        GraderPool(**arguments)


def test_golds_are_checked_at_load(pool):
    """What cannot be read is found before training; the paper's code cannot read a bare number."""
    assert pool.can_parse_gold([r"\frac{1}{2}", "4", ""]) == [True, True, False]
    assert pool.can_parse_gold(["4", "$4$", r"so \boxed{4}"], "as_run") == [False, True, True]


def test_an_answer_that_computes_is_ended_by_its_cpu_seconds():
    """One second, long before a wall clock of two minutes, on a slow machine too."""
    with GraderPool(num_workers=1, seconds=1) as pool:
        pool._crew._wall_seconds = 120.0
        (verdict,) = pool.grade([GradeRequest(HANGS, "5")])
    assert verdict.reason == "timeout"
    assert 1 <= verdict.seconds < 120


def test_a_busy_machine_makes_no_right_answer_wrong():
    """A worker that gets no CPU for twice its CPU seconds, as behind ten others, has its verdict afterwards."""
    before = processes_of(os.getpid())
    with GraderPool(num_workers=1, seconds=1) as pool:
        assert pool.grade([GradeRequest(r"\boxed{x+1}", "1+x")])[0].correct
        wait_until(lambda: are_waiting(processes_of(os.getpid()) - before))  # the spare one, too, has started
        kept = processes_of(os.getpid()) - before
        for pid in kept:
            os.kill(pid, signal.SIGSTOP)

        def wake_late() -> None:
            wait_until(lambda: bool(pool._crew._running))
            time.sleep(2.0)
            _wake(kept)

        waking = threading.Thread(target=wake_late)
        waking.start()
        (verdict,) = pool.grade([GradeRequest(r"\boxed{x+2}", "2+x")])
        waking.join()
    assert verdict.correct
    assert verdict.seconds >= 2


def test_a_worker_that_is_kept_from_computing_is_ended_by_the_wall_clock():
    """Ten times its CPU seconds: reason timeout, and the pool goes on."""
    before = processes_of(os.getpid())
    with GraderPool(num_workers=1, seconds=0.1) as pool:
        wait_until(lambda: pool.grade([GradeRequest(r"\boxed{x+1}", "1+x")])[0].correct)
        wait_until(lambda: are_waiting(processes_of(os.getpid()) - before))
        for pid in processes_of(os.getpid()) - before:
            os.kill(pid, signal.SIGSTOP)
        (verdict,) = pool.grade([GradeRequest(r"\boxed{x+2}", "2+x")])
        assert verdict.reason == "timeout"
        assert verdict.seconds >= 1
        wait_until(lambda: pool.grade([GradeRequest(r"\boxed{x+3}", "3+x")])[0].correct)


def test_a_parent_that_ignores_the_limits_signal_has_workers_that_obey_it():
    """A profiler in the trainer may ignore or block SIGPROF, and a child inherits both."""
    handler = signal.signal(signal.SIGPROF, signal.SIG_IGN)
    try:
        with GraderPool(num_workers=1, seconds=0.5) as pool:
            pool._crew._wall_seconds = 120.0
            (verdict,) = pool.grade([GradeRequest(HANGS, "5")])
    finally:
        signal.signal(signal.SIGPROF, handler)
    assert verdict.reason == "timeout"
    assert verdict.seconds < 120
