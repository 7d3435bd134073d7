"""What is evaluated: found by name, described for evaluation.json, with the folder that keeps its evaluations."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from leanrl.config.schema import RunConfig
from leanrl.errors import ConfigError, MissingError
from leanrl.hints import command
from leanrl.storage.home import expanded

if TYPE_CHECKING:
    from leanrl.models.answerer import FoundAnswerer

Kind = Literal["hub", "folder", "checkpoint", "adapter", "endpoint"]
_WEIGHTS = ("adapter_config.json", "*.safetensors")
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True)
class Subject:
    """A model to evaluate; `found` is None behind an endpoint, whose weights nobody sees."""

    source: str
    kind: Kind
    found: "FoundAnswerer | None"

    @property
    def config(self) -> RunConfig:
        """How the model was asked in training, or the defaults."""
        return RunConfig() if self.found is None else self.found.config

    def default_folder(self, suffix: str) -> Path:
        """Return where an evaluation lies if no folder is named: in the run, or under evals/."""
        checkpoint = None if self.found is None else self.found.checkpoint
        if checkpoint is not None and checkpoint.run is not None:
            return checkpoint.run.path / "evals" / f"step-{checkpoint.step}-{suffix}"
        name = _UNSAFE.sub("-", self.source.rstrip("/")).strip("-.") or "model"
        return Path("evals") / f"{name}-{suffix}"

    def as_json(self) -> dict[str, Any]:
        """Return the facts that tell this model from another; a hash stands for weights that lie in a folder."""
        found = self.found
        facts = {"source": self.source, "kind": self.kind, "base": None, "revision": None}
        if found is None:
            return {**facts, "fingerprint": None}
        facts |= {"base": found.model.id, "revision": found.located.revision}
        facts["step"] = None if found.checkpoint is None else found.checkpoint.step
        return {**facts, "fingerprint": _fingerprint(found)}


def find_subject(model: str, *, endpoint: str | None, warn: Callable[[str], None]) -> Subject:
    """Return the model of a name; `warn` hears of newer checkpoints of a run that are damaged and passed over.

    Raises:
        ConfigError: if it is neither a run, nor a checkpoint, nor a model.
        MissingError: if it cannot be fetched.
    """
    if endpoint is not None:
        return Subject(model, "endpoint", None)
    from leanrl.models.answerer import find_answerer, find_on_hub
    from leanrl.models.quiet import quiet_transformers

    quiet_transformers()
    path = expanded(model)
    if not path.exists():
        try:
            return Subject(model, "hub", find_on_hub(model))
        except MissingError as error:
            hint = error.hint and error.hint.partition("; or name a folder")[0] + "; or `leanrl eval FOLDER`"
            raise MissingError(error.message, hint=hint) from error
    if not path.is_dir():
        raise ConfigError(f"{model} is a file, not the folder of a run or a model.", hint=command("eval", path.parent))
    found = find_answerer(path, warn=warn)
    if found.adapter is not None:
        return Subject(model, "adapter", found)
    is_in_run = found.checkpoint is not None and found.checkpoint.run is not None
    return Subject(model, "checkpoint" if is_in_run else "folder", found)


def _fingerprint(found: "FoundAnswerer") -> str | None:
    """Return a hash of the weights in a folder; the revision stands for those of the Hub."""
    if found.adapter is not None:
        folder = found.adapter.folder
    elif found.located.source == "hub":
        return found.located.revision
    else:
        folder = Path(found.located.path_or_id)
    digest = hashlib.sha256()
    for file in sorted(path for pattern in _WEIGHTS for path in folder.glob(pattern)):
        with file.open("rb") as opened:
            digest.update(f"{file.name}\0{hashlib.file_digest(opened, 'sha256').hexdigest()}\n".encode())
    return digest.hexdigest()
