"""Where a file that should be UTF-8 is not."""

import shlex
from pathlib import Path

from leanrl.data.files.unpacking import opened
from leanrl.errors import DataError


def bad_byte(path: Path) -> DataError:
    """Return the error that names the first line and byte that are no UTF-8."""
    hint = f"save the file as UTF-8, for instance `iconv -f latin1 -t utf-8 {shlex.quote(str(path))} > NEW`"
    with opened(path) as lines:
        for number, line in enumerate(lines, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                byte = f"byte {error.start + 1} of the line (0x{line[error.start]:02x})"
                return DataError(f"{path}:{number}: {byte} is not UTF-8.", hint=hint)
    return DataError(f"{path}: is not UTF-8.", hint=hint)
