"""`leanrl plan --largest`: the largest models that a card trains, or that ten common cards do."""

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from leanrl.hints import command
from leanrl.planner.machine.card_flags import card_settings

if TYPE_CHECKING:
    from leanrl.planner.machine.cards import Card
    from leanrl.planner.search.largest import Method, Row


def print_largest(
    preset: str | None,
    overrides: Sequence[str],
    *,
    gpu: str | None,
    gib: float | None,
    num_gpus: int | None,
    as_json: bool,
) -> None:
    """Print the table of one card, or of ten where neither a card nor its memory is named."""
    from leanrl.planner.search.largest import COMMON_CARDS, METHODS
    from leanrl.planner.text.largest_table import card_table, cards_table

    presets: dict[Method, str] = {method: preset or f"single-gpu-{method}" for method in METHODS}
    if gpu is None and gib is None and not _sets(overrides, "hardware.gpu", "hardware.vram_gib"):
        ten = {name: _table(presets, overrides, name, None, num_gpus) for name in COMMON_CARDS}
        tables, text = list(ten.values()), cards_table({name: table.rows for name, table in ten.items()})
    else:
        table = _table(presets, overrides, gpu, gib, num_gpus)
        tables, text = [table], card_table(table.rows, table.commands, card=table.card)
    print(json.dumps([table.to_json() for table in tables], indent=2) if as_json else text)


class _Table(NamedTuple):
    """The rows of one card; a row's command lacks the flags of its settings."""

    card: "Card | None"
    rows: "list[Row]"
    commands: "dict[Method, str]"

    def to_json(self) -> dict[str, Any]:
        from leanrl.planner.text.largest_table import row_command

        def listed(row: "Row") -> dict[str, Any]:
            whole = None if row.found is None else row_command(row.found, self.commands[row.method])
            return {**row.to_json(), "command": whole}

        return {"card": None if self.card is None else self.card.name, "rows": [listed(row) for row in self.rows]}


def _table(
    presets: "dict[Method, str]", overrides: Sequence[str], gpu: str | None, gib: float | None, num_gpus: int | None
) -> _Table:
    from leanrl.cli.configured import configured
    from leanrl.planner.machine.card_names import known_card, size_note
    from leanrl.planning import largest

    hardware = card_settings(overrides, gpu=gpu, gib=gib)
    configs = {method: configured(name, [*overrides, *hardware]).config for method, name in presets.items()}
    config = next(iter(configs.values()))
    note = size_note(config.hardware.gpu)
    if note is not None:
        print(note, file=sys.stderr)
    rows = largest(configs, num_gpus=num_gpus, model=config.model.id if _sets(overrides, "model.id") else None)
    return _Table(known_card(config.hardware.gpu), rows, _commands(presets, overrides, gpu, gib))


def _sets(overrides: Sequence[str], *keys: str) -> bool:
    return any(override.partition("=")[0].strip() in keys for override in overrides)


def _commands(
    presets: "dict[Method, str]", overrides: Sequence[str], gpu: str | None, gib: float | None
) -> "dict[Method, str]":
    """Return the command of each method's row without the flags of its settings."""
    card = [*(["--gpu", gpu] if gpu is not None else []), *(["--vram", f"{gib:g}"] if gib is not None else [])]
    typed = [word for override in overrides for word in ("-s", override)]
    return {method: command("plan", "-p", name, *card, *typed) for method, name in presets.items()}
