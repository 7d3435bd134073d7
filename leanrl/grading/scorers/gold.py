"""Golds that name a scorer of reasoning-gym and its entry: `reasoning_gym:NAME:{JSON of the entry}`."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_GOLD = re.compile(r"reasoning_gym:(?P<name>[a-z0-9_]+):(?P<entry>\{.*\})", re.DOTALL)


@dataclass(frozen=True)
class ScoredGold:
    """A dataset of reasoning-gym, and the entry whose answer is judged by its scorer."""

    name: str
    entry: Mapping[str, Any]

    @property
    def own_answer(self) -> str | None:
        """The answer that the entry brings; None where only the scorer knows what is right."""
        answer = self.entry.get("answer")
        return answer if isinstance(answer, str) else None

    def __str__(self) -> str:
        return f"reasoning_gym:{self.name}:{json.dumps(self.entry, sort_keys=True)}"


def is_scored(text: object) -> bool:
    """Return whether a gold answer names a scorer."""
    return isinstance(text, str) and _GOLD.fullmatch(text) is not None


def read_scored(text: str) -> ScoredGold | None:
    """Return the scorer that a gold answer names; None for another gold answer, and for broken JSON."""
    match = _GOLD.fullmatch(text)
    if match is None:
        return None
    try:
        entry = json.loads(match["entry"])
    except (ValueError, RecursionError):
        return None
    return ScoredGold(match["name"], entry)


def own_answer(gold: object) -> str | None:
    """Return an answer that has to be right for a gold answer: its own text, or that of a scorer's entry."""
    scored = read_scored(str(gold))
    return scored.own_answer if scored else None if is_scored(gold) else str(gold)
