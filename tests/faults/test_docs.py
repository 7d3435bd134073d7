"""docs/reliability.md is what the newest results file says, and nothing was lost in it."""

import importlib.util
import json
from pathlib import Path

from tests.faults.cases import CASES
from tests.faults.others import FAULTS

ROOT = Path(__file__).parents[2]


def _table():
    path = ROOT / "scripts" / "pages" / "reliability_table.py"
    spec = importlib.util.spec_from_file_location("reliability_table", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_current():
    table = _table()
    hint = "run `python scripts/pages/reliability_table.py > docs/reliability.md`"
    assert (ROOT / "docs" / "reliability.md").read_text() == table.reliability_page(table.newest_results()), hint


def test_nothing_was_lost_in_twenty_kills_of_each_kind_of_run_that_the_page_has():
    found = json.loads(_table().newest_results().read_text())
    assert found["kills"].keys() <= {case.name for case in CASES}
    assert found["kills"]
    assert all(len(rows) >= 20 for rows in found["kills"].values())
    assert [row["fault"] for row in found["faults"]] == list(FAULTS)
    rows = [*(row for of_case in found["kills"].values() for row in of_case), *found["terms"], *found["faults"]]
    assert [row for row in rows if row["differs"]] == []


def test_the_readme_links_the_page():
    assert "docs/reliability.md" in (ROOT / "README.md").read_text()
