"""The reward for the right JSON object."""

import json
import re
from typing import Any

from leanrl.prompting.thinking import drop_thinking
from leanrl.types import GoldList, Sample

_BLOCK = re.compile(r"```json[ \t]*\n(.*?)```", re.DOTALL)
_LONGEST_CHARACTERS = 100_000


def json_object(sample: Sample) -> float:
    """Return 1 if the last ```json block of the answer holds the gold answer's JSON, else 0.

    The order of keys and white space are free. Types count: 1, true and "1" differ; 1 and 1.0 are one number. A key
    that stands twice, NaN, and text beside the value are refused. The answer is what follows the thinking part.

    Source: leanrl; it pays the whole object or nothing, so that no part of it can be gamed.
    """
    blocks = _BLOCK.findall(drop_thinking(sample.opened_tag + sample.text))
    golds = sample.gold.answers if isinstance(sample.gold, GoldList) else (sample.gold,)
    written = _canonical(blocks[-1]) if blocks else None
    return float(written is not None and written in map(_canonical, golds))


def _canonical(text: str) -> str | None:
    """Return one spelling of what a text writes; None where it is no JSON."""
    if len(text) > _LONGEST_CHARACTERS:
        return None
    try:
        value = json.loads(text, object_pairs_hook=_distinct, parse_constant=_refuse)
        return json.dumps(value, sort_keys=True)
    except (ValueError, RecursionError):
        return None


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object, whose keys all differ and whose whole numbers are integers."""
    found = {key: _whole(value) for key, value in pairs}
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _whole(value: Any) -> Any:
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")
