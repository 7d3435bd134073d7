"""HTML in small pieces; every piece but `text` takes HTML that is safe already."""

import html
import re
from collections.abc import Sequence
from typing import Any

# Control characters that HTML forbids, halves of surrogate pairs, which UTF-8 cannot write, and the marks that
# turn the direction of all text after them.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


def text(value: Any) -> str:
    """Return any value as safe HTML text."""
    return html.escape(_UNWRITABLE.sub("\ufffd", str(value)))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; a wide one scrolls in a box of its own instead of widening the page."""
    header = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{header}</tr></thead><tbody>{body}</tbody></table></div>'


def facts(pairs: Sequence[tuple[str, str]]) -> str:
    """Return names with their values, in columns where there is room."""
    return (
        '<dl class="facts">' + "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in pairs) + "</dl>"
    )


def section(title: str, body: str, *, lead: str = "") -> str:
    """Return a section with its heading, or nothing where its body is empty."""
    if not body:
        return ""
    intro = f'<p class="lead">{lead}</p>' if lead else ""
    return f"<section><h2>{title}</h2>{intro}{body}</section>"


def fold(summary: str, body: str) -> str:
    """Return a block that opens with a click, without any script."""
    return f"<details><summary>{summary}</summary>{body}</details>"


def document(title: str, body: str, *, style: str) -> str:
    """Return a whole page. Its policy forbids every request and every script, so it cannot leak what it shows."""
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main>
{body}
</main>
</body>
</html>
"""
