"""Hints can be pasted: quoted for the shell, with keys, commands and flags that exist and values that validate."""

import ast
import re
import shlex
from pathlib import Path

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st

from leanrl.cli.main import app
from leanrl.config.keys import schema_groups, schema_keys
from leanrl.config.overrides import parse_overrides
from leanrl.config.validation import validate
from leanrl.hints import command, quoted, setting
from leanrl.seams.listing import option_keys

ROOT = Path(__file__).parents[1]
SOURCES = sorted((ROOT / "leanrl").rglob("*.py"))
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *sorted((ROOT / "examples").glob("*.md"))]
# `leanrl data build` takes -s for keys of a recipe, which tests/curation/recipes checks.
RECIPE_MAPS = ("parts.", "models.", "sources.")
MAPS = tuple(f"{key.name}." for key in schema_keys().values() if key.is_map)
SAFE_CALLS = {"setting", "command", "quoted", "shlex.quote", "shlex.join"}
# An interpolation behind one of these ends up in a shell.
COMMANDS = typer.main.get_command(app)
SHELL_WORD = re.compile(rf"(-s [\w.]+=|leanrl (?:{'|'.join(COMMANDS.commands)}) (?:[^\s`]+ )*|-p )$")
FLAG = re.compile(r"(?<![\w-])-s ([a-z_][a-z_0-9]*(?:\.[a-z_0-9]+)*)(?:=([^\s`'\",;)\]]*|'[^']*'))?")
PLACEHOLDER = re.compile(r"\.\.\.|…|[A-Z][A-Z_./a-z]*|<.*|\{.*|\$.*|")


