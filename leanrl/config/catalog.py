"""The presets that leanrl ships: where they lie, their names, their text."""

from dataclasses import dataclass
from pathlib import Path

from leanrl.config.names import did_you_mean, nearest_name
from leanrl.config.yaml_text import parse_yaml
from leanrl.errors import ConfigError


@dataclass(frozen=True)
class PresetInfo:
    """One shipped preset and what it is for."""

    name: str
    about: str


def preset_folder() -> Path:
    """Return the folder of the shipped presets: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "presets"
    return inside if inside.is_dir() else package.parent / "presets"


def list_presets() -> list[PresetInfo]:
    """Return the shipped presets in the order of their names."""
    files = sorted(preset_folder().glob("*.yaml"))
    return [PresetInfo(file.stem, parse_yaml(file.read_text(encoding="utf-8")).get("about", "")) for file in files]


def preset_text(name: str) -> str:
    """Return the YAML of a shipped preset as it was written.

    Raises:
        ConfigError: if there is none of that name.
    """
    return preset_path(name).read_text(encoding="utf-8")


def preset_path(name: str) -> Path:
    """Return the file of a shipped preset.

    Raises:
        ConfigError: if there is none of that name.
    """
    names = sorted(file.stem for file in preset_folder().glob("*.yaml"))
    if name not in names:
        raise _unknown_preset(name, names)
    return preset_folder() / f"{name}.yaml"


def _unknown_preset(name: str, names: list[str]) -> ConfigError:
    meant = did_you_mean(nearest_name(name, names))
    listed = f"The presets are: {', '.join(names)}."
    if Path(name, "config.json").is_file():
        meant = f"Did you mean the run's configuration, `{Path(name, 'config.json')}`?"
    return ConfigError(
        f"There is no preset `{name}`.",
        hint=" ".join(part for part in (meant, listed, "A file of your own ends in .yaml.") if part),
    )
