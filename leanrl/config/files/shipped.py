"""The preset files that come with leanrl, and the file that `-p` or `extends` names."""

from collections.abc import Sequence
from pathlib import Path

from leanrl.config.names.nearest import did_you_mean, nearest_name
from leanrl.errors import ConfigError
from leanrl.hints import command, setting
from leanrl.storage.home import expanded

FILE_ENDINGS = (".yaml", ".yml", ".json")
_DATA_ENDINGS = (".jsonl", ".csv", ".tsv", ".parquet", ".arrow", ".txt")
_LISTED = "`leanrl presets` lists what comes with leanrl; a file of your own ends in .yaml, .yml or .json."


def preset_folder() -> Path:
    """Return the folder of the shipped presets: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[2]
    inside = package / "presets"
    return inside if inside.is_dir() else package.parent / "presets"


def preset_names() -> list[str]:
    """Return the names of the shipped presets in order."""
    return sorted(file.stem for file in preset_folder().glob("*.yaml"))


def preset_path(preset: str, *, folder: Path = Path()) -> Path:
    """Return the file of a shipped preset, or the file itself where `preset` ends like one.

    Args:
        preset: a name, or a path that ends in .yaml, .yml or .json.
        folder: what a relative path starts from.

    Raises:
        ConfigError: if there is no such preset or file.
    """
    if preset in preset_names():
        return preset_folder() / f"{preset}.yaml"
    path = folder / expanded(preset)
    try:
        if path.is_file() and preset.endswith(FILE_ENDINGS):
            return path
        raise _no_preset(preset, path)
    except (OSError, ValueError) as error:  # a name that is too long for a path, or has a null in it
        raise _unknown_name(preset) from error


def _no_preset(preset: str, path: Path) -> ConfigError:
    if path.is_dir():
        return _is_folder(path)
    if path.is_file():
        return _is_other_file(path)
    if not preset.endswith(FILE_ENDINGS):
        return _unknown_name(preset)
    beside = nearest_name(path.name, _files_beside(path.parent))
    near = str(path.with_name(beside)) if beside is not None else nearest_name(path.stem, preset_names())
    hint = " ".join(part for part in (did_you_mean(near), _LISTED) if part)
    return ConfigError(f"There is no file {path}.", hint=hint)


def _is_folder(path: Path) -> ConfigError:
    if (path / "config.json").is_file():
        meant = f"Did you mean the run's configuration, `{path / 'config.json'}`?"
        hint = f"{meant} `{command('train', '--resume', path)}` goes on with the run."
        return ConfigError(f"`{path}` is a run folder, not a preset.", hint=hint)
    files = _files_beside(path)
    hint = f"it holds {_several(files)}: {command('train', '-p', path / files[0])}" if files else _LISTED
    return ConfigError(f"`{path}` is a folder, not a preset.", hint=hint)


def _is_other_file(path: Path) -> ConfigError:
    if path.suffix in _DATA_ENDINGS:
        hint = f"name a preset beside it: -p cpu-demo {setting('data.path', path)}"
        return ConfigError(f"`{path}` is a data file, not a preset.", hint=hint)
    return ConfigError(f"`{path}` is a file of another kind, not a preset.", hint=_LISTED)


def _unknown_name(preset: str) -> ConfigError:
    near = did_you_mean(nearest_name(preset, preset_names()))
    hint = " ".join(part for part in (near, _LISTED) if part)
    return ConfigError(f"There is no preset `{_shortened(preset)}`.", hint=hint)


def _files_beside(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.glob("*") if file.suffix in FILE_ENDINGS) if folder.is_dir() else []


def _several(files: Sequence[str]) -> str:
    return ", ".join(files[:3]) + (f" and {len(files) - 3} more" if len(files) > 3 else "")


def _shortened(text: str) -> str:
    shown = text if text.isprintable() else ascii(text)[1:-1]
    return shown if len(shown) <= 80 else f"{shown[:77]}..."
