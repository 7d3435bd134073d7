"""The JSON schema of presets takes every preset that comes with leanrl, and marks what a run would refuse."""

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from leanrl.config.catalog import init_preset
from leanrl.config.files.yaml_text import parse_yaml
from leanrl.config.json_schema import preset_schema
from leanrl.config.keys import schema_keys

PRESETS = sorted((Path(__file__).parents[2] / "presets").glob("*.yaml"))


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = preset_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.stem)
def test_every_preset_is_valid(validator: Draft202012Validator, path: Path) -> None:
    assert [error.message for error in validator.iter_errors(parse_yaml(path.read_text(encoding="utf-8")))] == []


@pytest.mark.parametrize(
    "text",
    [
        "extends: cpu-demo\nhardware:\n  gpu: 4090",
        "rewards:\n  accuracy: null",
        "reward_options:\n  brief: null",
        "algorithm:\n  advantage: null",
        "train:",
        "optimizer:\n  learning_rate: 1",
    ],
)
def test_what_a_run_takes_is_valid(validator: Draft202012Validator, text: str) -> None:
    assert list(validator.iter_errors(parse_yaml(text))) == []


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("trian:\n  max_steps: 5", []),
        ("train:\n  max_step: 5", ["train"]),
        ("train:\n  max_steps: 0", ["train", "max_steps"]),
        ("train:\n  max_steps: many", ["train", "max_steps"]),
        ("optimizer:\n  name: sgd", ["optimizer", "name"]),
        ("rewards:\n  accuracy: high", ["rewards", "accuracy"]),
    ],
)
def test_what_a_run_refuses_is_marked_at_its_place(
    validator: Draft202012Validator, text: str, place: list[str]
) -> None:
    assert place in [_deepest(error) for error in validator.iter_errors(parse_yaml(text))]


def _deepest(error: Any) -> list[str]:
    """Return the place of the innermost error: a section or null leaves the choice between two schemas open."""
    inner = [one for one in error.context or [] if len(one.absolute_path) or one.validator == "additionalProperties"]
    found = max(inner, key=lambda one: len(one.absolute_path), default=None)
    return list(error.absolute_path) if found is None else _deepest(found)


def test_every_key_has_its_help(validator: Draft202012Validator) -> None:
    """What an editor shows beside a key."""
    definitions = {**validator.schema["$defs"], "": validator.schema}
    described = {
        name for one in definitions.values() for name, key in one["properties"].items() if key.get("description")
    }
    assert {key.rpartition(".")[2] for key in schema_keys()} <= described | {"name", "about", "reasons"}


def test_a_preset_of_ones_own_says_how_an_editor_finds_it() -> None:
    assert "\n## yaml-language-server: $schema=leanrl.schema.json\n" in init_preset("cpu-demo")
