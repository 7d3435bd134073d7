"""One headless browser for all tests of a page that need one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from leanrl.report.page import write_report
from tests.report.browser.chromium import NAMES, Tab, address_of, chromium_tab, find_chromium
from tests.report.sample_run import write_sample_run


@pytest.fixture(scope="session")
def tab() -> Iterator[Tab]:
    if find_chromium() is None:  # a browser is no dependency: `make test` runs on machines without one
        pytest.skip(f"no Chromium is installed (looked for {', '.join(NAMES)})")
    with chromium_tab() as tab:
        yield tab


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with completions of the steps 1, 10 and 20: of each a right one, a wrong one, and one full of tags."""
    return write_report(write_sample_run(tmp_path_factory.mktemp("runs") / "demo", num_steps=20))


@pytest.fixture
def opened(tab: Tab, page: Path) -> Tab:
    """The page, opened again without what an earlier test chose; complaints are those of this opening."""
    tab.open(address_of(page))
    tab.run("sessionStorage.clear()")
    tab.complaints.clear()
    tab.open(address_of(page))
    return tab
