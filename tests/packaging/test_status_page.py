"""docs/status.md is written from docs/status/*.yaml: every item has its promises, and every proof exists."""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]

# The items of each list of promises, typed from there. A promise may be done or not; none may vanish.
ITEMS = {
    1: "1 2 3 4 5 6 7 8 9 10 11, bad input",
    2: "1 2 3 4 5, bad input",
    3: "1 2 3 4 5 6 7 8, bad input",
    4: "1 2 3 4 5 6 7, bad input, done when",
    5: "1 2 3 4 5 6 7 8 9, bad input",
    6: "1 2 3 4 5 6, bad input, done when",
    7: "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15, bad input, done when",
    8: "1 2 3 4 5 6 7 8 9 10, bad input",
    9: "1 2 3 4 5 6, bad input",
    10: "1 2 3 4 5 6 7 8 9, bad input, done when, measure",
    11: "1 2 3 4 5 6 7 8 9 10, bad input, done when, proof",
    12: "1 2 3 4 5 6 7, bad input, proof, speed",
    13: "1 2 3 4 5 6 7 8 9 10",
    14: "1 2 3 4 5 6 7, bad input, done when",
    15: "1 2 3 4 5 6 7",
}


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("status_page", ROOT / "scripts" / "pages" / "status_page.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


page = _script()
AREAS = page.read_areas(page.FOLDER)


def _one(**values: object) -> list[str]:
    promise = page.Promise(**{"id": "7.14a", "holds": "It holds", "proof": ("CONTRIBUTING.md",), **values})
    return page.problems([page.Area("Area", "", (promise,))], ROOT)


def test_the_page_is_that_of_the_promises() -> None:
    assert (ROOT / "docs" / "status.md").read_text(encoding="utf-8") == page.status_page(AREAS)


def test_every_file_of_promises_is_an_area_of_the_page() -> None:
    assert sorted(path.stem for path in page.FOLDER.iterdir()) == sorted(page.AREAS)


def test_every_entry_is_well_formed_and_every_proof_exists() -> None:
    assert page.problems(AREAS, ROOT) == []


@pytest.mark.parametrize("section", ITEMS)
def test_every_item_has_a_promise(section: int) -> None:
    written = {promise.id for area in AREAS for promise in area.promises}
    there = {
        re.sub(r"^(\d+)[a-z]$", r"\1", name.split(".", 1)[1]) for name in written if name.startswith(f"{section}.")
    }
    numbers, *words = ITEMS[section].split(", ")
    assert {*numbers.split(), *words} - there == set()


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"id": "16.1"}, "SECTION.ITEM"),
        ({"id": "7"}, "SECTION.ITEM"),
        ({"holds": ""}, "neither `holds` nor `missing`"),
        ({"proof": ()}, "without a proof"),
        ({"holds": "x" * 200, "missing": "y" * 41}, "241 characters"),
        ({"gpu": "fast"}, "none of measured"),
        ({"gpu": "measured"}, "needs a results file"),
        ({"proof": ("tests/nowhere.py",)}, "tests/nowhere.py does not exist"),
        ({"proof": ("tests/test_checks.py::test_nothing",)}, "::test_nothing does not exist"),
    ],
)
def test_what_is_wrong_with_an_entry_is_said(values: dict[str, object], fault: str) -> None:
    (line,) = _one(**values)
    assert line.startswith(f"{values.get('id', '7.14a')}: ")
    assert fault in line


def test_an_entry_may_be_done_in_part_or_not_at_all() -> None:
    assert _one(missing="a card") == []
    assert _one(holds="", proof=(), missing="a card") == []


def test_a_promise_that_is_written_twice_is_found() -> None:
    promise = page.Promise("7.1", "It holds", ("CONTRIBUTING.md",))
    assert "is written twice" in page.problems([page.Area("Area", "", (promise, promise))], ROOT)[0]


def test_a_row_has_text_missing_part_mark_and_links() -> None:
    promise = page.Promise("7.1", "a | b", ("tests/a/test_b.py::test_c", "docs/gpu.md"), "unknown", "a card")
    assert page.status_page([page.Area("Area", "", (promise,))]).splitlines()[-1] == (
        r"| 7.1 | a \| b. **Limit:** a card. GPU: unknown "
        '| [a/test_b](../tests/a/test_b.py "test_c"), [gpu.md](gpu.md) |'
    )


def test_an_id_that_yaml_reads_as_a_number_is_named(tmp_path: Path) -> None:
    for name in page.AREAS:
        (tmp_path / f"{name}.yaml").write_text("title: Area\npromises:\n  - {id: 3.1, missing: a card}\n")
    with pytest.raises(ValueError, match=r"put the id in quotes.*: 3\.1"):
        page.read_areas(tmp_path)
