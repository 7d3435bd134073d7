"""A folder that is about to be written is tried first."""

import os
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


def test_a_name_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """Tokenizers and safetensors would end with a traceback in the middle of a run."""
    with pytest.raises(ConfigError, match="bytes that are not UTF-8"):
        require_writable(tmp_path / os.fsdecode(b"by\xff"), what="--out is DIR", hint="--out DIR")
    require_writable(tmp_path / 'größe\n"数"', what="--out is DIR", hint="--out DIR")


@pytest.mark.usefixtures("without_room")
def test_a_disk_that_takes_names_and_no_bytes_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--out is a, where nothing can be written: .* takes no new folder"):
        require_writable(tmp_path / "a", what="--out is a", hint="--out DIR")
    assert list(tmp_path.iterdir()) == []
