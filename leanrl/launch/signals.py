"""Signals that ask a run to end, around the training loop: what runs there ends at once, and what is trained stays.

Within the loop `SignalStop` finishes the step and saves; what runs before and behind it has nothing to save.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from leanrl.errors import InterruptedRunError
from leanrl.hints import command
from leanrl.launch.this_rank import is_first_rank
from leanrl.storage.run_folder import RunFolder, read_json_if_whole, write_json

_ALWAYS = (signal.SIGINT, signal.SIGTERM)
# A terminal that closes, and what Slurm's --signal=USR1@SECONDS announces the end of a job with.
_UNLESS_IGNORED = (signal.SIGHUP, signal.SIGUSR1)
ENDING_SIGNALS = (*_ALWAYS, *_UNLESS_IGNORED)


def ending_signals() -> list[signal.Signals]:
    """Return the signals that ask this process to end; nohup has SIGHUP ignored, and it stays so.

    The handler of a library written in C is None to Python, and is left alone.
    """
    heard = [number for number in _UNLESS_IGNORED if signal.getsignal(number) not in (signal.SIG_IGN, None)]
    return [*_ALWAYS, *heard]


def ignore_repeats() -> None:
    """Ignore what comes twice by itself: a shell and the kernel both tell a process that its terminal is gone."""
    for number in _UNLESS_IGNORED:
        if signal.getsignal(number) is not None:
            signal.signal(number, signal.SIG_IGN)


class SignalReceived(BaseException):
    """A signal asks the process to end."""

    def __init__(self, received: signal.Signals) -> None:
        super().__init__(received.name)
        self.received = received


@contextmanager
def stopping_at_signals(run: RunFolder) -> Iterator[None]:
    """End with an InterruptedRunError at the first signal inside; a second one acts as it would without leanrl.

    Outside of the main thread signals are left to whoever has them.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = {number: signal.getsignal(number) for number in ending_signals()}

    def give_back() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    def receive(number: int, _: FrameType | None) -> None:
        give_back()
        ignore_repeats()
        raise SignalReceived(signal.Signals(number))

    for number in previous:
        signal.signal(number, receive)
    try:
        yield
    except SignalReceived as stop:
        raise _interrupted(run, stop.received) from None
    finally:
        give_back()


def _interrupted(run: RunFolder, received: signal.Signals) -> InterruptedRunError:
    """Note in the summary that the run was stopped, and return the error that says how it goes on."""
    summary = read_json_if_whole(run.summary)
    if summary.get("status") == "finished":
        what = f"stopped by {received.name} within the report; the run is complete."
        return InterruptedRunError(what, hint=command("report", run.path), signal_number=received)
    if summary and is_first_rank():
        write_json(run.summary, {**summary, "status": "stopped"})
    complete = run.complete_checkpoints()
    if not complete:
        what = f"stopped by {received.name} before the first checkpoint."
        return InterruptedRunError(what, hint=run.start_anew(), signal_number=received)
    what = f"stopped by {received.name}; {complete[-1].name} holds what is trained."
    return InterruptedRunError(what, hint=command("train", "--resume", run.path), signal_number=received)
