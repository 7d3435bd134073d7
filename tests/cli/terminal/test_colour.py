"""Colours: on a terminal that takes them, and nowhere else."""

import os
import pty
import subprocess
import sys

import pytest

from leanrl.cli.terminal.colour import painted
from tests.cli.run import leanrl


def on_a_terminal(*arguments: str, **environment: str) -> str:
    """What the command writes to a stderr that is a terminal."""
    master, slave = pty.openpty()
    clean = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
    process = subprocess.Popen(
        [sys.executable, "-m", "leanrl", *arguments],
        stdout=slave if "doctor" in arguments else subprocess.DEVNULL,
        stderr=slave,
        env=clean | {"TERM": "xterm-256color"} | environment,
    )
    os.close(slave)
    written = b""
    while chunk := _read(master):
        written += chunk
    process.wait()
    os.close(master)
    return written.decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # the other end is closed
        return b""


def test_an_error_is_red_and_its_hint_cyan():
    written = on_a_terminal("plan", "-p", "cpu-dem")
    assert written.startswith("\x1b[1;31merror:\x1b[0m There is no preset `cpu-dem`.")
    assert "\x1b[36mhint:\x1b[0m Did you mean `cpu-demo`?" in written


def test_a_warning_is_yellow():
    assert "\x1b[33mwarning:\x1b[0m " in on_a_terminal("plan", "-p", "cpu-demo", "-s", 'data.system_prompt="x\\nabla"')


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_who_wants_no_colour_gets_none(environment):
    written = on_a_terminal("plan", "-p", "cpu-dem", **environment)
    assert written.startswith("error: ")
    assert "\x1b" not in written


def test_an_empty_no_color_counts_as_unset():
    """https://no-color.org: the variable works when it is present and not empty."""
    assert "\x1b[" in on_a_terminal("plan", "-p", "cpu-dem", NO_COLOR="")


def test_a_pipe_gets_none():
    outcome = leanrl("plan", "-p", "cpu-dem")
    assert outcome.err.startswith("error: ")
    assert "\x1b" not in outcome.err + outcome.out


def test_the_marks_of_doctor():
    assert "\x1b[32mok  \x1b[0m torch: " in on_a_terminal("doctor")


def test_every_kind_has_a_colour_of_its_own(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    stream = type("Terminal", (), {"isatty": lambda self: True})()
    shown = {painted("x", kind, stream=stream) for kind in ("error", "warning", "hint", "ok")}
    assert len(shown) == 4
