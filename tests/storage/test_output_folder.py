"""A folder that is about to be written is tried first."""

import resource
from collections.abc import Iterator
from pathlib import Path

import pytest

from leanrl.errors import ConfigError
from leanrl.storage.output_folder import require_writable


@pytest.fixture
def without_room() -> Iterator[None]:
    """The system takes names and no bytes, as a full disk does: files end at 4 KiB."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_folder_that_takes_files_is_left_as_it_was(tmp_path: Path) -> None:
    require_writable(tmp_path / "a" / "b", what="--out is a/b", hint="--out DIR")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("without_room")
def test_a_disk_that_takes_names_and_no_bytes_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--out is a, where nothing can be written: .* takes no new folder"):
        require_writable(tmp_path / "a", what="--out is a", hint="--out DIR")
    assert list(tmp_path.iterdir()) == []
