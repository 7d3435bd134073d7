"""examples/notebook.ipynb: what it names exists, and it runs from top to bottom in a kernel."""

import ast
import builtins
import inspect
import json
import re
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

import leanrl
from leanrl.config.keys import schema_keys
from tests.cli.run import tiny_overrides

FILE = Path(__file__).parents[2] / "examples" / "notebook.ipynb"
CELLS = [cell for cell in json.loads(FILE.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
CODE = ["".join(cell["source"]) for cell in CELLS]
TREES = [ast.parse(code) for code in CODE]
NODES = [node for tree in TREES for node in ast.walk(tree)]
MINUTES = 10


def notebook(*code: str) -> Any:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in code])


def run_in_kernel(book: Any, folder: Path, *, seconds: int) -> Any:
    return NotebookClient(
        book, timeout=seconds, kernel_name="python3", resources={"metadata": {"path": folder}}
    ).execute()


def texts(book: Any) -> str:
    """Everything that the outputs of a notebook hold."""
    return "\n".join(str(output) for cell in book.cells if cell.cell_type == "code" for output in cell.outputs)


def test_it_is_kept_without_outputs() -> None:
    """They would be of another run, and name another machine's folders."""
    nbformat.validate(nbformat.read(FILE, as_version=4))
    assert [cell["outputs"] for cell in CELLS if cell["outputs"]] == []


def test_every_name_is_bound_before_it_is_read() -> None:
    bound = set(dir(builtins))
    for tree in TREES:
        names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
        arguments = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
        own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        imports = {
            alias.asname or alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        bound |= arguments | own | imports | {name.id for name in names if isinstance(name.ctx, ast.Store)}
        assert {name.id for name in names} <= bound


def test_every_function_of_leanrl_takes_what_it_is_given() -> None:
    calls = {}
    for node in NODES:
        if isinstance(node, ast.Call) and (named := re.fullmatch(r"leanrl\.(\w+)", ast.unparse(node.func))):
            calls[named[1]] = node
    assert calls.keys() == {"plan", "train", "evaluate", "merge", "sample"}
    for name, call in calls.items():
        given = {str(keyword.arg): keyword.value for keyword in call.keywords}
        inspect.signature(getattr(leanrl, name)).bind(*call.args, **given)


def test_every_override_is_a_key() -> None:
    words = {node.value for node in NODES if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    # those for Colab stand in comments
    words |= {word for code in CODE for word in re.findall(r'"([a-z_]+\.[a-z_.]+)":', code)}
    keys = {word for word in words if re.fullmatch(r"(?:model|data|rollout|train|eval|optimizer)\.[a-z_.]+", word)}
    assert len(keys) >= 4
    assert keys <= set(schema_keys())


def test_an_error_that_a_user_can_fix_shows_as_its_message(tmp_path: Path) -> None:
    book = notebook("import leanrl\nleanrl.plan('cpu-dmo')")
    with pytest.raises(CellExecutionError):
        run_in_kernel(book, tmp_path, seconds=60)
    (output,) = book.cells[0].outputs  # and no warning of a library
    assert output.ename == "ConfigError"
    assert output.traceback[0] == "error: There is no preset `cpu-dmo`."
    assert output.traceback[1].startswith("hint: Did you mean `cpu-demo`?")
    assert len(output.traceback) == 2


@pytest.mark.long
def test_it_runs_on_a_tiny_model(tiny_model: Path, tmp_path: Path) -> None:
    settings = dict(word.split("=", 1) for word in tiny_overrides(tiny_model) if word != "-s")
    small = "\n".join(f"OVERRIDES[{key!r}] = {_value(value)!r}" for key, value in settings.items())
    book = run_in_kernel(notebook(CODE[0], small, *CODE[1:]), tmp_path, seconds=120)
    _shows_everything(book, num_steps=2)


@pytest.mark.long
def test_it_runs_as_it_stands_in_ten_minutes(tmp_path: Path) -> None:
    """The whole of it: 135M parameters, 12 steps."""
    started = time.monotonic()
    book = run_in_kernel(nbformat.read(FILE, as_version=4), tmp_path, seconds=60 * MINUTES)
    assert time.monotonic() - started < 60 * MINUTES
    _shows_everything(book, num_steps=12)


def _shows_everything(book: Any, *, num_steps: int) -> None:
    shown = texts(book)
    for one in (f"Finished: {num_steps} steps", "data:image/png;base64,", "95 % interval", "two_digits", "verified"):
        assert one in shown, one
    assert "Traceback" not in shown


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
