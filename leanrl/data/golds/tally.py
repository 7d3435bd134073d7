"""How the rows of a source were read: the rules of their golds, counted, and what a person has to know of it."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from leanrl.config.sections.data import DataConfig
from leanrl.data.golds.answer import Gold, NoGold, is_words
from leanrl.data.rows import CheckedRow
from leanrl.errors import DataError
from leanrl.grading.text.golds import GoldRule
from leanrl.hints import setting

_RULES: dict[GoldRule, str] = {
    "box": "what the last box holds",
    "tag": "what the last <answer> tags hold",
    "hashes": "what stands behind ####",
    "announced": "what the text announces at its end",
    "note": "the number before a note in brackets",
    "text": "the whole text",
}
_EXAMPLE_CHARS = 60
_PROSE_SHOWN = 3


@dataclass
class Tally:
    """Counts of one load."""

    rules: Counter[GoldRule] = field(default_factory=Counter)
    examples: dict[GoldRule, str] = field(default_factory=dict)
    num_words: int = 0
    first_words: str = ""
    prose: list[str] = field(default_factory=list)
    num_prose: int = 0
    num_cut: int = 0
    num_systems: int = 0

    @property
    def num_golds(self) -> int:
        """Rows with a gold answer, prose counted."""
        return self.rules.total() + self.num_prose

    def add(self, checked: CheckedRow, value: Any) -> None:
        """Count a row; `value` is what its gold answer was read from."""
        if checked.asked is not None:
            self.num_cut += checked.asked.is_cut
            self.num_systems += checked.asked.system is not None
        if isinstance(checked.gold, NoGold) and checked.gold.is_prose:
            self.num_prose += 1
            self._note_words(str(value))
            if len(self.prose) < _PROSE_SHOWN:
                self.prose.append(f"{str(value)!r:.{_EXAMPLE_CHARS + 20}}")
        elif isinstance(checked.gold, Gold):
            self.rules[checked.gold.rule] += 1
            if checked.gold.rule not in self.examples:
                self.examples[checked.gold.rule] = _example(checked.gold, value)
            if is_words(checked.gold.answer):
                self._note_words(str(checked.gold.answer))

    def lines(self) -> list[str]:
        """Return by which rules gold answers were read, with counts and examples; nothing where all are bare."""
        found = [(rule, self.rules[rule]) for rule in _RULES if self.rules[rule]]
        if all(rule == "text" for rule, _ in found):
            return []
        return [f"{count:,} of {self.num_golds:,} golds: {_RULES[rule]}{self.examples[rule]}" for rule, count in found]

    def notes(self, data: DataConfig) -> list[str]:
        """Return what of the reading may be wrong."""
        notes = []
        if self.num_prose:
            notes.append(
                f"{self.num_prose:,} of {self.num_golds:,} gold answers are prose that no answer can match, and are "
                f"dropped, such as {', '.join(self.prose)}. `-s data.unparseable_gold=keep` trains on them."
            )
        if self.num_systems and data.system_prompt is not None:
            notes.append(
                f"{self.num_systems:,} conversations bring a system message, and data.system_prompt takes its place; "
                "`-s data.system_prompt=null` keeps theirs."
            )
        if self.num_cut:
            notes.append(f"{self.num_cut:,} conversations end with the assistant's answer, which is not asked.")
        return notes

    def require_values(self, name: str, column: str, data: DataConfig, others: list[str]) -> None:
        """Refuse a source of whose gold answers too many are words.

        Raises:
            DataError: with the columns that hold answers.
        """
        num_words = self.num_words
        if not self.num_golds or num_words <= data.max_word_golds * self.num_golds:
            return
        flags = " or ".join(f"`{setting('data.answer_column', other)}`" for other in others)
        raise DataError(
            f"{name}: {num_words:,} of {self.num_golds:,} gold answers in the column {column!r} are words or prose, "
            f"such as {self.first_words!r:.80}; data.max_word_golds is {data.max_word_golds:g}.",
            hint=f"name the column with the bare answer: {flags or '`-s data.answer_column=NAME`'}; or, where answers "
            "are words, `-s data.max_word_golds=1`",
        )

    def _note_words(self, text: str) -> None:
        self.num_words += 1
        self.first_words = self.first_words or text


def _example(gold: Gold, value: Any) -> str:
    text, answer = " ".join(str(value).split()), str(gold.answer)
    if gold.rule in ("text", "box"):
        return ""
    short = text if len(text) <= _EXAMPLE_CHARS else f"... {text[-_EXAMPLE_CHARS:]}"
    return f", such as {answer!r} of {short!r}"
