"""llama.cpp's converter to GGUF: called where LLAMA_CPP names a checkout, printed as commands elsewhere."""

import os
import subprocess
import sys
from pathlib import Path

from leanrl.errors import ConfigError, LeanRLError
from leanrl.hints import quoted
from leanrl.machine.endings import ending_in_words
from leanrl.storage.home import expanded

VARIABLE = "LLAMA_CPP"
_SCRIPT = "convert_hf_to_gguf.py"
_SOURCE = "https://github.com/ggml-org/llama.cpp"
_SHOWN_CHARACTERS = 2000


def converter() -> Path | None:
    """Return the converter of the checkout that LLAMA_CPP names; None where it names none.

    Raises:
        ConfigError: if there is no converter.
    """
    folder = os.environ.get(VARIABLE)
    if not folder:
        return None
    script = expanded(folder) / _SCRIPT
    if not script.is_file():
        raise ConfigError(
            f"{VARIABLE} is {folder}, and there is no {_SCRIPT} in it.", hint=f"git clone {_SOURCE} {quoted(folder)}"
        )
    return script


def convert(script: Path, model: Path, file: Path, *, kind: str) -> None:
    """Have llama.cpp convert the model in a folder to a GGUF file.

    Raises:
        LeanRLError: with the converter's own words if it fails; the model stays as it is.
    """
    command = [sys.executable, str(script), *_arguments(model, file, kind=kind)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode == 0 and file.is_file():
        return
    file.unlink(missing_ok=True)
    said = f"{done.stdout}{done.stderr}".strip()[-_SHOWN_CHARACTERS:] or "nothing"
    raise LeanRLError(
        f"the merged model is in {model}, and llama.cpp, which {ending_in_words(done.returncode)}, did not convert it. "
        f"It says:\n{said}",
        hint=f"try it again by itself: {_line(sys.executable, script, model, file, kind=kind)}",
    )


def commands(model: Path, file: Path, *, kind: str) -> list[str]:
    """Return the two commands that make the GGUF file with a fresh checkout of llama.cpp."""
    return [f"git clone {_SOURCE}", _line("python", Path("llama.cpp") / _SCRIPT, model, file, kind=kind)]


def _line(python: str, script: Path, model: Path, file: Path, *, kind: str) -> str:
    words = (python, str(script), *_arguments(model, file, kind=kind))
    return " ".join(quoted(word) for word in words)


def _arguments(model: Path, file: Path, *, kind: str) -> list[str]:
    return [str(model), "--outfile", str(file), "--outtype", kind.lower()]
