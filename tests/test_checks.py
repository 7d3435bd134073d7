"""Checks of `scripts/check` that are scripts of ours: sizes of files and folders, and circles of imports."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def _script(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _write(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def test_sizes_hold_here():
    assert _script("file_lengths").problems(ROOT) == []


def test_no_files_here_import_each_other_in_a_circle():
    assert _script("circles").problems(ROOT) == []


def test_the_fifteenth_file_of_a_folder_is_refused(tmp_path):
    """Data counts beside code; `__init__.py`, `conftest.py` and files of a folder without Python code do not."""
    room = {f"tests/room/test_{number}.py": "" for number in range(13)} | {"tests/room/cases.txt": ""}
    free = {"tests/room/__init__.py": "", "tests/room/conftest.py": "", "leanrl/empty.py": ""}
    shelf = {f"benchmarks/results/{number}.json": "" for number in range(20)}
    _write(tmp_path, room | free | shelf)
    assert _script("file_lengths").problems(tmp_path) == []
    _write(tmp_path, {"tests/room/more.json": ""})
    assert _script("file_lengths").problems(tmp_path) == [
        "tests/room: 15 files; give a noun of it a sub-folder (limit 14)"
    ]


def test_line_401_is_refused(tmp_path):
    _write(tmp_path, {"leanrl/long.py": "\n" * 401, "leanrl/longest.py": "\n" * 400})
    assert _script("file_lengths").problems(tmp_path) == ["leanrl/long.py: 401 lines; split it by noun (limit 400)"]


@pytest.mark.parametrize(
    "back",
    [
        "import leanrl.a\n",
        "from leanrl.a import A\n",
        "from leanrl import a\n",
        "def f():\n    from leanrl.a import A\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from leanrl.a import A\n",
    ],
    ids=["module", "name", "module of a package", "inside a function", "for types alone"],
)
def test_a_way_back_closes_a_circle(tmp_path, back):
    """a -> b -> c -> a; d reaches the circle and is none of it."""
    chain = {"leanrl/a.py": "from leanrl.b import B\n", "leanrl/b.py": "from leanrl.room.c import C\n"}
    _write(tmp_path, chain | {"leanrl/room/c.py": "", "leanrl/d.py": "import leanrl.a\n", "leanrl/__init__.py": ""})
    script = _script("circles")
    assert script.problems(tmp_path) == []
    _write(tmp_path, {"leanrl/room/c.py": back})
    circle = ("leanrl/a", "leanrl/b", "leanrl/room/c")
    assert script.problems(tmp_path) == [f"a circle of imports: {', '.join(circle)}"]


def test_scripts_that_find_each_other_by_their_folder_count(tmp_path):
    _write(tmp_path, {"scripts/gpu/one.py": "import two\n", "scripts/gpu/two.py": "from one import x\n"})
    assert _script("circles").problems(tmp_path) == ["a circle of imports: scripts/gpu/one, scripts/gpu/two"]
