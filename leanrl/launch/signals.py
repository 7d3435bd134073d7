"""SIGINT and SIGTERM around the training loop: an evaluation or a report ends at once, and what is trained is kept.

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

_NUMBERS = (signal.SIGINT, signal.SIGTERM)


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
    previous = {number: signal.getsignal(number) for number in _NUMBERS}

    def give_back() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    def receive(number: int, _: FrameType | None) -> None:
        give_back()
        raise SignalReceived(signal.Signals(number))

    for number in _NUMBERS:
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
