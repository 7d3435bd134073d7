"""The tables of grading: nothing but data stands in them."""

import ast
from pathlib import Path

import pytest

import leanrl.grading.tables

TABLES = sorted(Path(leanrl.grading.tables.__file__).parent.glob("*.py"))


def test_there_are_tables():
    assert len(TABLES) > 5


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_a_table_holds_no_code(path):
    """Names with their values, and the form of a row; what reads them is code and stands elsewhere."""
    nodes = ast.parse(path.read_text(encoding="utf-8")).body
    allowed = ast.Expr | ast.Import | ast.ImportFrom | ast.Assign | ast.AnnAssign | ast.ClassDef
    assert [ast.unparse(node) for node in nodes if not isinstance(node, allowed)] == []
    rows = [node for node in nodes if isinstance(node, ast.ClassDef)]
    assert [ast.unparse(part) for row in rows for part in row.body[1:] if not isinstance(part, ast.AnnAssign)] == []
