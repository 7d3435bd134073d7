"""A folder written beside its final name, which it takes only once it is complete."""

import errno
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from leanrl.errors import ConfigError, DoesNotFitError
from leanrl.hints import quoted
from leanrl.storage.temporary.owned import OwnedFolder, make_owned_folder, remove_left_behind, without_owner

# A full disk or quota in the words of those who give no errno: safetensors and tokenizers are Rust.
_FULL_ERRNOS = (errno.ENOSPC, errno.EDQUOT)
_FULL_WORDS = tuple(f"(os error {number})" for number in _FULL_ERRNOS)
_SUFFIX = ".partial"


@contextmanager
def written_beside(out: Path, *, say: Callable[[str], None]) -> Iterator[Path]:
    """Give a folder beside `out` to fill; it takes that name once the block ends well, and is gone otherwise.

    What merges that were killed have left in the same place is removed first, and said.

    Raises:
        ConfigError: if it cannot be made there, or `out` was created meanwhile.
        DoesNotFitError: if the disk is full.
    """
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        beside = _made_beside(out, say)
    except OSError as error:
        what = f"{out} cannot be made: {error.strerror or error}."
        raise ConfigError(what, hint="--out in a folder of yours that can be written to") from error
    try:
        yield beside.path
        if out.exists():
            raise ConfigError(f"{out} was created meanwhile; nothing is written over.", hint="--out NEW_FOLDER")
        beside.publish(out)
    except Exception as error:
        if not _is_full_disk(error):
            raise
        free = shutil.disk_usage(out.parent).free
        raise DoesNotFitError(
            f"the disk is full: {out.parent} has {free / 2**30:.1f} GiB free, and {out.name} did not fit. "
            "Nothing is left of it.",
            hint="--out on a larger disk",
        ) from error
    finally:
        beside.close()


def _made_beside(out: Path, say: Callable[[str], None]) -> OwnedFolder:
    prefix = f".{out.name}."
    for path in remove_left_behind(out.parent, prefix=prefix, suffix=_SUFFIX):
        say(f"removed {path}, which a merge that was killed had left")
    for path in without_owner(out.parent, prefix=prefix, suffix=_SUFFIX):
        say(f"{path} stays: nothing says which process made it; `rm -r {quoted(path)}` removes it")
    return make_owned_folder(out.parent, prefix=prefix, suffix=_SUFFIX)


def require_room(folder: Path, *, needed_bytes: int) -> None:
    """Refuse what the disk of `folder` cannot hold.

    Raises:
        DoesNotFitError: with both sizes.
    """
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise DoesNotFitError(
            f"the merged model takes {needed_bytes / 2**30:.1f} GiB, but {folder.parent} has {free / 2**30:.1f} GiB "
            "free.",
            hint="--out on a larger disk",
        )


def _is_full_disk(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in _FULL_ERRNOS:
        return True
    return any(words in str(error) for words in _FULL_WORDS)
