"""Progress on a terminal and off one."""

import sys

from leanrl.cli.terminal.progress import BarListener, listening
from leanrl.report.progress import PlainListener


def _metrics(step):
    return {
        "step": step,
        "rewards": {"accuracy": 0.5},
        "completion_tokens": {"mean": 12.0},
        "truncated_share": 0.25,
        "kl": None,
        "seconds": {"step": 2.0},
    }


def test_a_terminal_gets_a_bar_and_everything_else_plain_lines(monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with listening() as listener:
        assert isinstance(listener, BarListener)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    with listening() as listener:
        assert isinstance(listener, PlainListener)


def test_step_lines_and_warnings_scroll_above_the_bar(capsys):
    """What is said holds square brackets, which rich would take for markup."""
    listener = BarListener()
    listener.say("run folder: runs/[demo]")
    listener.warn("every completion was cut")
    for step in (1, 2):
        listener.step(_metrics(step), max_steps=2)
    err = capsys.readouterr().err
    assert "run folder: runs/[demo]" in err
    assert "warning: every completion was cut" in err
    assert "step 2/2 | accuracy 0.500 | length 12 | cut 25% | 2.0 s | left 0s" in err
