"""unsloth's import: before everything that it patches, in a process of its own, with its environment set."""

import importlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from leanrl.errors import MissingError
from leanrl.machine.environment import quiet_libraries
from leanrl.types import Listener

LICENCE_NOTE = (
    "unsloth: parts of what runs now are under AGPL-3.0, among them the kernel of the GRPO log-probabilities; "
    "docs/unsloth.md says what that means for a service."
)
# What unsloth patches where it is imported first, and only warns of where it is not (its _gpu_init.py).
_PATCHED = ("transformers", "trl", "peft")
_SEGMENTS = "expandable_segments"


def unsloth_environment(cache: Path, *, engine: str, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables that unsloth and torch read; statistics are turned off with those of every library.

    Standby, by which unsloth shares a card with its own vLLM, is off. Expandable segments are on, unless a vLLM in
    this process gives its memory back: the allocator by which it does that excludes them.

    Args:
        cache: folder of the code that unsloth writes; by default it is one of the working directory, which other
            runs with other versions find there.
        engine: `rollout.engine`.
        environment: what the user has set; other settings of torch's allocator in it stay.
    """
    return {
        "UNSLOTH_VLLM_STANDBY": "0",
        "PYTORCH_ALLOC_CONF": _with_expandable_segments(engine != "vllm-colocate", environment),
        "UNSLOTH_COMPILE_LOCATION": str(cache.resolve()),
    }


def _with_expandable_segments(is_on: bool, environment: Mapping[str, str]) -> str:
    """Return the allocator's settings with this one; torch reads the first of two variables, and only that one."""
    users = environment.get("PYTORCH_ALLOC_CONF") or environment.get("PYTORCH_CUDA_ALLOC_CONF") or ""
    kept = [part for part in users.split(",") if part.strip() and part.partition(":")[0].strip() != _SEGMENTS]
    return ",".join([*kept, f"{_SEGMENTS}:{is_on}"])


def import_unsloth(cache: Path, listener: Listener, *, engine: str) -> None:
    """Import unsloth, which patches TRL, transformers and PEFT; nothing of them may be loaded yet.

    `engine` is `rollout.engine`.

    Raises:
        RuntimeError: if one of them is: unsloth would go on with a warning, and with half of its patches.
        MissingError: if unsloth cannot be imported.
    """
    early = [name for name in _PATCHED if name in sys.modules]
    if early:
        raise RuntimeError(f"{', '.join(early)} are imported before unsloth, which has to come first.")
    quiet_libraries()
    os.environ.update(unsloth_environment(cache, engine=engine))
    listener.say(LICENCE_NOTE)
    os.dup2(2, 1)  # it prints; standard output is for data, and the launcher's to write
    try:
        importlib.import_module("unsloth")
    except (ImportError, NotImplementedError, RuntimeError) as error:
        raise MissingError(
            f"backend is unsloth, and it cannot be imported: {error}",
            hint="`leanrl doctor --constraints unsloth` prints versions that work together; -s backend=hf needs none",
        ) from error
