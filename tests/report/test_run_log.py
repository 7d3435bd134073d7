"""The log of a run: what was said, with times, whole after a kill."""

import errno
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from leanrl.errors import ConfigError
from leanrl.report.run_log import RunLog, logged

LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d (.*)")
METRICS = {
    "step": 1, "rewards": {"accuracy": 0.5}, "completion_tokens": {"mean": 12.0}, "truncated_share": 0.25, "kl": None,
    "seconds": {"step": 2.0},
}  # fmt: skip


class Heard:
    def __init__(self):
        self.lines = []

    def say(self, text):
        self.lines.append(text)

    def warn(self, text):
        self.lines.append(f"warning: {text}")

    def step(self, metrics, *, max_steps):
        self.lines.append("a step")


def lines_of(path):
    return [LINE.fullmatch(line).group(1) for line in path.read_text().splitlines()]


def test_what_is_said_before_there_is_a_folder_is_kept_for_it(tmp_path):
    heard = Heard()
    with logged(heard) as log:
        log.say("model: x")
        log.warn("two\nlines")
        log.open(tmp_path / "log.txt")
        log.step(METRICS, max_steps=2)
    assert heard.lines == ["model: x", "warning: two\nlines", "a step"]
    step = "step 1/2 | accuracy 0.500 | length 12 | cut 25% | 2.0 s | left 2s"
    assert lines_of(tmp_path / "log.txt") == ["model: x", "warning: two", "lines", step]


def test_a_path_that_is_no_text_is_said_in_the_log(tmp_path):
    log = RunLog(Heard())
    log.open(tmp_path / "log.txt")
    log.say("run folder: by\udcff")
    log.close()
    assert lines_of(tmp_path / "log.txt") == ["run folder: by\\udcff"]


def test_a_second_log_goes_on_with_the_file(tmp_path):
    for text in ("first", "second"):
        with logged(Heard()) as log:
            log.open(tmp_path / "log.txt")
            log.say(text)
    assert lines_of(tmp_path / "log.txt") == ["first", "second"]


def test_what_ends_a_run_is_its_last_line(tmp_path):
    def end(error):
        with logged(Heard()) as log:
            log.open(tmp_path / "log.txt")
            raise error

    with pytest.raises(ConfigError):
        end(ConfigError("no such key", hint="leanrl keys"))
    assert lines_of(tmp_path / "log.txt") == ["error: no such key", "hint: leanrl keys"]
    with pytest.raises(ZeroDivisionError):
        end(ZeroDivisionError("bug"))
    assert lines_of(tmp_path / "log.txt")[2] == "Traceback (most recent call last):"
    assert lines_of(tmp_path / "log.txt")[-1] == "ZeroDivisionError: bug"


def test_a_killed_process_leaves_every_line(tmp_path):
    path = tmp_path / "log.txt"
    script = (
        "import os, signal\nfrom pathlib import Path\nfrom leanrl.report.progress import PlainListener\n"
        "from leanrl.report.run_log import RunLog\n"
        f"log = RunLog(PlainListener())\nlog.open(Path({str(path)!r}))\n"
        "for number in range(5):\n    log.say(f'line {number}')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], env=os.environ, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL
    assert lines_of(path) == [f"line {number}" for number in range(5)]


def test_without_a_file_everything_is_heard_all_the_same():
    heard = Heard()
    log = RunLog(heard)
    log.say("a")
    log.close()
    log.close()
    assert heard.lines == ["a"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("said_before", [[], ["early"]])
def test_a_full_disk_hides_nothing_that_is_said(said_before):
    heard = Heard()

    def run():
        with logged(heard) as log:
            for text in said_before:
                log.say(text)
            log.open(Path("/dev/full"))
            log.say("later")
            raise ConfigError("the reason")

    with pytest.raises(ConfigError, match="the reason"):
        run()
    told = "warning: /dev/full cannot be written: No space left on device. The run goes on without its log."
    assert sorted(heard.lines) == sorted([*said_before, "later", told])


@pytest.mark.parametrize(
    "lost", [BrokenPipeError(errno.EPIPE, "Broken pipe"), OSError(errno.EIO, "Input/output error")]
)
def test_a_run_goes_on_when_nobody_reads_it_any_more(tmp_path, lost):
    """The pipe to `head` or `tee` has no reader, or the terminal is closed: the file has every line."""

    class Gone(Heard):
        def warn(self, text):
            raise lost

    heard = Gone()
    with logged(heard) as log:
        log.open(tmp_path / "log.txt")
        log.say("read")
        log.warn("unread")
        log.step(METRICS, max_steps=2)
    assert heard.lines == ["read"]
    lines = lines_of(tmp_path / "log.txt")
    assert lines[0] == "read"
    assert lost.strerror in lines[1]
    assert lines[2] == "warning: unread"
    assert lines[3].startswith("step 1/2")


def test_other_failures_of_a_listener_are_its_own(tmp_path):
    class Full(Heard):
        def say(self, text):
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space"), logged(Full()) as log:
        log.say("x")


def test_a_log_that_cannot_be_opened_stops_no_run(tmp_path):
    (tmp_path / "log.txt").mkdir()
    heard = Heard()
    with logged(heard) as log:
        log.open(tmp_path / "log.txt")
        log.say("goes on")
    assert heard.lines == [
        f"warning: {tmp_path / 'log.txt'} cannot be written: Is a directory. The run goes on without its log.",
        "goes on",
    ]
