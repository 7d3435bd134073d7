"""How a process ended, in words."""

import signal

_SENT_WHEN = {signal.SIGKILL: " (the kernel sends it when the host's memory is full; `dmesg | tail` says so)"}


def ending_signal(code: int) -> signal.Signals | None:
    """Return the signal that ended a process, by its code in Python (-9) or in a shell (137); else None."""
    number = -code if code < 0 else code - 128
    return signal.Signals(number) if number in set(signal.Signals) else None


def ending_in_words(code: int) -> str:
    """Return what goes on a sentence that begins with the process: `ended with code 3`, `was ended by SIGSEGV`."""
    number = ending_signal(code)
    return f"ended with code {code}" if number is None else f"was ended by {number.name}{_SENT_WHEN.get(number, '')}"
