"""The terms of leanrl's texts and the form of its changelog, as `scripts/check` reads them."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "scripts" / "language"))

import changelog  # noqa: E402 - found by the line above
import terms  # noqa: E402
from texts import Text, texts, without_code  # noqa: E402

KNOWN = terms.terms()


def test_the_texts_use_the_words_of_the_field() -> None:
    assert terms.problems(ROOT) == []


def test_pages_help_messages_docstrings_and_comments_are_read() -> None:
    found = list(texts(ROOT))
    assert len(found) > 5000
    words = "\n".join(text.words for text in found)
    for known in (
        "Fold an adapter into its base, and verify it.",  # help
        "takes preset, overrides, plug-ins and folder from the run",  # a message
        "The path of one completion",  # a page
        "LoRA with adapter-only rollouts on one 24 GB card",  # a preset
        "Return the clipped surrogate loss of each token.",  # a docstring
        "the usual case keeps torch's own rounding",  # a comment
    ):
        assert known in words


@pytest.mark.parametrize("term", KNOWN, ids=lambda term: term.right)
def test_a_term_finds_what_it_is_for_and_nothing_else(term: terms.Term) -> None:
    assert [text for text in term.finds if not term.found_in(Text("page.md", 1, text))] == []
    assert [text for text in term.leaves if term.found_in(Text("page.md", 1, without_code(text)))] == []
    assert term.finds
    assert term.leaves


def test_a_place_is_a_line_that_an_editor_opens() -> None:
    (memory,) = (term for term in KNOWN if "16 GB of RAM" in term.finds)
    text = "one\n\nits\nRAM\n"
    assert memory.found_in(Text("docs/page.md", 1, text)) == [f"docs/page.md:4: 'RAM' -> {memory.right}"]


def test_code_is_left_alone() -> None:
    text = "a `word` and\n```python\nword = 1\n```\n[page](word.md) https://word.org/word stays"
    assert "word" not in without_code(text)
    assert without_code(text).count("\n") == text.count("\n")


def test_the_changelog_has_its_form() -> None:
    assert changelog.problems((ROOT / "CHANGELOG.md").read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("### News\n\n- a\n", "the heading 'News' is none of Added, Changed, Fixed"),
        ("### Added\n\n- a\n  b\n  c\n- d\n", ":3: 3 lines"),
        (f"### Added\n\n- {'a' * 170}\n", ":3: 172 characters"),
    ],
)
def test_a_changelog_without_its_form_is_refused(text: str, problem: str) -> None:
    (found,) = changelog.problems(text)
    assert problem in found


@pytest.mark.skipif(importlib.util.find_spec("codespell_lib") is None, reason="codespell is in the extra `docs`")
def test_the_spelling_is_right() -> None:
    done = subprocess.run(
        [ROOT / "scripts/language/spelling", Path(sys.executable).parent], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
