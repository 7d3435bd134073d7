"""One headless browser for all tests of a page that need one."""

from collections.abc import Iterator

import pytest

from tests.report.browser.chromium import NAMES, Tab, chromium_tab, find_chromium


@pytest.fixture(scope="session")
def tab() -> Iterator[Tab]:
    if find_chromium() is None:
        pytest.skip(f"no Chromium is installed (looked for {', '.join(NAMES)})")
    with chromium_tab() as tab:
        yield tab
