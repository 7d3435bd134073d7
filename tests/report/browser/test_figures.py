"""The figures of a page in a real browser: drawn by the page's script, and answering pointer and keys."""

from pathlib import Path

import pytest

from tests.report.browser.chromium import Tab, address_of

ENTROPY = "document.querySelector('figure[data-curve=entropy]')"


def point_at(tab: Tab, share: float, *, kind: str = "mouseMoved") -> None:
    """Move the pointer to a fraction of the field, which goes from 52 to 332 of 340; or press or release it there."""
    tab.run(f"{ENTROPY}.scrollIntoView({{block: 'center'}})")
    left, top, width, height = tab.run(
        f"(b => [b.left, b.top, b.width, b.height])({ENTROPY}.querySelector('svg').getBoundingClientRect())"
    )
    button = {} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
    across = left + width * (52 + (332 - 52) * share) / 340
    tab.ask("Input.dispatchMouseEvent", type=kind, x=across, y=top + height / 2, **button)


def tip(tab: Tab) -> str:
    return tab.run(f"(t => t.hidden ? '' : t.innerText)({ENTROPY}.querySelector('.tip'))")


def press(tab: Tab, key: str) -> None:
    for kind in ("keyDown", "keyUp"):
        tab.ask("Input.dispatchKeyEvent", type=kind, key=key)


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (1200, "dark"), (390, "light"), (390, "dark")])
def test_no_complaint_and_nothing_wider_than_the_window(tab: Tab, page: Path, width: int, scheme: str) -> None:
    tab.complaints.clear()
    tab.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    tab.open(address_of(page), width=width)
    assert tab.run("document.documentElement.scrollWidth <= innerWidth")
    assert tab.run("document.querySelectorAll('#controls label').length") == 3  # so that the script has run
    assert tab.complaints == []


def test_another_script_is_stopped_by_the_policy(opened: Tab) -> None:
    """The check of the checks: a policy that allows everything would let it run."""
    opened.run("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))")
    assert opened.run("window.ran") is None
    assert any("Content Security Policy" in complaint for complaint in opened.complaints)


def test_the_pointer_shows_the_values_of_its_step(opened: Tab) -> None:
    """Step 20 of 20 lies at the right end."""
    assert tip(opened) == ""
    point_at(opened, 1.0)
    assert tip(opened).startswith("step 20\nentropy 0.")
    point_at(opened, 0.0)
    assert tip(opened).startswith("step 1\nentropy 0.")


def test_the_keys_walk_through_the_steps(opened: Tab) -> None:
    opened.run(f"{ENTROPY}.querySelector('svg').focus()")
    press(opened, "ArrowRight")
    press(opened, "ArrowRight")
    assert tip(opened).startswith("step 2\n")
    press(opened, "End")
    assert tip(opened).startswith("step 20\n")
    assert opened.run(f"{ENTROPY}.querySelector('.tip').getAttribute('role')") == "status"


def test_a_drag_zooms_all_figures_and_escape_shows_all(opened: Tab) -> None:
    """From half to the end: half of 1 to 20 is 10.5, whose nearest step is 10 or 11."""
    point_at(opened, 0.5)
    point_at(opened, 0.5, kind="mousePressed")
    point_at(opened, 1.0)
    point_at(opened, 1.0, kind="mouseReleased")
    others = "document.querySelector('figure[data-curve=grad_norm]').querySelectorAll('circle').length"
    assert opened.run(others) in (10, 11)
    assert opened.run("document.querySelector('[data-reset]').hidden") is False
    opened.run(f"{ENTROPY}.querySelector('svg').focus()")
    press(opened, "Escape")
    assert opened.run(others) == 20


def test_the_horizontal_axis_can_be_time_and_a_reload_keeps_it(opened: Tab, page: Path) -> None:
    """The run has no tokens, so that they are not offered."""
    assert opened.run("[...document.querySelectorAll('#scale option')].map(o => o.value)") == ["step", "seconds"]
    opened.run("(s => {s.value = 'seconds'; s.dispatchEvent(new Event('change'))})(document.getElementById('scale'))")
    assert opened.run(f"{ENTROPY}.querySelector('svg').textContent.endsWith('time')")
    opened.open(address_of(page))
    assert opened.run(f"{ENTROPY}.querySelector('svg').textContent.endsWith('time')")


def test_every_figure_has_an_accessible_name(opened: Tab) -> None:
    names = opened.run("[...document.querySelectorAll('svg')].map(s => s.getAttribute('aria-label'))")
    assert len(names) > 10
    assert all(names)


def test_the_best_step_is_marked(opened: Tab) -> None:
    words = opened.run("document.querySelector('figure[data-curve=accuracy_reward] svg').textContent")
    assert "best step " in words


def test_the_page_is_whole_without_its_script(tab: Tab, page: Path) -> None:
    tab.ask("Emulation.setScriptExecutionDisabled", value=True)
    tab.open(address_of(page), width=390)
    tab.ask("Emulation.setScriptExecutionDisabled", value=False)
    assert tab.run("document.querySelectorAll('figure[data-curve] path.strong').length") > 10
    assert tab.run("document.getElementById('controls').childElementCount") == 0
    assert tab.run("document.documentElement.scrollWidth <= innerWidth")
