"""The command that started this process, as a person would type it again."""

import shlex
import sys
from pathlib import Path


def typed_command() -> str | None:
    """Return `leanrl ARGUMENTS`, or `python FILE ARGUMENTS`; None where nobody typed one, as in a notebook."""
    program, *arguments = sys.argv or [""]
    path = Path(program)
    if path.name == "leanrl" or path.parts[-2:] == ("leanrl", "__main__.py"):
        return shlex.join(["leanrl", *arguments])
    # A kernel's own arguments name a file with its key.
    if program in ("", "-c") or path.name == "ipykernel_launcher.py" or "ipykernel" in path.parts:
        return None
    return shlex.join(["python", program, *arguments])
