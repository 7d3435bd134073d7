"""Every key of the schema reaches what it names: a changed value is seen in the object that uses it."""

from collections.abc import Iterator
from typing import get_args

import pytest
from pydantic import BaseModel

from leanrl.config.schema import RunConfig
from tests.felt import data, decisions, learning, models, moved, plans, rollouts, updates, watched
from tests.felt.felt import ANOTHER, Felt, Here

FELT = [
    each for room in (updates, learning, decisions, rollouts, models, data, plans, moved, watched) for each in room.FELT
]
# Read by people alone: nothing of a run depends on them.
FOR_PEOPLE = {"about", "reasons"}
# A limit of tokens moves in stages alone: the key is there since a schedule has it, and any other value is refused.
HAS_ONE_VALUE = {"schedules.max_completion_tokens.between"}
NOT_FELT = FOR_PEOPLE | HAS_ONE_VALUE


def names(section: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield the dotted name of every key, those of sections and of a list's sections among them."""
    for name, found in section.model_fields.items():
        inner = [part for part in (found.annotation, *get_args(found.annotation)) if _is_section(part)]
        if inner:
            yield from names(inner[0], f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _is_section(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


@pytest.mark.parametrize("name", [name for name in names(RunConfig) if name not in NOT_FELT])
def test_every_key_has_a_probe(name: str) -> None:
    assert name in {each.key for each in FELT}, f"add {name} to a table of tests/felt"


def test_every_probe_has_a_key() -> None:
    assert {each.key for each in FELT} | NOT_FELT == set(names(RunConfig))


@pytest.mark.parametrize("each", FELT, ids=lambda each: each.key)
def test_a_change_is_felt(each: Felt, tiny_model, tmp_path, monkeypatch) -> None:
    here = Here(tiny_model, tmp_path, monkeypatch)
    usual = each.probe(each.without(here), here)
    changed = each.probe(each.with_change(here), here)
    assert changed != usual
    if each.shows is not ANOTHER:
        assert changed == _close(each.shows)


def _close(value):
    is_number = isinstance(value, float)
    is_numbers = isinstance(value, list | tuple) and all(isinstance(each, float) for each in value)
    return pytest.approx(value, rel=1e-6) if is_number or is_numbers else value
