"""The documentation site: it builds without a network, its links hold, and its written pages have what the code has."""

import subprocess
import sys
from pathlib import Path

import pytest
import typer

pytest.importorskip("mkdocs", reason="mkdocs is in the extra `docs`")

from leanrl.cli.main import app
from leanrl.rewards.listing import list_rewards
from leanrl.seams.listing import list_plugins

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "scripts" / "docs"))

from check_site import problems  # noqa: E402 - found by the line above
from places import linked_files, site_place, with_site_links  # noqa: E402


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; mkdocs is strict, and `check_site.py` has read every page."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [ROOT / "scripts/docs/build", Path(sys.executable).parent, folder],
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return folder


def _text(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def test_every_page_of_docs_and_the_readme_is_there(site: Path) -> None:
    pages = [path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")]
    assert len(pages) > 30
    assert [page for page in pages if not (site / page).exists()] == []
    assert "What is proved, and on what" in _text(site / "index.html")
    assert (site / "guide" / "your_own_data.html").exists()


def test_commands_rewards_plugins_and_functions_are_on_their_pages(site: Path) -> None:
    commands = typer.main.get_command(app).commands
    assert [name for name in commands if f'id="leanrl-{name}"' not in _text(site / "reference/commands.html")] == []
    rewards = [info.name for info in list_rewards() if info.name in ("accuracy", "hapo", "cosine_as_run")]
    assert [name for name in rewards if f'id="{name}"' not in _text(site / "reference/rewards.html")] == []
    plugins = [info.name for info in list_plugins() if info.name in ("max_rl", "mix", "token_truncate")]
    assert [name for name in plugins if f'id="{name}"' not in _text(site / "reference/plugins.html")] == []
    assert "clipped_policy_loss" in _text(site / "reference/formulas.html")
    assert "leanrl.train" in _text(site / "reference/python.html")


def test_files_that_a_page_names_as_proof_are_in_it(site: Path) -> None:
    assert (site / "repository/benchmarks/results/eval-coverage-2026-11-28.json").exists()
    assert "def no_echo" in _text(site / "repository/examples/custom_reward.py.txt")


@pytest.mark.parametrize(
    ("head", "body", "problem"),
    [
        (
            '<script src="https://cdn.example.org/a.js"></script>',
            "",
            "fetches https://cdn.example.org/a.js from the network",
        ),
        (
            '<link rel="stylesheet" href="//fonts.example.org/a.css">',
            "",
            "fetches //fonts.example.org/a.css from the network",
        ),
        ("", '<img src="missing.png">', "fetches missing.png, which is not there"),
        ("", '<a href="gone.html">x</a>', "links to gone.html, which is not there"),
        ("", '<a href="other.html#no">x</a>', "links to other.html#no, which has no such heading"),
        ("", '<a href="https://example.org">x</a> <a href="other.html#yes">x</a>', None),
    ],
)
def test_a_page_that_needs_the_network_or_leads_nowhere_is_refused(
    tmp_path: Path, head: str, body: str, problem: str | None
) -> None:
    (tmp_path / "page.html").write_text(f"<html><head>{head}</head><body>{body}</body></html>")
    (tmp_path / "other.html").write_text('<h2 id="yes">yes</h2>')
    assert problems(tmp_path) == ([f"page.html: {problem}"] if problem else [])


def test_a_style_sheet_that_needs_the_network_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.css").write_text("@font-face{src:url(https://fonts.example.org/a.woff2)}")
    assert problems(tmp_path) == ["a.css: fetches from the network"]


@pytest.mark.parametrize(
    ("page", "link", "moved"),
    [
        ("index.md", "docs/runs.md#the-ledger", "runs.md#the-ledger"),
        ("runs.md", "data.md", "data.md"),
        ("runs.md", "../README.md", "index.md"),
        ("concepts/memory.md", "../../benchmarks/results/report-page-2026-11-28.json",
         "../repository/benchmarks/results/report-page-2026-11-28.json"),
        ("guide/your_own_data.md", "train_in_python.py", "../repository/examples/train_in_python.py.txt"),
        ("runs.md", "../leanrl/seams/plugins", "repository/leanrl/seams/plugins/index.md"),
        ("runs.md", "https://example.org", "https://example.org"),
        ("runs.md", "gone.md", "gone.md"),
        ("status.md", '../tests/conftest.py "a title"', 'repository/tests/conftest.py.txt "a title"'),
    ],
)  # fmt: skip
def test_a_link_leads_to_the_same_place_in_the_site(page: str, link: str, moved: str) -> None:
    assert with_site_links(page, f"see [it]({link}).") == f"see [it]({moved})."


def test_files_outside_docs_are_found_by_the_links_to_them() -> None:
    text = "[a](../README.md) [b](data.md) [c](../benchmarks/results/nothing.json) [d](../leanrl/errors.py#x)"
    assert linked_files("docs/runs.md", text) == {"README.md", "leanrl/errors.py"}
    assert site_place("leanrl/errors.py") == "repository/leanrl/errors.py.txt"
