r"""Formulas in a real browser: drawn, found by their source, no wider than the window, and nothing of them active."""

import json
from pathlib import Path

import pytest

from leanrl.report.page import write_report
from tests.report.browser.chromium import Tab, address_of
from tests.report.sample_run import write_sample_run

pytest.importorskip("latex2mathml", reason="latex2mathml (extra `report`) is not installed here")

WIDE = " + ".join(rf"\frac{{{number}}}{{{number + 1}}}" for number in range(40))
TEXTS = (
    r"We have $x^2 = \frac{1}{4}$, so \[ x = \pm\sqrt{\frac{1}{4}} \] and it is $\boxed{\frac{1}{2}}$.",
    f"Wide: ${WIDE}$ and \\[{WIDE}\\] so $\\boxed{{1}}$",
    r"Broken: $\frac{1}$ and \(\left( x\) and \boxed{3}",
    r"$\text{<img src=x onerror=alert(1)>}$ $\href{javascript:alert(1)}{y}$ $\mathrm{</math><script>x()</script>}$",
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = write_sample_run(tmp_path_factory.mktemp("runs") / "mathematics", num_steps=1)
    records = [
        {
            "step": 1,
            "problem": "How large is $x$?",
            "gold": "1",
            "completion": text,
            "verdict": "wrong",
            "num_tokens": 9,
        }
        for text in TEXTS
    ]
    (run.completions / "step-000001.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records))
    return write_report(run)


@pytest.fixture
def drawn(opened: Tab) -> Tab:
    """The page with every completion laid out: what lies far below the window is not."""
    opened.run("document.querySelectorAll('.found article').forEach(one => one.style.contentVisibility = 'visible')")
    return opened


def test_formulas_are_drawn_and_their_source_is_hidden_and_found(drawn: Tab) -> None:
    first = "document.querySelector('.found article')"
    assert drawn.run(f"{first}.querySelectorAll('pre math').length") == 3
    assert drawn.run(f"{first}.querySelectorAll('.problem math').length") == 1
    # A fraction is laid out where its numerator stands above its denominator.
    fraction = f"{first}.querySelector('pre mfrac')"
    above, below = (f"{fraction}.{child}ElementChild.getBoundingClientRect()" for child in ("first", "last"))
    assert drawn.run(f"{above}.bottom <= {below}.top && {above}.height > 0")
    assert drawn.run(f"getComputedStyle({first}.querySelector('annotation')).display") == "none"
    assert drawn.run(f"getComputedStyle({first}.querySelector('mark .boxed')).borderTopWidth") == "1px"
    assert drawn.run(f"{first}.textContent").count(r"\sqrt{\frac{1}{4}}") == 1


def test_a_broken_formula_is_shown_as_it_was_written(drawn: Tab) -> None:
    text = drawn.run("document.querySelectorAll('.found pre')[2].innerText")
    assert text.startswith(r"Broken: $\frac{1}$ and \(\left( x\) and ")


@pytest.mark.parametrize("width", [390, 1200])
def test_a_wide_formula_scrolls_in_its_box(tab: Tab, page: Path, width: int) -> None:
    tab.open(address_of(page), width=width)
    assert tab.run("document.documentElement.scrollWidth <= innerWidth")
    wide = "document.querySelectorAll('.found pre')[1]"
    assert tab.run(f"{wide}.scrollWidth > {wide}.clientWidth")


def test_nothing_of_a_formula_is_active(opened: Tab) -> None:
    assert opened.run("document.querySelectorAll('.found :is(script, img, a, [href], [style], [onerror])').length") == 0
    assert "<img src=x onerror=alert(1)>" in opened.run("document.querySelectorAll('.found pre')[3].textContent")
    assert opened.complaints == []
