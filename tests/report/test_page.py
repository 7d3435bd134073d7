"""The page of a run: self-contained, safe, and right in every state of a run."""

import base64
import hashlib
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markupsafe import Markup

from leanrl.errors import ConfigError
from leanrl.report.comparison import write_comparison
from leanrl.report.page import require_no_other_page, write_report
from leanrl.report.rendering import prose
from leanrl.storage.run_folder import RunFolder, append_jsonl, write_json
from tests.report.sample_run import write_sample_run

VOID = {"meta", "br", "img", "link", "hr", "input"}


class Page(HTMLParser):
    """Collects text, tags and links of a page, and fails where an element is closed that is not open."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.scripts: Counter[str] = Counter()
        self.links: list[str] = []
        self.words = ""
        self.feed(path.read_text(encoding="utf-8"))
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "script":
            self.scripts[str(dict(attrs).get("type", ""))] += 1
        self.links += [str(value) for name, value in attrs if name in ("src", "href", "xlink:href", "action", "data")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data + " "


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return write_sample_run(tmp_path / "demo", num_steps=10)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A finished run with its report, for tests that only read."""
    run = write_sample_run(tmp_path_factory.mktemp("runs") / "demo", num_steps=10)
    assert write_report(run) == run.report / "index.html"
    return run


def words_of(path: Path) -> str:
    return " ".join(Page(path).words.split())


def test_page_and_curves_lie_in_the_report_folder(finished: RunFolder) -> None:
    run = finished
    assert {image.stem for image in run.report.glob("*.png")} == {
        *("accuracy_reward", "completion_length", "kl", "rewards", "verdicts", "truncated_share"),
        *("zero_variance_share", "entropy", "grad_norm", "seconds"),
    }
    assert all(image.read_bytes().startswith(b"\x89PNG") for image in run.report.glob("*.png"))


def test_another_folder_can_be_asked_for(run: RunFolder, tmp_path: Path) -> None:
    assert write_report(run, out=tmp_path / "a" / "b") == tmp_path / "a" / "b" / "index.html"
    assert not run.report.exists()


