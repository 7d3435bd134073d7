"""One pool for the tests that do not harm it."""

from collections.abc import Iterator

import pytest

from leanrl.grading.pool import GraderPool


@pytest.fixture(scope="session")
def pool() -> Iterator[GraderPool]:
    """A pool with one worker and the default limits."""
    with GraderPool(num_workers=1) as pool:
        yield pool
