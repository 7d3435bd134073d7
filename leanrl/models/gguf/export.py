"""How a merged model becomes a GGUF file: by leanrl's writer, by llama.cpp's converter, or by commands to run."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from transformers import PreTrainedConfig, PreTrainedTokenizerBase

from leanrl.config.schema import RunConfig
from leanrl.errors import ConfigError
from leanrl.hints import quoted
from leanrl.models.gguf.file import require_gguf
from leanrl.models.gguf.llama_cpp import commands, convert, converter
from leanrl.models.gguf.modelfile import modelfile
from leanrl.prompting.generation import read_generation_fields
from leanrl.prompting.stopping import Stopping

_MODELFILE = "Modelfile"


@dataclass(frozen=True)
class Export:
    """What is to be made: a file of this name and type.

    leanrl writes it itself (`own`) where it can read it back; llama.cpp's converter knows more families. `why` says
    what stands against the writer where only the commands are left.
    """

    kind: str
    file: str
    way: Literal["own", "llama.cpp", "commands"]
    script: Path | None = None
    why: str = ""


def plan_export(kind: str, config: PreTrainedConfig, tokenizer: PreTrainedTokenizerBase, *, out: Path) -> Export:
    """Return how the GGUF file of a model is made, before any work.

    Raises:
        ConfigError: if LLAMA_CPP names no checkout of llama.cpp.
        MissingError: if leanrl's writer is the way and the package gguf is not installed.
    """
    file = f"{out.name}-{kind}.gguf"
    script = converter()
    if script is not None:
        return Export(kind, file, "llama.cpp", script)
    try:
        require_gguf(kind, config, tokenizer)
    except ConfigError as error:
        return Export(kind, file, "commands", why=error.message)
    return Export(kind, file, "own")


def write_modelfile(folder: Path, export: Export, tokenizer: PreTrainedTokenizerBase, config: RunConfig | None) -> None:
    """Write the Modelfile of the GGUF file into its folder."""
    ends = read_generation_fields(folder / "generation_config.json").get("eos_token_id")
    stop_ids = tuple([ends] if isinstance(ends, int) else ends or ())
    text = modelfile(export.file, tokenizer, Stopping(stop_ids, 0), config or RunConfig())
    (folder / _MODELFILE).write_text(text, encoding="utf-8")


def finish_export(export: Export, out: Path, *, say: Callable[[str], None]) -> tuple[str, ...]:
    """Convert the merged model where llama.cpp does it, and return what a person has to know or do.

    Raises:
        LeanRLError: if the converter fails; the merged model stays.
    """
    lines = []
    if export.way == "commands":
        lines = [
            f"{export.why} llama.cpp does it:",
            *(f"    {line}" for line in commands(out, out / export.file, kind=export.kind)),
        ]
    elif export.way == "llama.cpp" and export.script is not None:
        say(f"converting to {export.file} with {export.script}")
        convert(export.script, out, out / export.file, kind=export.kind)
        lines = [f"GGUF: {export.file} ({export.kind}), converted by llama.cpp; leanrl has not read it back"]
    return (*lines, f"Ollama: ollama create NAME -f {quoted(out / _MODELFILE)}")
