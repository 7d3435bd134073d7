"""README.md: the targets and presets that it names exist, and it names all presets."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def test_make_has_the_targets_that_are_named() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"^make ([\w-]+)", TEXT, re.M)) | set(re.findall(r"`make ([\w-]+)`", TEXT))
    assert {"demo", "test"} <= named
    assert [name for name in named if not re.search(rf"^{name}:", makefile, re.M)] == []


def test_every_preset_is_in_the_readme() -> None:
    presets = {path.stem for path in (ROOT / "presets").glob("*.yaml")}
    assert len(presets) > 10
    assert [name for name in presets if f"`{name}`" not in TEXT] == []
