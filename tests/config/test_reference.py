"""docs/config.md is what the schema says."""

from pathlib import Path

from leanrl.config.keys import schema_keys
from leanrl.config.reference import config_reference

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_committed_reference_is_current():
    hint = "run `python -m leanrl.config.reference > docs/config.md`"
    assert (DOCS / "config.md").read_text(encoding="utf-8") == config_reference(), hint


def test_every_key_has_a_row_with_type_default_and_help():
    text = config_reference()
    assert "| `train.num_completions` | a whole number >= 2 | `6` | completions of each prompt (the group) |" in text
    assert "| `data.levels` | a list of whole numbers > 0 | `[1]` |" in text
    for key in schema_keys().values():
        assert f"| `{key.name}` | {key.takes} |" in text
        assert key.about, f"{key.name} has no line of help"
