"""The preset files that come with leanrl: their folder and their names."""

from pathlib import Path

from leanrl.config.names import did_you_mean, nearest_name
from leanrl.errors import ConfigError

FILE_ENDINGS = (".yaml", ".yml", ".json")


def preset_folder() -> Path:
    """Return the folder of the shipped presets: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
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
    if not preset.endswith(FILE_ENDINGS):
        if preset not in preset_names():
            raise _unknown_preset(preset, preset_names())
        return preset_folder() / f"{preset}.yaml"
    path = folder / preset
    if not path.is_file():
        raise ConfigError(f"There is no file {path}.", hint="`leanrl presets` lists the presets that come with leanrl")
    return path


def _unknown_preset(preset: str, names: list[str]) -> ConfigError:
    meant = did_you_mean(nearest_name(preset, names))
    if Path(preset, "config.json").is_file():
        meant = f"Did you mean the run's configuration, `{Path(preset, 'config.json')}`?"
    listed = f"The presets are: {', '.join(names)}."
    hint = " ".join(part for part in (meant, listed, "A file of your own ends in .yaml.") if part)
    return ConfigError(f"There is no preset `{preset}`.", hint=hint)
