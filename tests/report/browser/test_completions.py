"""The completions of a page in a real browser: filters, wrong beside right, and a script that stays text."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.report.browser.chromium import Tab, address_of


def choose(tab: Tab, **fields: Any) -> None:
    for name, value in fields.items():
        place = "checked" if isinstance(value, bool) else "value"
        tab.run(
            f"(f => {{ f.{place} = {json.dumps(value)}; f.dispatchEvent(new Event('input', {{bubbles: true}})) }})"
            f"(document.querySelector('.filters [name={name}]'))"
        )


def shown(tab: Tab) -> list[list[str]]:
    """Return step and verdict of every completion in the list."""
    return tab.run("[...document.querySelectorAll('.found article')].map(a => [a.dataset.step, a.dataset.verdict])")


@pytest.mark.parametrize(
    ("asked", "number"),
    [
        ({}, 9),
        ({"verdict": "wrong"}, 3),
        ({"step": "10"}, 3),
        ({"step": "10", "verdict": "correct"}, 1),
        ({"reward_from": "1"}, 3),  # one_box 0.5 x 1 + accuracy 1.0 x 1 = 1.5, a wrong box 0.5, no box 0
        ({"reward_from": "0.2", "reward_to": "1"}, 3),
        ({"tokens_to": "12"}, 0),  # all have 13
        ({"tokens_from": "13"}, 9),
        ({"words": "BOXED{12}"}, 3),
        ({"words": "<script>"}, 3),
        ({"words": "(.*"}, 0),  # words, no pattern
    ],
)
def test_the_filters(opened: Tab, asked: dict[str, str], number: int) -> None:
    choose(opened, **asked)
    assert len(shown(opened)) == number
    status = opened.run("document.querySelector('#browser [role=status]').textContent")
    assert status == f"{number} completions, of 9 completions on this page"


def test_wrong_stands_beside_right_of_the_same_prompt(opened: Tab) -> None:
    choose(opened, pairs=True)
    assert shown(opened) == [[step, verdict] for step in ("1", "10", "20") for verdict in ("correct", "wrong")]


def test_a_reload_keeps_the_filters(opened: Tab, page: Path) -> None:
    choose(opened, verdict="no_box", pairs=False)
    opened.open(address_of(page))
    assert {verdict for _, verdict in shown(opened)} == {"no_box"}


def test_a_completion_full_of_tags_stays_text(opened: Tab) -> None:
    choose(opened, words="<script>")
    assert opened.run("document.querySelectorAll('.found script, .found img').length") == 0
    assert '<script>alert("x")</script>' in opened.run("document.querySelector('.found pre').textContent")
    assert opened.complaints == []


def test_the_graded_box_is_marked(opened: Tab) -> None:
    choose(opened, verdict="wrong")
    # A formula has its source beside it, hidden.
    assert opened.run("document.querySelector('.found mark').textContent") in (r"\boxed{12}", r"12\boxed{12}")


def test_without_the_script_all_completions_are_there_in_folds(tab: Tab, page: Path) -> None:
    tab.ask("Emulation.setScriptExecutionDisabled", value=True)
    tab.open(address_of(page))
    tab.ask("Emulation.setScriptExecutionDisabled", value=False)
    assert tab.run("document.querySelectorAll('#completions details article').length") == 9
