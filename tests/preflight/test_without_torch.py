"""Commands on what is not there answer before torch is imported."""

import subprocess
import sys

import pytest

SCRIPT = """
import sys
sys.argv = ["leanrl", *{arguments!r}]
from leanrl.cli.main import main
try:
    main()
except SystemExit as leaving:
    print("CODE", leaving.code)
print("IMPORTED", sorted({{"torch", "transformers", "peft", "trl", "matplotlib"}} & set(sys.modules)))
"""


def _answer(*arguments, cwd):
    script = SCRIPT.format(arguments=[str(part) for part in arguments])
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=cwd)
    return done.stdout, done.stderr


@pytest.fixture
def place(tmp_path):
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    (tmp_path / "run" / "checkpoints" / "step-000001").mkdir(parents=True)  # as a kill leaves it: without COMPLETE
    (tmp_path / "run" / "config.json").write_text('{"name": "cpu-demo"}')
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["merge", "nowhere", "--out", "x"], "nowhere is not there"),
        (["merge", "nowhere", "--inspect"], "nowhere is not there"),
        (["merge", "file", "--out", "x"], "file is a file, not the folder of a run"),
        (["merge", "empty", "--out", "x"], "empty is no run folder, no checkpoint and no model's folder"),
        (["merge", "run", "--out", "x"], "run has no complete checkpoint"),
        (["merge", "model", "--out", "empty"], "--out is empty, which exists already"),
        (["merge", "model", "--out", "file/x"], "where nothing can be written"),
        (["merge", "model", "--out", "/proc/x"], "/proc takes no new folder"),
        (["sample", "nowhere", "1 + 1"], "nowhere is not there"),
        (["sample", "empty", "1 + 1"], "empty is no run folder, no checkpoint and no model's folder"),
        (["sample", "run", "1 + 1"], "run has no complete checkpoint"),
        (["report", "nowhere"], "nowhere is not a run folder: there is no such folder"),
        (["report", "run", "--out", "file"], "file is a file"),
        (["report", "run", "--out", "/proc/x"], "/proc takes no new folder"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
def test_it_answers_at_once(place, arguments, said):
    out, err = _answer(*arguments, cwd=place)
    assert err.startswith("error: ")
    assert said in err
    assert "Traceback" not in err
    assert "CODE 2" in out
    assert out.strip().endswith("IMPORTED []")
