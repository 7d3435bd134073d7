"""The right JSON object, and answers that only look like it."""

import pytest

from leanrl.rewards.json_object import json_object
from leanrl.types import Sample

GOLD = '{"name": "Ada", "age": 36, "is_member": true, "pets": ["cat", "dog"]}'


def paid(text: str, gold: str = GOLD) -> float:
    return json_object(Sample("?", gold, text, num_tokens=1, max_completion_tokens=9, is_truncated=False))


def block(text: str) -> str:
    return f"Here it is:\n```json\n{text}\n```"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (block(GOLD), 1.0),
        (block('{"pets":["cat","dog"],"is_member":true,"age":36.0,"name":"Ada"}'), 1.0),
        (block("{}") + block(GOLD), 1.0),
        (block(GOLD) + block("{}"), 0.0),
        (GOLD, 0.0),
        ("", 0.0),
        (block(GOLD.replace("36", '"36"')), 0.0),
        (block(GOLD.replace("true", "1")), 0.0),
        (block(GOLD.replace('["cat", "dog"]', '["dog", "cat"]')), 0.0),
        (block(GOLD[:-1] + ', "more": 1}'), 0.0),
        (block(GOLD[:-1] + ', "age": 36}'), 0.0),
        (block(GOLD + " or so"), 0.0),
        (block(f"{GOLD}\n{GOLD}"), 0.0),
        (block(GOLD.replace("36", "NaN")), 0.0),
        (block("[" * 50_000), 0.0),
        (block("9" * 90_000), 0.0),
        (block("[" * 200_000), 0.0),
        (f"<think>{block(GOLD)}", 0.0),
    ],
)
def test_what_is_paid(text: str, expected: float):
    assert paid(text) == expected
