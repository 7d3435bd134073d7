"""The list of faults for `scripts/mutate`: each can be put in, and its tests are there."""

import dataclasses
import importlib.util
import json
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def _module():
    spec = importlib.util.spec_from_file_location("mutations", ROOT / "scripts" / "mutations" / "mutations.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["mutations"] = module
    spec.loader.exec_module(module)
    return module


def _mutations():
    return _module().read_mutations()


def test_every_fault_can_be_put_in_and_taken_out(tmp_path):
    """On copies of the files: the text stands there once, another one comes, and the first comes back."""
    for mutation in _mutations():
        copy = tmp_path / mutation.file
        copy.parent.mkdir(parents=True, exist_ok=True)
        before = (ROOT / mutation.file).read_text(encoding="utf-8")
        copy.write_text(before, encoding="utf-8")
        undo = mutation.apply(tmp_path)
        assert copy.read_text(encoding="utf-8") != before
        undo()
        assert copy.read_text(encoding="utf-8") == before


def test_names_are_unique_and_their_tests_exist():
    mutations = _mutations()
    assert len({mutation.name for mutation in mutations}) == len(mutations)
    named = [test for mutation in mutations for test in mutation.tests if test.startswith("tests/")]
    assert len(named) >= len(mutations)
    assert all((ROOT / test.split("::")[0]).exists() for test in named)


def test_a_run_that_goes_on_keeps_what_was_caught_in_the_same_code(tmp_path):
    """Another outcome, entry, code or test, or an entry that is gone: the fault is tried again."""
    module = _module()
    for file in ("code.py", "test_code.py"):
        (tmp_path / file).write_text(file)
    fault = module.Mutation("a", "code.py", "code", "cod", ("test_code.py::test_a",))
    caught = module.row_of(fault, tmp_path) | {"outcome": "caught", "commit": "0"}
    read_back = json.loads(json.dumps(caught))
    assert module.kept_rows([read_back], [fault], tmp_path) == [read_back]
    assert module.kept_rows([caught | {"outcome": "survived"}], [fault], tmp_path) == []
    assert module.kept_rows([caught], [], tmp_path) == []
    assert module.kept_rows([caught], [dataclasses.replace(fault, new="co")], tmp_path) == []
    for file in ("code.py", "test_code.py"):
        (tmp_path / file).write_text("another")
        assert module.kept_rows([caught], [fault], tmp_path) == []
        (tmp_path / file).write_text(file)