@pytest.mark.parametrize("name", ["index.html", "kl.png"])
def test_a_page_or_picture_of_somebody_else_is_not_written_over(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("<title>my own leanrl notes</title>")
    with pytest.raises(ConfigError, match=f"{name} is there and is not of a report: nothing is overwritten"):
        require_no_other_page(tmp_path)


def test_a_report_takes_the_place_of_an_earlier_one(run: RunFolder, tmp_path: Path) -> None:
    write_report(run, out=tmp_path / "one")
    write_comparison([run, run], tmp_path / "two")
    for folder in (tmp_path / "one", tmp_path / "two", tmp_path / "new"):
        require_no_other_page(folder)


def test_the_page_needs_nothing_from_outside_and_runs_its_own_script_alone(finished: RunFolder) -> None:
    """The completions hold a script and an image of another server; both must come out as text."""
    path = finished.report / "index.html"
    page = Page(path)
    assert page.scripts == {"": 1, "application/json": 1}
    assert "link" not in page.tags
    assert "img" not in page.tags
    assert all(link.startswith("#") for link in page.links)
    assert '<script>alert("x")</script>' in page.words
    assert "default-src 'none'" in path.read_text()
    assert "\u202e" not in page.words
    assert "\x00" not in page.words


def test_the_policy_allows_the_script_of_the_page_by_its_hash(finished: RunFolder) -> None:
    """The hash is over the bytes between the tags, as the browser takes it."""
    page = (finished.report / "index.html").read_bytes()
    (script,) = re.findall(rb"<script>(.*?)</script>", page, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in page.decode()


def test_a_finished_run_says_how_it_went(finished: RunFolder) -> None:
    words = words_of(finished.report / "index.html")
    assert "cpu-demo finished" in words
    assert "before 30 % 6 of 20 after 90 % 18 of 20 +60 points" in words
    assert "Steps 10 of 10" in words
    assert "Wall time 4m41s" in words
    assert "Peak memory 5.77 GiB host" in words
    assert "every completion of step 1 was cut at 14 tokens" in words
    assert "Light: each step. Strong: the mean over 3 neighbouring steps." in words
    assert "learnt: 12" in words  # 18 - 6 of the 20 sums
    assert "right both times: 6" in words
    assert "1 row could not be used" in words
    assert "sums.jsonl:7 no gold answer (column 'answer')" in words
    assert '"prompt_template": "Answer in \\\\boxed{}: {problem}"' in words


def test_the_plan_stands_beside_what_was_measured(finished: RunFolder) -> None:
    """Planned 4,436,322,432 bytes, measured 6,192,279,552 at the end of the run: 1.40 times as much."""
    words = words_of(finished.report / "index.html")
    assert "12.80 GiB are usable." in words
    assert "peak memory 4.13 GiB to 5.26 GiB 5.77 GiB 1.40" in words


def test_phases_add_up_to_the_step(tmp_path: Path) -> None:
    """Two steps of 10 s: 6 + 6 rollout, 3 + 3 train, and 1 + 1 that no phase claims."""
    run = write_sample_run(tmp_path / "demo", num_steps=1)
    run.metrics.unlink()
    for step in (1, 2):
        append_jsonl(run.metrics, {"step": step, "seconds": {"step": 10.0, "train": 3.0, "rollout": 6.0}})
    words = words_of(write_report(run))
    assert "rollout 12.0 s 60 % train 6.0 s 30 % other 2.0 s 10 %" in words


def test_a_run_that_was_killed_has_a_page(run: RunFolder) -> None:
    run.summary.unlink()
    run.metrics.write_bytes(run.metrics.read_bytes()[:-25])
    words = words_of(write_report(run))
    assert "cpu-demo running, or killed" in words
    assert "Steps 9 of 10" in words
    assert "Held-out problems answered right" not in words


def test_a_run_that_goes_on_shows_its_score_so_far(run: RunFolder) -> None:
    write_json(run.summary, {"status": "running", "preset": "cpu-demo", "greedy_before": 0.3, "num_eval": 20})
    words = words_of(write_report(run))
    assert "before 30 % 6 of 20 the score after training is taken when the run ends" in words


def test_a_worse_score_is_shown_as_such(run: RunFolder) -> None:
    write_json(run.summary, {"status": "finished", "greedy_before": 0.5, "greedy_after": 0.25, "num_eval": 20})
    assert "−25 points" in words_of(write_report(run))


def test_a_run_without_a_step_says_so(tmp_path: Path) -> None:
    run = write_sample_run(tmp_path / "demo", num_steps=1)
    run.metrics.write_text("")
    page = Page(write_report(run))
    assert "No step has been recorded yet: metrics.jsonl is empty." in page.words
    assert "svg" not in page.tags
    assert list(run.report.glob("*.png")) == []


def test_an_empty_folder_has_a_page(tmp_path: Path) -> None:
    assert "No step has been recorded yet" in Page(write_report(RunFolder(tmp_path))).words


def test_a_kl_that_was_not_measured_says_why_and_leaves_no_old_image(tmp_path: Path) -> None:
    run = write_sample_run(tmp_path / "demo", num_steps=3, kl_beta=0.0)
    run.report.mkdir()
    (run.report / "kl.png").write_bytes(b"of an earlier report")
    assert "algorithm.kl_beta is 0" in Page(write_report(run)).words
    assert not (run.report / "kl.png").exists()


def test_half_a_character_does_not_break_the_page(run: RunFolder) -> None:
    """JSON can spell half a surrogate pair, which UTF-8 cannot write."""
    with (run.completions / "step-000010.jsonl").open("a") as file:
        file.write('{"step": 10, "problem": "?", "completion": "half: \\ud83d."}\n')
    assert "half: \ufffd." in Page(write_report(run)).words


def test_what_stands_between_backticks_is_code() -> None:
    assert prose("`a < b` is code & text") == "<code>a &lt; b</code> is code &amp; text"
    assert prose("one ` alone <i>") == "one ` alone &lt;i&gt;"
    assert prose(Markup("<b>`x`</b>")) == "<b>`x`</b>"
