"""What `merge`, `sample` and `report` are given: asked for before torch is imported, which takes seconds."""

import os
from pathlib import Path

from leanrl.errors import ConfigError
from leanrl.hints import command
from leanrl.storage.home import require_folder
from leanrl.storage.output_folder import require_writable
from leanrl.storage.run_folder import RunFolder
from leanrl.storage.run_format import format_of

# What merge and sample take: a run, its folder of checkpoints, a checkpoint, an adapter or several, a model.
_KNOWN_BY = ("config.json", "adapter_config.json", "*/adapter_config.json", "step-*", "checkpoints/step-*")


def require_trained(source: Path) -> None:
    """Check that a folder holds what can be merged or asked.

    Raises:
        ConfigError: if it is not there, holds nothing of the kind, or is a run of a newer format or without a
            complete checkpoint.
    """
    require_folder(source)
    if not any(next(source.glob(pattern), None) for pattern in _KNOWN_BY):
        raise ConfigError(
            f"{source} is no run folder, no checkpoint and no model's folder.", hint="`ls runs/` shows the runs here"
        )
    format_of(source)
    run = RunFolder(source)
    if run.is_begun and not run.complete_checkpoints():
        raise ConfigError(
            f"{source} has no complete checkpoint.",
            hint=f"`{command('train', '--resume', source)}` goes on until there is one",
        )


def require_merge_out(out: Path, *, may_exist: bool) -> None:
    """Check the folder that a merge is to create; one that holds the same merge already may be pushed again.

    Raises:
        ConfigError: if it exists, or nothing can be written there.
    """
    if os.path.lexists(out):
        if not may_exist:
            raise ConfigError(
                f"--out is {out}, which exists already; nothing is written over.", hint="--out NEW_FOLDER"
            )
        return
    require_writable(out, what=f"--out is {out}", hint="--out in a folder of yours that can be written to")
