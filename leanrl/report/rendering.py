"""Templates filled: every value that is not markup already becomes safe text."""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from leanrl.report.quantities import bytes_text, count_text, number_text, seconds_text, share_text

_TEMPLATES = Path(__file__).with_name("templates")
_SCRIPTS = ("charts.js", "browser.js", "page.js")
# Control characters that HTML forbids, halves of surrogate pairs, which UTF-8 cannot write, and the marks that
# turn the direction of all text after them.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


def fill(template: str, **values: Any) -> Markup:
    """Return a template of templates/ with its values, which are escaped unless they come from another template."""
    return Markup(_environment().get_template(template).render(**values))


def document(title: str, body: Markup, **values: Any) -> str:
    """Return a whole page around a body.

    Its policy allows one script, by its hash, and forbids every request, so that the page cannot leak what it shows.
    """
    script = page_script()
    known = {"title": title, "body": body, "style": Markup(page_style()), "script": Markup(script)}
    return str(fill("document.html", policy_hash=policy_hash(script), **{"live_seconds": None, **known, **values}))


def page_style() -> str:
    """Return the style sheet of all pages."""
    return _read("page.css")


def page_script() -> str:
    """Return the script of all pages, one function that the page runs once it is read."""
    return "(() => {\n'use strict';\n" + "\n".join(map(_read, _SCRIPTS)) + "})();\n"


def policy_hash(script: str) -> str:
    """Return the hash by which a Content-Security-Policy allows this text, and no other, to run."""
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")


def writable(value: Any) -> Any:
    """Return a value with what a page cannot hold replaced by U+FFFD; markup stays as it is."""
    return value if isinstance(value, Markup) else _UNWRITABLE.sub("\ufffd", str(value))


def prose(text: Any) -> Markup:
    """Return a text with what stands between backticks as code; one that has a single backtick stays as it is."""
    pieces = str(writable(text)).split("`")
    if isinstance(text, Markup) or len(pieces) % 2 == 0:
        return escape(writable(text))
    code = Markup("<code>{}</code>")
    return Markup().join(code.format(piece) if place % 2 else escape(piece) for place, piece in enumerate(pieces))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=writable,
    )
    environment.filters |= {
        "count": count_text,
        "share": share_text,
        "bytes": bytes_text,
        "seconds": seconds_text,
        "number": number_text,
        "prose": prose,
    }
    return environment


@cache
def _read(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")
