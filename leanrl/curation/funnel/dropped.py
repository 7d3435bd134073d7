"""What each stage dropped: counts by kind of reason, and examples."""

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leanrl.curation.building.ledger import read_ledger

_TEXT_CHARACTERS = 400
_REASONS = 6
# What differs from row to row in a reason: numbers, quoted texts, and what follows a colon.
_PARTICULAR = re.compile(r"'[^']*'|\"[^\"]*\"|(?<![A-Za-z\d])\d[\d,.]*%?|:.*$", re.DOTALL)


@dataclass
class DroppedByStage:
    """Reasons of a stage, the commonest first, and the first rows that it dropped."""

    num_dropped: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    examples: list[dict[str, str]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return {
            "num_dropped": self.num_dropped,
            "reasons": dict(self.reasons.most_common(_REASONS)),
            "examples": self.examples,
        }


def dropped_examples(ledger: Path, *, num_examples: int) -> dict[tuple[str, str], DroppedByStage]:
    """Return what each stage dropped, by part and stage; a stage that dropped nothing is left out."""
    found: dict[tuple[str, str], DroppedByStage] = {}
    for record in read_ledger(ledger):
        if record.kept:
            continue
        stage = found.setdefault((record.part, record.stage), DroppedByStage())
        stage.num_dropped += 1
        stage.reasons[reason_kind(record.reason)] += 1
        if len(stage.examples) < num_examples:
            reply = record.texts[0] if record.texts else ""
            example = {
                "id": record.row_id,
                "reason": record.reason,
                "problem": (record.problem or "")[:_TEXT_CHARACTERS],
            }
            stage.examples.append(example | ({"reply": reply[-_TEXT_CHARACTERS:]} if reply else {}))
    return found


def reason_kind(reason: str) -> str:
    """Return a reason without what is particular to its row, so that reasons can be counted."""
    return " ".join(_PARTICULAR.sub("…", reason).split()).rstrip("… ").strip() or "…"
