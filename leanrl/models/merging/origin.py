"""merge.json: which training a merged model came from, and how it was merged."""

import hashlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from leanrl.config.schema import ModelConfig
from leanrl.errors import ConfigError
from leanrl.models.trained import Checkpoint, TrainedAdapter
from leanrl.storage.home import expanded
from leanrl.storage.run_folder import read_json, write_json

ORIGIN_FILE = "merge.json"
_CHUNK_BYTES = 2**20


@dataclass(frozen=True)
class Origin:
    """What decides the weights of a merged model; no path of this machine, since it goes wherever the model goes."""

    run: str | None
    checkpoint: str
    method: str
    base: str
    base_kind: Any
    dtype: str
    gguf: str | None
    trained_sha256: str

    def is_same_model(self, other: "Origin") -> bool:
        """Whether both are states or forms of one model: the same base, trained by the same run."""
        if self.run is None or other.run is None:
            return self.trained_sha256 == other.trained_sha256
        return (self.run, self.base) == (other.run, other.base)


def origin_of(
    checkpoint: Checkpoint,
    trained: TrainedAdapter | None,
    base: ModelConfig,
    *,
    dtype: str,
    base_kind: str,
    gguf: str | None,
) -> Origin:
    """Return the origin of a merge that is asked for; reads the trained weights once."""
    if trained is None:
        method = "full"
    else:
        method = "unknown" if checkpoint.config is None else checkpoint.config.model.tuning.method
    return Origin(
        run=None if checkpoint.run is None else checkpoint.run.path.resolve().name,
        checkpoint=checkpoint.folder.resolve().name,
        method=method,
        base=name_of_base(base.id or str(base.wheel)),
        base_kind=base_kind,
        dtype=dtype,
        gguf=gguf,
        trained_sha256=_digest(checkpoint.folder if trained is None else trained.folder),
    )


def write_origin(origin: Origin, folder: Path) -> None:
    """Write merge.json into the folder of a merged model."""
    write_json(folder / ORIGIN_FILE, asdict(origin))


def read_origin(folder: Path) -> Origin | None:
    """Return the origin of the merged model in `folder`; None where there is none that can be read."""
    try:
        return Origin(**read_json(folder / ORIGIN_FILE))
    except (ConfigError, TypeError):
        return None


def name_of_base(model_id: str) -> str:
    """Return a Hub id as it is, and of a local folder its last part: a card leaves the machine, a path must not."""
    return expanded(model_id).resolve().name if expanded(model_id).is_dir() else model_id


def _digest(folder: Path) -> str:
    """Return one SHA-256 over the weights in a folder, by the order of their names."""
    total = hashlib.sha256()
    for file in sorted(folder.glob("*.safetensors")):
        with file.open("rb") as opened:
            while chunk := opened.read(_CHUNK_BYTES):
                total.update(chunk)
    return total.hexdigest()
