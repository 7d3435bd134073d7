"""The largest models as text: a table and a command for each row of one card, or a table of several cards."""

from collections.abc import Mapping, Sequence

from leanrl.planner.machine.cards import Card
from leanrl.planner.machine.target import cards_with_bf16
from leanrl.planner.search.fixes import as_flags
from leanrl.planner.search.largest import METHODS, Largest, Method, Row

_GIB = 2**30
_NAMES: dict[Method, str] = {"full": "full", "lora": "LoRA", "qlora": "QLoRA"}
_NONE = "-"
_HEADS = ["method", "largest model", "completion tokens", "GiB of the card", "GiB of the host", "s a step"]
_LEGEND = """\
GiB: upper estimate of the fullest card, and memory of its machine. Completions are as long as fit, at least as long as
the preset's; the KV cache holds 8 of them. Calculated, not measured."""


def card_table(rows: Sequence[Row], commands: Mapping[Method, str], *, card: Card | None) -> str:
    """Return the table of one card; `commands` plan a row again, but for the flags of its settings."""
    lines = [] if card is None or card.has_bf16 else [_float32_note(card), ""]
    lines += _aligned([_HEADS, *(_cells(row) for row in rows)])
    lines += ["", _LEGEND] if any(row.found is not None for row in rows) else []
    lines += _context_line(rows)
    for row in rows:
        if row.found is not None:
            lines += ["", f"{_NAMES[row.method]}:", f"  {row_command(row.found, commands[row.method])}"]
    return "\n".join(lines)


def row_command(found: Largest, command: str) -> str:
    """Return the command that plans a row: the words before, and the flags of its settings."""
    return f"{command} {as_flags(found.changes)}"


def cards_table(rows: Mapping[str, Sequence[Row]]) -> str:
    """Return the table of several cards by name: the largest model of each method and its longest completions."""
    table = [_card_heads(), *(_card_cells(name, of_card) for name, of_card in rows.items())]
    everything = [row for of_card in rows.values() for row in of_card]
    return "\n".join([*_aligned(table), "", _LEGEND, *_context_line(everything)])


def runs_markdown(rows: Sequence[tuple[str, Row]]) -> str:
    """Return rows of cards by name as markdown, with the hours and dollars of all steps of the run."""
    heads = ["card", "method", "largest model", "completion tokens", "GiB of the card", "GiB of the host", "hours", "$"]
    table = [heads, ["---"] * len(heads), *(_run_cells(name, row) for name, row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in table)


def _context_line(rows: Sequence[Row]) -> list[str]:
    ends = any(row.found is not None and row.found.ends_context for row in rows)
    return ["*: the model takes no longer rows."] if ends else []


def _float32_note(card: Card) -> str:
    return (
        f"The {card.name} has no bf16: these runs compute in float32, with twice the bytes. None has run on one."
        f"\nWith bf16 and as much memory: {', '.join(cards_with_bf16(card))}."
    )


def _card_heads() -> list[str]:
    return ["card", *(_NAMES[method] for method in METHODS), "GiB of the host"]


def _card_cells(name: str, rows: Sequence[Row]) -> list[str]:
    found = [_NONE if row.found is None else f"{_model(row.found)}, {_tokens(row.found)}" for row in rows]
    host = max((row.found.plan.host.bytes for row in rows if row.found and row.found.plan.host), default=0)
    return [name, *found, f"{host / _GIB:.0f}"]


def _run_cells(name: str, row: Row) -> list[str]:
    if row.found is None:
        return [name, _NAMES[row.method], *[_NONE] * 6]
    plan = row.found.plan
    worst = f"{plan.worst.upper_bytes / _GIB:.1f}"
    host = _NONE if plan.host is None else f"{plan.host.bytes / _GIB:.0f}"
    hours, usd = (_NONE if value is None else f"{value:.0f}" for value in (plan.total_hours, plan.cost_usd))
    return [name, _NAMES[row.method], _model(row.found), _tokens(row.found), worst, host, hours, usd]


def _cells(row: Row) -> list[str]:
    found = row.found
    if found is None:
        return [_NAMES[row.method], row.why_not or _NONE]
    plan = found.plan
    host = _NONE if plan.host is None else f"{plan.host.bytes / _GIB:.1f}"
    seconds = _NONE if plan.step_seconds is None else f"{plan.step_seconds:.0f}"
    size = f"{plan.worst.upper_bytes / _GIB:.1f} of {plan.worst.usable_bytes / _GIB:.1f}"
    return [_NAMES[row.method], found.model_id, _tokens(found), size, host, seconds]


def _model(found: Largest) -> str:
    return found.model_id.rsplit("/", 1)[-1]


def _tokens(found: Largest) -> str:
    return f"{found.completion_tokens:,}{'*' if found.ends_context else ''}"


def _aligned(table: Sequence[Sequence[str]]) -> list[str]:
    """Return the rows with their columns below each other; a row with fewer cells ends early."""
    num_columns = max(len(row) for row in table)
    whole = [row for row in table if len(row) == num_columns]
    widths = [max(len(row[column]) for row in whole) for column in range(num_columns)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)) for row in table)
    return [line.rstrip() for line in lines]