def strings(path: Path) -> list[tuple[int, str]]:
    """Every string of a file, f-strings with {} for what is put into them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    inside = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
            found.append((node.lineno, "".join(parts)))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in inside:
            found.append((node.lineno, node.value))
    return found


TEXTS = [(f"{path.relative_to(ROOT)}:{line}", text) for path in SOURCES for line, text in strings(path)]
TEXTS += [(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")) for path in DOCS if path.name != "status.md"]
SETTINGS = sorted(
    {
        (key, value or None, place)
        for place, text in TEXTS
        for key, value in FLAG.findall(text)
        if (value or "." in key) and not key.startswith(RECIPE_MAPS)
    },
    key=str,
)

LITERALS = [flag for flag in SETTINGS if flag[1] is not None and not PLACEHOLDER.fullmatch(flag[1])]


# Files beside sources and docs that a user copies commands from.
COPIED = ["Dockerfile", "Makefile", "CONTRIBUTING.md", "examples", "scripts"]
INSTALLED = re.compile(r"\b(?:pip3?|pipx|uvx?|poetry|conda|mamba|pixi)\b[^\n`]*?(?<!un)\b(?:install|add)\b([^\n`|]*)")
NAMESAKE = re.compile(r"""(?<![\w./=-])leanrl(?:\[[^\]]*\])?(?:[<>=!~]=?[\w.]+)?(?=['"\s]|$)""")


def test_nothing_tells_to_install_leanrl_from_an_index_where_the_name_is_somebody_elses():
    """The distribution is leanrl-grpo; `-e .` and wheels of ours are files."""
    copied = [
        one for name in COPIED for one in ([ROOT / name] if (ROOT / name).is_file() else (ROOT / name).rglob("*"))
    ]
    files = [
        (str(path.relative_to(ROOT)), path.read_text()) for path in copied if path.is_file() and path.suffix != ".pyc"
    ]
    found = [(place, line) for place, text in [*TEXTS, *files] for line in INSTALLED.findall(text)]
    assert len(found) > 20
    assert [(place, line) for place, line in found if NAMESAKE.search(line)] == []


@pytest.mark.parametrize(
    ("text", "is_wrong"),
    [
        ("pip install leanrl", True),
        ("pip install 'leanrl[vllm]'", True),
        ("uv pip install -U leanrl==0.1.5", True),
        ("pip3 install --upgrade leanrl[memory] vllm", True),
        ("uv add leanrl", True),
        ("pip install 'leanrl-grpo[vllm]'", False),
        ("pip install -e '.[vllm]'", False),
        ("pip install dist/leanrl_grpo-0.1.0-py3-none-any.whl", False),
        ("pip uninstall -y leanrl && make demo", False),
        ("pip install -e /home/a/leanrl", False),
    ],
)
def test_what_counts_as_installing_the_namesake(text, is_wrong):
    assert any(NAMESAKE.search(line) for line in INSTALLED.findall(text)) == is_wrong


def test_there_are_flags_to_check():
    assert len({key for key, _, _ in SETTINGS}) > 40


@pytest.mark.parametrize(("key", "value", "place"), SETTINGS)
def test_every_flag_of_a_message_or_the_docs_sets_a_key_that_exists(key, value, place):
    assert key in schema_keys() or key in schema_groups() or key.startswith(MAPS), place


@pytest.mark.parametrize(("key", "value", "place"), LITERALS)
def test_every_value_of_such_a_flag_is_one_that_the_key_takes(key, value, place):
    layer, problems = parse_overrides(shlex.split(f"{key}={value}"))
    assert problems == [], place
    _, invalid = validate(layer.values, {})
    assert [problem for problem in invalid if problem.where == key] == [], place


def test_every_key_that_is_set_by_the_function_exists():
    calls = [
        (path, node)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "setting"
    ]
    keys = {node.args[0].value for _, node in calls if isinstance(node.args[0], ast.Constant)}
    assert len(keys) > 8
    assert keys <= {*schema_keys(), *option_keys()}


def test_nothing_is_put_into_a_command_without_its_quotes():
    """`f"-s key={value}"` breaks at the first space; `setting("key", value)` does not."""
    raw = []
    for path in SOURCES:
        if path.name == "hints.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                raw += [f"{path.relative_to(ROOT)}:{node.lineno}: {one}" for one in _raw_words(node)]
    assert raw == []


def _raw_words(node: ast.JoinedStr):
    before = ""
    for part in node.values:
        if isinstance(part, ast.Constant):
            before = part.value
            continue
        value = part.value
        is_safe = isinstance(value, ast.Call) and ast.unparse(value.func) in SAFE_CALLS
        is_typed = isinstance(value, ast.Name) and value.id == "typed"  # words that shlex.join made
        if SHELL_WORD.search(before) and not (is_safe or is_typed):
            yield f"{before[-30:]}{{{ast.unparse(value)}}}"
        before = ""


def _known_flags(name: str) -> set[str]:
    found = COMMANDS.commands[name]
    subcommands = getattr(found, "commands", {}).values()
    return {flag for one in (found, *subcommands) for parameter in one.params for flag in parameter.opts} | {"--help"}


INVOCATIONS = sorted(
    {
        (words, place)
        for place, text in TEXTS
        for words in re.findall(r"`leanrl ([a-z]+(?: [^`|>]*)?)`", text)
        if place != "leanrl/hints.py:20"
    }
)


@pytest.mark.parametrize(("words", "place"), INVOCATIONS)
def test_every_command_that_is_named_exists_with_its_flags(words, place):
    name, *rest = words.split()
    assert name in COMMANDS.commands, place
    flags = {word.partition("=")[0] for word in rest if word.startswith("--") and len(word) > 2}
    assert flags <= _known_flags(name), place


@pytest.mark.parametrize(
    ("flag", "shown"),
    [
        (setting("data.path", "a.jsonl"), "-s data.path=a.jsonl"),
        (setting("data.problem_column", "Frage (Text)"), "-s data.problem_column='Frage (Text)'"),
        (setting("train.max_steps", 5), "-s train.max_steps=5"),
        (setting("eval.greedy", False), "-s eval.greedy=false"),
        (setting("rollout.max_model_tokens", None), "-s rollout.max_model_tokens=null"),
        (setting("model.tuning.targets", ["q", "v"]), """-s model.tuning.targets='["q", "v"]'"""),
        (command("train", "--resume", Path("runs/a b")), "leanrl train --resume 'runs/a b'"),
        (quoted("it's"), "'it'\"'\"'s'"),
    ],
)
def test_words_are_quoted_where_the_shell_asks_for_it(flag, shown):
    assert flag == shown


@settings(max_examples=400)
@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1))
def test_any_name_of_a_column_comes_back_through_the_shell(name):
    """What a hint prints for a user's own name sets the key to that very name."""
    _, argument = shlex.split(setting("data.problem_column", name))
    layer, problems = parse_overrides([argument])
    assert problems == []
    assert layer.values == {"data": {"problem_column": name}}
