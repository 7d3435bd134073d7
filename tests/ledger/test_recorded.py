"""RecordedLedger: files of a run and its checkpoints, over kills, resumes and two ranks."""

import json
import shutil
from pathlib import Path

import pytest

from leanrl.ledger.recorded import CHARACTERS_KEPT, RecordedLedger
from leanrl.ledger.run_ledger import RunLedger
from leanrl.storage.checkpoint_files import LEDGER, find_damage, seal, to_read, to_resume
from leanrl.storage.run_folder import RunFolder
from tests.ledger.small_run import PROBLEMS, checkpoint_bytes, choose, take_steps
from tests.ledger.visits import drawn_history, visit
from tests.two_ranks import run_two_ranks

STEPS = 8


def files_of(run: RunFolder) -> tuple[bytes, bytes]:
    return run.ledger.read_bytes(), run.prompts.read_bytes()


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    return folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, list[list[str]]]:
    """A run that was never stopped, and what it chose; read it, never write to it."""
    run = RunFolder(tmp_path_factory.mktemp("whole"))
    return run, take_steps(run, range(STEPS))


def test_the_copy_of_the_run_is_the_ledger_of_its_newest_checkpoint(whole: tuple[RunFolder, list[list[str]]]) -> None:
    run, choices = whole
    assert run.ledger.read_bytes() == checkpoint_bytes(run, STEPS)
    assert [prompt for prompt, _ in RunLedger.load(run.ledger)] == [prompt for step in choices for prompt in step]


@pytest.mark.parametrize("torn_bytes", [0, 1, 40])
def test_a_killed_and_resumed_run_decides_alike_and_writes_the_same_files(
    run: RunFolder, whole: tuple[RunFolder, list[list[str]]], torn_bytes: int
) -> None:
    """It is killed within step 7, of which its copy has a part; it goes on from the checkpoint of step 4."""
    before = take_steps(run, range(7))
    shutil.rmtree(run.checkpoint(6))
    for path in (run.ledger, run.prompts):
        path.write_bytes(path.read_bytes()[: path.stat().st_size - torn_bytes])
    after = take_steps(run, range(4, STEPS), resumes=True)
    assert before[:4] + after == whole[1]
    assert files_of(run) == files_of(whole[0])
    assert checkpoint_bytes(run, STEPS) == checkpoint_bytes(whole[0], STEPS)


def test_without_its_ledger_a_resumed_run_would_decide_otherwise(whole: tuple[RunFolder, list[list[str]]]) -> None:
    """The decisions of this run depend on its history: the tests here would see a ledger that is lost."""
    run, choices = whole
    assert any(len(RunLedger.load(run.ledger).visits(prompt)) > 1 for prompt in PROBLEMS)
    assert [choose(step, RunLedger()) for step in range(4, STEPS)] != choices[4:]


def test_two_ranks_decide_alike_and_write_what_one_writes(
    tmp_path: Path, whole: tuple[RunFolder, list[list[str]]]
) -> None:
    """Each rank draws two of the four groups of a step."""
    printed = run_two_ranks("tests.ledger.small_run", str(tmp_path), str(STEPS))
    assert [json.loads(line) for line in printed.splitlines()] == [whole[1]] * 2
    run = RunFolder(tmp_path)
    assert files_of(run) == files_of(whole[0])
    assert checkpoint_bytes(run, STEPS) == checkpoint_bytes(whole[0], STEPS)


def test_a_rank_that_writes_nothing_has_the_same_ledger(run: RunFolder) -> None:
    recorded = [RecordedLedger(run), RecordedLedger(None)]
    for each in recorded:
        each.record(drawn_history(9), problems={prompt: "?" for prompt, _ in drawn_history(9)})
    assert list(recorded[0].ledger) == list(recorded[1].ledger) == drawn_history(9)


def test_a_step_that_was_begun_is_not_in_the_checkpoint_of_the_step_before(run: RunFolder) -> None:
    """Memory runs out in step 2, whose groups are recorded already: it is drawn again when the run is resumed."""
    kept = RecordedLedger(run)
    for step in (0, 1):
        kept.record([("a", visit(True, step=step))], problems={"a": "?"})
    kept.save(run.path, step=1)
    kept.restore(run.path)
    kept.rewind_copy()
    assert [each.step for each in kept.ledger.visits("a")] == [0]
    assert RunLedger.load(run.ledger).visits("a") == kept.ledger.visits("a")


def test_a_checkpoint_without_a_ledger_begins_an_empty_one(run: RunFolder, tmp_path: Path) -> None:
    """It is of a leanrl that kept none; what the run recorded behind it comes again."""
    kept = RecordedLedger(run)
    kept.record([("a", visit(True, step=5))], problems={"a": "?"})
    (tmp_path / "step-000005").mkdir()
    before = files_of(run)
    kept.restore(tmp_path / "step-000005")
    assert files_of(run) == before  # whatever is checked next may still refuse the checkpoint
    kept.rewind_copy()
    assert len(kept.ledger) == len(RunLedger.load(run.ledger)) == 0
    assert run.prompts.read_bytes() == b""


def test_complete_covers_the_ledger(tmp_path: Path) -> None:
    kept = RecordedLedger(None)
    kept.record(drawn_history(20), problems={prompt: "?" for prompt, _ in drawn_history(20)})
    kept.save(tmp_path, step=99)
    seal(tmp_path, step=99)
    path = tmp_path / LEDGER
    assert find_damage(tmp_path, lambda name: to_resume(name, from_adapter=False)) == []
    path.write_bytes(path.read_bytes()[: -(31 + 8 * 12 + 2)])  # it ends between two visits: only COMPLETE can tell
    assert len(RunLedger.load(path)) == 19
    (damage,) = find_damage(tmp_path, lambda name: to_resume(name, from_adapter=False))
    assert damage.startswith(f"{LEDGER} has ")
    path.unlink()
    assert find_damage(tmp_path, lambda name: to_resume(name, from_adapter=False)) == [f"{LEDGER} is not there"]


def test_merge_does_not_read_the_ledger() -> None:
    assert not to_read(LEDGER)


def test_a_text_is_written_with_the_first_visit_and_bounded(run: RunFolder) -> None:
    kept = RecordedLedger(run)
    texts = {"a": "x" * 5000, "b": "y" * CHARACTERS_KEPT, "c": "not asked"}
    kept.record([("a", visit(True)), ("b", visit(True)), ("a", visit(True))], problems=texts)
    kept.record([("b", visit(True))], problems=texts)
    assert [json.loads(line) for line in run.prompts.read_text().splitlines()] == [
        {"id": "a", "problem": "x" * (CHARACTERS_KEPT - 1) + "…"},
        {"id": "b", "problem": "y" * CHARACTERS_KEPT},
    ]


def test_any_text_of_a_problem_can_be_written(run: RunFolder) -> None:
    """Half a surrogate pair, which UTF-8 lacks, line breaks of Unicode, and a quote."""
    problem = 'half: \ud83d, "lines": \u2028 \x85 \r\n end'
    RecordedLedger(run).record([("a", visit(True)), ("b", visit(True))], problems={"a": problem, "b": "after"})
    lines = run.prompts.read_bytes().split(b"\n")
    assert [json.loads(line)["problem"] for line in lines[:-1]] == [problem, "after"]
