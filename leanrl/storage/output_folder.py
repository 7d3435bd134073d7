"""A folder or file that a command is about to write: can it be made, asked before anything heavy is done."""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from leanrl.errors import ConfigError, Problem
from leanrl.hints import quoted
from leanrl.storage.home import not_text
from leanrl.storage.temporary.owned import owned_folder

# Enough for a disk without a free block to refuse it; the size of a checkpoint is asked for when the model is known.
_PROBE_BYTES = 64 * 2**10


def require_writable(folder: Path, *, what: str, hint: str) -> None:
    """Check by trying that files can be written into a folder that exists or is still to be made.

    Permissions alone do not tell: root passes them, and a mount may be read-only or full. The probe is removed.

    Args:
        what: names the folder in the message, such as "--out is DIR".
        hint: the option that names another one.

    Raises:
        ConfigError: with the place that refused and the system's reason.
    """
    obstacle = _obstacle(folder)
    if obstacle is not None:
        raise ConfigError(f"{what}, where nothing can be written: {obstacle}.", hint=hint)


def require_new_file(file: Path, *, option: str) -> None:
    """Check by trying that a new file can be made; folders that are missing around it are made with it.

    Args:
        option: names the file in the message and in the hint, such as "--out".

    Raises:
        ConfigError: if something is there already, or nothing can be written there.
    """
    if os.path.lexists(file):
        raise ConfigError(f"{file} is there already, and nothing is overwritten.", hint=f"{option} ANOTHER_FILE")
    require_writable(file.parent, what=f"{option} is {file}", hint=f"{option} FOLDER/{file.name}")


def require_no_links(files: Iterable[Path]) -> None:
    """Refuse links in the place of files that are appended to or replaced: what they lead to is not ours to write.

    Raises:
        ConfigError: naming each with what it leads to.
    """
    links = [file for file in files if file.is_symlink()]
    if links:
        raise ConfigError(
            "these files are written, and links are in their place:",
            problems=[Problem(str(link), f"leads to {os.readlink(link)}") for link in links],
            hint=f'put the file itself there: `cp --remove-destination "$(readlink -f {quoted(links[0])})" '
            f"{quoted(links[0])}`, or remove the link",
        )


@contextmanager
def new_lines(file: Path) -> Iterator[TextIO]:
    """Give a file for lines of JSON, which gets its name when it is whole; of one that is not, nothing is left."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.partial")
    try:
        # Half a surrogate pair, which is no UTF-8, is written as JSON itself spells it: \ud800.
        partial.unlink(missing_ok=True)  # of a kill; "x" does not write through a link
        with partial.open("x", encoding="utf-8", errors="backslashreplace") as lines:
            yield lines
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def _obstacle(folder: Path) -> str | None:
    place = Path(os.path.abspath(folder))
    missing: list[str] = []
    while not os.path.lexists(place):
        missing.append(place.name)
        place = place.parent
    if (why := not_text(folder)) is not None:
        return why
    if not place.is_dir():
        return f"{place} is {'a link to nothing' if place.is_symlink() and not place.exists() else 'a file'}"
    try:
        longest = os.pathconf(place, "PC_NAME_MAX")
        if any(len(os.fsencode(name)) > longest for name in missing):
            return f"a name has more than {longest} bytes"
        with owned_folder(place, prefix=".leanrl-probe-") as probe:
            (probe.path / "probe").write_bytes(bytes(_PROBE_BYTES))
    except OSError as error:
        return f"{place} takes no new folder ({error.strerror})"
    return None
