"""The funnel as a table with bars, for a terminal."""

from collections.abc import Mapping
from typing import Any

from leanrl.curation.funnel.dropped import DroppedByStage

_BAR_CHARACTERS = 30
_WIDTH = 110


def funnel_lines(manifest: Mapping[str, Any]) -> list[str]:
    """Return one line for each stage: rows before and after, the published count, and a bar of what is left."""
    steps = manifest["funnel"]
    widest = max(max(step["num_before"] for step in steps), 1)
    head = ("part", "stage", "before", "after", "dropped", "published")
    rows = [
        (
            step["part"],
            step["stage"],
            f"{step['num_before']:,}",
            f"{step['num_after']:,}",
            f"{step['num_before'] - step['num_after']:,}",
            "" if step["published_rows"] is None else f"{step['published_rows']:,}",
        )
        for step in steps
    ]
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    bars = ["rows after", *(_bar(step["num_after"], widest) for step in steps)]
    return [f"{_cells(row, widths)}  {bar}".rstrip() for row, bar in zip((head, *rows), bars, strict=True)]


def example_lines(shown: Mapping[tuple[str, str], DroppedByStage]) -> list[str]:
    """Return the reasons of each stage with their counts, and its examples."""
    lines: list[str] = []
    for (part, stage), found in shown.items():
        lines.append(f"{part}: {stage} dropped {found.num_dropped:,}")
        lines += [f"  {count:>7,}  {reason}" for reason, count in found.reasons.most_common(6)]
        for example in found.examples:
            lines += [f"    {example['id']}: {_short(example['reason'])}", f"      {_short(example['problem'])}"]
            lines += [f"      reply: {_short(example['reply'])}"] if "reply" in example else []
        lines.append("")
    return lines[:-1] if lines else ["no stage dropped a row"]


def _cells(row: tuple[str, ...], widths: list[int]) -> str:
    cells = [cell.ljust(width) if number < 2 else cell.rjust(width) for number, (cell, width) in
             enumerate(zip(row, widths, strict=True))]  # fmt: skip
    return "  ".join(cells)


def _bar(count: int, widest: int) -> str:
    return "█" * max(1 if count else 0, round(count / widest * _BAR_CHARACTERS))


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _WIDTH else f"{line[: _WIDTH - 3]}..."
