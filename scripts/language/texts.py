"""Every text that a reader of leanrl meets: pages, presets, help, messages, docstrings and comments, with its place."""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard

# Words that problems and answers are made of, not words of ours.
_DATA = ("leanrl/grading/tables/", "leanrl/data/generators/", "leanrl/eval/benchmarks/catalogue/")
_FENCE = re.compile(r"^(?P<fence>```+|~~~+).*?^(?P=fence)\s*$", re.M | re.S)
_CODE = re.compile(r"(`+)(?:.|\n)+?\1|\]\([^)]*\)|https?://\S+")


@dataclass(frozen=True)
class Text:
    """A text in words; code in it is blanked, so that lines stay where they are."""

    file: str
    line: int
    words: str


def texts(root: Path) -> Iterator[Text]:
    """Yield the texts of the repository below `root`."""
    for path in _pages(root):
        yield Text(_name(root, path), 1, without_code(path.read_text(encoding="utf-8")))
    for path in sorted((root / "presets").glob("*.yaml")):
        yield Text(_name(root, path), 1, without_code(path.read_text(encoding="utf-8")))
    for folder in ("leanrl", "examples"):
        for path in sorted((root / folder).rglob("*.py")):
            if not _name(root, path).startswith(_DATA):
                yield from _python(path.read_text(encoding="utf-8"), _name(root, path))


def without_code(text: str) -> str:
    """Return a text of Markdown with code and addresses as blanks."""
    return _CODE.sub(_blank, _FENCE.sub(_blank, text))


def _blank(found: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", found[0])


def _pages(root: Path) -> list[Path]:
    folders = [root / "docs", root / "examples", root / "scripts"]
    return [
        root / "README.md",
        root / "CONTRIBUTING.md",
        *sorted(page for one in folders for page in one.rglob("*.md")),
    ]


def _python(source: str, name: str) -> Iterator[Text]:
    """Yield the strings of a file that hold more than one word, and its comments."""
    tree = ast.parse(source)
    parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            words = "".join(part.value if isinstance(part, ast.Constant) else "`" for part in node.values)
            yield Text(name, node.lineno, without_code(words))
        elif _is_words(node) and id(node) not in parts:
            yield Text(name, node.lineno, without_code(node.value))
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield Text(name, token.start[0], without_code(token.string))


def _is_words(node: ast.AST) -> TypeGuard[ast.Constant]:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value


def _name(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()
