"""The command that a run or an evaluation notes is the one that a person typed."""

import sys

import pytest

from leanrl.machine.typed_command import typed_command


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (["/home/a/.venv/bin/leanrl", "train", "-s", "data.path=a b.jsonl"], "leanrl train -s 'data.path=a b.jsonl'"),
        (["/site-packages/leanrl/__main__.py", "plan"], "leanrl plan"),
        (["my_run.py", "--steps", "5"], "python my_run.py --steps 5"),
        (["/site-packages/ipykernel_launcher.py", "-f", "/home/a/kernel-1234.json"], None),
        (["/site-packages/ipykernel/__main__.py", "-f", "/home/a/kernel-1234.json"], None),
        (["-c"], None),
        ([""], None),
    ],
)
def test_the_command(monkeypatch: pytest.MonkeyPatch, words: list[str], shown: str | None) -> None:
    monkeypatch.setattr(sys, "argv", words)
    assert typed_command() == shown
