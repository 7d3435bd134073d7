"""Docstrings and signatures of a Python file, read without running it."""

import ast
from collections.abc import Iterator
from pathlib import Path

_Definition = ast.FunctionDef | ast.ClassDef


def module_docstring(path: Path) -> str:
    """Return the docstring of a file."""
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def definition(path: Path, name: str) -> str:
    """Return a function or a class of a file as Markdown: its signature, and its docstring below."""
    (found,) = (node for node in _public(path) if node.name == name)
    return _markdown(found)


def public_functions(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and the Markdown of every public function of a file."""
    for node in _public(path):
        if isinstance(node, ast.FunctionDef):
            yield node.name, _markdown(node)


def _public(path: Path) -> list[_Definition]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in tree.body if isinstance(node, _Definition) and not node.name.startswith("_")]


def _markdown(node: _Definition) -> str:
    first, _, rest = (ast.get_docstring(node) or "").partition("\n\n")
    parts = [f"~~~python\n{_signature(node)}\n~~~", " ".join(first.split()), f"~~~text\n{rest}\n~~~" if rest else ""]
    if isinstance(node, ast.ClassDef):
        parts += [
            _member(one) for one in node.body if isinstance(one, ast.FunctionDef) and not one.name.startswith("_")
        ]
    return "\n\n".join(part for part in parts if part)


def _member(node: ast.FunctionDef) -> str:
    shown = node.name if _is_property(node) else f"{node.name}({ast.unparse(node.args)})"
    return f"- `{shown}`: {_first_sentence(node)}"


def _first_sentence(node: ast.FunctionDef) -> str:
    return " ".join((ast.get_docstring(node) or "").partition("\n\n")[0].split())


def _is_property(node: ast.FunctionDef) -> bool:
    return any(isinstance(one, ast.Name) and one.id == "property" for one in node.decorator_list)


def _signature(node: _Definition) -> str:
    if isinstance(node, ast.ClassDef):
        return f"class {node.name}"
    returns = "" if node.returns is None else f" -> {ast.unparse(node.returns)}"
    flat = f"def {node.name}({ast.unparse(node.args)}){returns}"
    return flat if len(flat) <= 100 else f"def {node.name}(\n{_lines(node.args)}){returns}"


def _lines(arguments: ast.arguments) -> str:
    """Return the arguments one a line, as ruff would lay them out."""
    plain, defaults = [*arguments.posonlyargs, *arguments.args], arguments.defaults
    first = len(plain) - len(defaults)
    shown = [_argument(one, defaults[index - first] if index >= first else None) for index, one in enumerate(plain)]
    if arguments.kwonlyargs:
        shown.append("*")
        shown += [_argument(*one) for one in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    return "".join(f"    {one},\n" for one in shown)


def _argument(argument: ast.arg, default: ast.expr | None) -> str:
    return ast.unparse(argument) + ("" if default is None else f" = {ast.unparse(default)}")
