"""scripts/release/prove_readme.py knows every command of README.md, and types what the page shows."""

from pathlib import Path

import pytest

from scripts.release.prove_readme import LEFT_OUT, WALK, Step, commands, files, typed, unknown

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "README.md").read_text(encoding="utf-8")
SHOWN = list(commands(PAGE))


def test_no_command_of_the_page_is_forgotten() -> None:
    assert unknown(SHOWN) == []
    assert unknown([*SHOWN, "leanrl dance"]) == ["leanrl dance"]


@pytest.mark.parametrize("step", WALK, ids=lambda step: step.begins + step.why)
def test_every_step_is_on_the_page(step: Step) -> None:
    line = typed(step, SHOWN)
    assert line.startswith(step.begins) or step.changes
    assert "#" not in line


def test_nothing_is_left_out_that_the_page_does_not_have() -> None:
    assert [begins for begins in LEFT_OUT if not any(line.startswith(begins) for line in SHOWN)] == []


def test_documents_and_files_are_whole() -> None:
    (legs,) = (line for line in SHOWN if line.startswith("cat > legs.jsonl"))
    assert legs.count("\n") == 6
    assert legs.endswith("\nEOF")
    assert '@reward("brief", grade="strict")' in files(PAGE)["brief.py"]
    assert any("--dry-run" in line and "\\\n" in line for line in SHOWN)
