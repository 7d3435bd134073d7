"""The problems on the page of a run: in every state of a ledger, and in a run that has none."""

from pathlib import Path

import pytest

from leanrl.ledger.recorded import RecordedLedger
from leanrl.ledger.run_ledger import RunLedger
from leanrl.report.page import write_report
from leanrl.report.problems.section import is_judged
from leanrl.report.run_data import RunData
from leanrl.storage.run_folder import RunFolder, append_jsonl
from leanrl.types import Visit
from tests.ledger.visits import Placed, drawn_history, visit
from tests.report.sample_run import HOSTILE, write_sample_run
from tests.report.test_page import Page, words_of

TITLE = "Problems by pass rate"


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A run without metrics, whose page has no other curves to draw."""
    run = write_sample_run(tmp_path / "demo", num_steps=1)
    run.metrics.unlink()
    return run


def keep(run: RunFolder, history: list[Placed], *, problem: str = "What is {}?") -> None:
    texts = {prompt: problem.replace("{}", str(int(prompt, 16))) for prompt, _ in history}
    RecordedLedger(run).record(history, problems=texts)


def test_a_run_without_a_ledger_reports_as_before(tmp_path: Path) -> None:
    run = write_sample_run(tmp_path / "demo", num_steps=2)
    page = Page(write_report(run))
    assert TITLE not in page.words
    assert "ledger" not in page.words
    assert not (run.report / "decided_groups.png").exists()


def test_a_ledger_without_a_visit_says_so(run: RunFolder) -> None:
    RunLedger().save(run.ledger)
    words = words_of(write_report(run))
    assert f"{TITLE} No group of completions is finished yet" in words
    assert not (run.report / "decided_groups.png").exists()


def test_one_visit(run: RunFolder) -> None:
    """3 of 4 completions are right: 75 % is the end of medium; 74 rows are trained on."""
    keep(run, [("0" * 15 + "7", visit(True, True, False, True))])
    words = words_of(write_report(run))
    assert "Problems asked 1 of 74 Groups 1 Completions 4 Correct completions 75 %" in words
    assert "never solved 0 % 0 0 % hard < 25 % 0 0 % medium 25–75 % 1 100 %" in words
    assert "medium: 1 problem groups correct completions pass rate" in words
    assert "What is 7? 1 3 of 4 75 % 75 % 75 % 1 10" in words
    assert "never solved: " not in words
    assert (run.report / "decided_groups.png").read_bytes().startswith(b"\x89PNG")


def test_5000_visits_show_bounded_rows_with_counts(run: RunFolder) -> None:
    history = drawn_history(5000, num_prompts=400)
    keep(run, history)
    path = write_report(run)
    words = words_of(path)
    assert "Problems asked 400 of 74 Groups 5,000 Completions 40,000" in words
    never = sum(not any(any(each.correct_G) for each in _of(history, prompt)) for prompt in dict(history))
    always = sum(all(all(each.correct_G) for each in _of(history, prompt)) for prompt in dict(history))
    assert never > 20
    assert always > 20
    assert f"never solved: {never} " in words
    assert f"always solved: {always} " in words
    assert words.count("What is ") == 5 * 20
    assert f"and {never - 20} more in ledger.dat" in words
    assert path.stat().st_size < 1_000_000


def _of(history: list[Placed], prompt: str) -> list[Visit]:
    return [each for name, each in history if name == prompt]


def test_a_run_that_was_killed_while_it_wrote_shows_its_whole_visits(run: RunFolder) -> None:
    keep(run, drawn_history(10))
    run.ledger.write_bytes(run.ledger.read_bytes()[:-5])
    run.prompts.write_bytes(run.prompts.read_bytes()[:-5])
    words = words_of(write_report(run))
    assert "Groups 9 Completions 72" in words
    # A header of 16 bytes, and 31 + 8 * 12 + 2 for each visit.
    assert "ledger.dat is cut short or damaged: of its 1301 bytes, 1177 can be read, with 9 visits." in words


@pytest.mark.parametrize(
    ("data", "note"),
    [
        (b"leanrl ledger 2\n...", "ledger.dat has the ledger format 2; this leanrl reads format 1."),
        (b"\x89PNG and so on", "ledger.dat is not a ledger: it begins with"),
    ],
)
def test_a_ledger_that_cannot_be_read_is_a_warning(run: RunFolder, data: bytes, note: str) -> None:
    run.ledger.write_bytes(data)
    words = words_of(write_report(run))
    assert (
        f"Warnings every completion of step 1 was cut at 14 tokens: raise rollout.max_completion_tokens {note}" in words
    )
    assert TITLE not in words


def test_without_a_reward_that_judges_no_pass_rate_is_made_up(run: RunFolder) -> None:
    """No completion of such a run counts as correct: every problem would seem never solved."""
    keep(run, [("0" * 16, visit(False, False))])
    append_jsonl(run.metrics, {"step": 1, "rewards": {"length": 0.5}, "verdicts": {}})
    words = words_of(write_report(run))
    assert f"{TITLE} No reward of this run judges answers" in words
    assert "never solved" not in words
    assert not (run.report / "decided_groups.png").exists()


@pytest.mark.parametrize(
    ("verdicts", "judged"), [([], True), ([{}], False), ([{}, {"wrong": 1.0}], True), ([{"correct": 0.5}], True)]
)
def test_a_run_is_judged_where_a_step_has_verdicts(verdicts: list[dict[str, float]], judged: bool) -> None:
    """Without a step nothing says that it is not."""
    steps = [{"step": number, "verdicts": each} for number, each in enumerate(verdicts, start=1)]
    assert is_judged(RunData("run", steps=steps)) is judged


def test_a_problem_whose_text_is_not_known_is_shown_by_its_id(run: RunFolder) -> None:
    keep(run, [("00000000000000ab", visit(True, False))])
    run.prompts.unlink()
    assert "00000000000000ab 1 1 of 2 50 %" in words_of(write_report(run))


def test_a_hostile_problem_comes_out_as_text(run: RunFolder) -> None:
    keep(run, [("0" * 16, visit(True, False))], problem=HOSTILE)
    path = write_report(run)
    page = Page(path)
    assert page.scripts[""] == 1
    assert "img" not in page.tags
    assert page.words.count('<script>alert("x")</script>') >= 2
    assert "\u202e" not in page.words
