"""docs/models.md is what the newest results file says, and the file covers the table."""

import importlib.util
import json
from pathlib import Path

from tests.families.table import FAMILIES

ROOT = Path(__file__).parents[2]


def _table():
    spec = importlib.util.spec_from_file_location("models_table", ROOT / "scripts" / "pages" / "models_table.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_current():
    table = _table()
    hint = "run `python scripts/pages/models_table.py > docs/models.md`"
    assert (ROOT / "docs" / "models.md").read_text() == table.models_page(table.newest_results()), hint


def test_at_least_twenty_families_went_through_every_path():
    rows = json.loads(_table().newest_results().read_text())["rows"]
    whole = {row["family"] for row in rows if "failure" not in row and "refused" not in row}
    assert len(whole) >= 20
    assert {row["family"] for row in rows} <= {family.name for family in FAMILIES}


def test_the_readme_links_the_page():
    assert "docs/models.md" in (ROOT / "README.md").read_text()
