"""A disk that takes no more in the middle of a run: a sentence with the way on, and nothing lost."""

import errno
import json
import os

import pytest
from typer.testing import CliRunner

from leanrl.cli.main import app
from leanrl.errors import StoppedError
from leanrl.report import page
from leanrl.storage.run_folder import RunFolder
from leanrl.trainer.checkpoints.lost_disk import stopping_at_a_lost_disk
from leanrl.trainer.records import callbacks, summary
from tests.cli.run import tiny_overrides


def _train(model, run):
    flags = tiny_overrides(model, "data.num_heldout=0", "eval.greedy=false", "train.num_completions=2")
    return CliRunner().invoke(app, ["train", "-p", "cpu-demo", *flags, "--run-dir", str(run)])


def _fails(number, *, after):
    calls = []

    def write(path, *_):
        calls.append(path)
        if len(calls) > after:
            raise OSError(
                number, {errno.ENOSPC: "No space left on device", errno.EROFS: "Read-only file system"}[number]
            )
        with path.open("a") as file:
            file.write("{}\n")

    return write


@pytest.mark.parametrize(
    ("room", "name", "number", "after"),
    [(callbacks, "append_jsonl", errno.ENOSPC, 1), (summary, "write_json", errno.EROFS, 0)],
    ids=["metrics of step 2", "summary at the end"],
)
def test_it_names_the_folder_and_the_command_that_goes_on(tiny_model, tmp_path, monkeypatch, room, name, number, after):
    run = tmp_path / "run"
    monkeypatch.setattr(room, name, _fails(number, after=after))
    error = _train(tiny_model, run).exception
    assert isinstance(error, StoppedError), error
    assert error.exit_code == 6
    assert error.message.startswith(f"the run folder {run} cannot be written: ")
    assert "Nothing is lost up to step-00000" in error.message
    assert f"then `leanrl train --resume {run}`" in str(error.hint)


def test_a_report_that_cannot_be_written_does_not_fail_a_finished_run(tiny_model, tmp_path, monkeypatch):
    def write_report(run, **_more):
        raise OSError(errno.ENOSPC, "No space left on device")

    run = tmp_path / "run"
    monkeypatch.setattr(page, "write_report", write_report)
    result = _train(tiny_model, run)
    assert result.exit_code == 0, result.exception
    assert "the report cannot be written: No space left on device" in result.stderr
    assert f"`leanrl report {run}` writes it" in result.stderr
    assert json.loads((run / "summary.json").read_text())["status"] == "finished"


@pytest.mark.parametrize(
    ("number", "file", "look"),
    [
        (errno.EISDIR, "env.json", "`ls -ld "),
        (errno.EACCES, "metrics.jsonl", "`ls -ld "),
        (errno.ENOSPC, "env.json", "`df -h "),
        (errno.ESTALE, None, "`df -h "),
        (errno.EISDIR, None, None),
    ],
)
def test_what_is_in_the_way_of_a_file_is_named(tmp_path, number, file, look):
    """An error about a file that is none of the run's stays what it is."""
    run = RunFolder(tmp_path / "run")
    (run.path / "plugins").mkdir(parents=True)
    (run.path / "plugins" / "00-own.py").touch()
    named = (str(run.path / f"{file}.tmp"), None, str(run.path / file)) if file is not None else ("/elsewhere",)
    lost = OSError(number, os.strerror(number), *named)
    with pytest.raises(OSError if look is None else StoppedError) as caught, stopping_at_a_lost_disk(run):
        raise lost
    if look is not None:
        assert os.strerror(number) in caught.value.message
        assert str(run.path / (file or "")) in caught.value.message
        assert look in caught.value.hint
        assert f"`leanrl train -p {run.config} --plugin {run.path}/plugins/00-own.py`" in caught.value.hint
