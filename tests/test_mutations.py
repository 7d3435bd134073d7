"""The list of faults for `scripts/mutate`: each can be put in, and its tests are there."""

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def _mutations():
    spec = importlib.util.spec_from_file_location("mutations", ROOT / "scripts" / "mutations.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["mutations"] = module
    spec.loader.exec_module(module)
    return module.read_mutations()


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
