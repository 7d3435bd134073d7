"""A shell that has closed a stream, a disk that is full behind one, and a folder that is gone: no traceback."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

LOG = json.dumps({"completion": r"\boxed{4}", "gold": "4"}) + "\n"


def _shell(line: str, cwd: Path, *, encoding: str = "utf-8") -> "subprocess.CompletedProcess[str]":
    """Run a line of a shell, in which LEANRL is the real command line."""
    program = f"{sys.executable} -m leanrl"
    root = Path(__file__).parents[3]
    return subprocess.run(
        ["bash", "-c", line.replace("LEANRL", program)],
        cwd=cwd,
        env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin", "HOME": str(cwd)},
        capture_output=True,
        encoding=encoding if encoding in ("ascii", "latin-1") else "utf-8",
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("LEANRL cards >&-", 0, ""),
        ("LEANRL nope 2>&-", 2, ""),
        ("LEANRL grade - <&-", 4, "standard input holds no lines"),
        ("LEANRL grade log.jsonl > /dev/full", 3, "error: the output cannot be written: No space left on device."),
        ("LEANRL grade long.jsonl | head -1", 0, ""),
        ("LEANRL cards > /dev/full", 3, "error: the output cannot be written: No space left on device."),
        ("mkdir gone; cd gone; rmdir ../gone; LEANRL cards", 2, "does not exist any more"),
    ],
)
def test_it_is_told_in_a_line_or_nothing_is_wrong(line, code, said, tmp_path):
    (tmp_path / "log.jsonl").write_text(LOG)
    (tmp_path / "long.jsonl").write_text(LOG * 12_000)
    done = _shell(f"set -o pipefail; {line}", tmp_path)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert said in done.stderr
    assert done.returncode == code, done.stderr


@pytest.mark.parametrize(
    ("locale", "shown"),
    [
        ("PYTHONIOENCODING=ascii", r"gr\xfc\xdfe \u2192 2"),
        ("PYTHONIOENCODING=latin-1", r"grüße \u2192 2"),
        ("LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0", "grüße → 2"),  # a pipe; files of leanrl are UTF-8
    ],
)
def test_a_locale_without_a_character_is_no_reason_to_stop(locale, shown, tmp_path):
    (tmp_path / "mine.yaml").write_text("extends: cpu-demo\ndata: {system_prompt: grüße → 2}\n", encoding="utf-8")
    done = _shell(f"{locale} LEANRL presets show mine.yaml", tmp_path, encoding=locale.partition("=")[2])
    assert done.stderr == ""
    assert f"system_prompt: {shown}" in done.stdout


def test_no_file_gets_the_number_of_a_closed_stream(tmp_path):
    """A run's first file would be descriptor 1, and hold whatever a library prints."""
    program = (
        "from leanrl.cli.terminal.streams import open_closed_streams; open_closed_streams(); "
        "file = open('mine.txt', 'w'); import os; os.write(1, b'printed'); "
        "print(file.fileno(), file=open('n.txt', 'w'))"
    )
    assert _shell(f'{sys.executable} -c "{program}" <&- >&- 2>&-', tmp_path).returncode == 0
    assert (tmp_path / "mine.txt").read_text() == ""
    assert (tmp_path / "n.txt").read_text() == "3\n"
