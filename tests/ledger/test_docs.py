"""docs/runs.md: it names the files of a run, and its program reads a ledger."""

import re
from pathlib import Path

import pytest

from leanrl.ledger.recorded import RecordedLedger
from leanrl.storage.run_folder import RunFolder
from tests.ledger.visits import visit

PAGE = Path(__file__).parents[2] / "docs" / "runs.md"


def test_the_table_names_files_of_the_run_folder() -> None:
    """Each row is a property of RunFolder."""
    run = RunFolder(Path())
    properties = [name for name, value in vars(RunFolder).items() if isinstance(value, property)]
    known = {path.name for name in properties if isinstance(path := getattr(run, name), Path)}
    named = {name.rstrip("/") for name in re.findall(r"^\| `([^`]+)` \|", PAGE.read_text(), flags=re.MULTILINE)}
    assert {"ledger.dat", "prompts.jsonl", "metrics.jsonl"} <= named
    assert named <= known


def test_its_program_reads_a_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    run = RunFolder(Path("runs/my-run"))
    run.path.mkdir(parents=True)
    RecordedLedger(run).record([("a", visit(True, False)), ("a", visit(True, True))], problems={"a": "?"})
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    exec(program, {})
    assert capsys.readouterr().out == "a [1, 2]\n"
