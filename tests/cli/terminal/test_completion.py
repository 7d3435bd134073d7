"""Tab completion, asked the way a shell asks: by variables of the environment."""

import subprocess
import sys

import pytest

from leanrl.cli.terminal.completion import join_settings
from leanrl.config.files.shipped import preset_names
from leanrl.config.keys import schema_keys
from leanrl.config.overrides import parse_overrides
from leanrl.config.validation import validate
from tests.cli.run import leanrl


def in_bash(*words: str, cwd=None) -> list[str]:
    """What bash gets for these words, the last of them being typed."""
    environment = {"COMP_WORDS": "\n".join(words), "COMP_CWORD": str(len(words) - 1)}
    outcome = leanrl(cwd=cwd, env=environment | {"_LEANRL_COMPLETE": "complete_bash"})
    assert (outcome.code, outcome.err) == (0, "")
    return outcome.out.split()


def in_zsh(line: str) -> str:
    outcome = leanrl(env={"_TYPER_COMPLETE_ARGS": line, "_LEANRL_COMPLETE": "complete_zsh"})
    assert outcome.code == 0
    return outcome.out


def in_fish(line: str) -> list[str]:
    environment = {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    return leanrl(env=environment | {"_LEANRL_COMPLETE": "complete_fish"}).out.split()


def test_commands():
    assert in_bash("leanrl", "pla") == ["plan"]
    assert {"train", "plan", "keys", "rewards", "plugins", "cards", "doctor"} <= set(in_bash("leanrl", ""))


def test_presets(tmp_path):
    assert in_bash("leanrl", "train", "-p", "cpu") == ["cpu-demo"]
    assert in_bash("leanrl", "plan", "--preset", "", cwd=tmp_path) == preset_names()
    assert in_bash("leanrl", "presets", "diff", "plain", "cpu") == ["cpu-demo"]
    assert in_fish("leanrl train -p cpu") == ["cpu-demo"]
    assert '"cpu-demo"' in in_zsh("leanrl train -p cpu")


def test_cards():
    assert in_bash("leanrl", "plan", "--gpu", "rtx409") == ["rtx4090"]
    assert in_bash("leanrl", "plan", "--gpu", "a100") == ["a100-40", "a100-80"]
    assert in_bash("leanrl", "plan", "--gpu", "4060t") == ["4060ti-8", "4060ti-16"]


def test_files_of_presets_and_folders_of_them(tmp_path):
    (tmp_path / "mine.yaml").write_text("")
    (tmp_path / "data.jsonl").write_text("")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "other.yaml").write_text("")
    assert in_bash("leanrl", "train", "-p", "mi", cwd=tmp_path) == ["mine.yaml"]
    assert in_bash("leanrl", "train", "-p", "mo", cwd=tmp_path) == ["more/"]
    assert in_bash("leanrl", "train", "-p", "more/", cwd=tmp_path) == ["more/other.yaml"]
    assert in_bash("leanrl", "train", "-p", "none/", cwd=tmp_path) == []


def test_keys_of_a_setting():
    found = in_bash("leanrl", "train", "-s", "optimizer.b")
    assert found == ["optimizer.beta1=", "optimizer.beta2="]
    assert len(in_bash("leanrl", "train", "-s", "")) == sum(not key.is_map for key in schema_keys().values())


def test_a_single_key_gets_a_second_word_so_that_no_space_follows_it():
    found = in_bash("leanrl", "train", "-s", "train.max_steps")
    assert found == ["train.max_steps=", "train.max_steps=500", "train.max_steps=null"]


def test_rewards_are_keys_too():
    assert in_bash("leanrl", "train", "-s", "rewards.one") == ["rewards.one_box=", "rewards.one_box=1"]


def test_plug_ins_of_a_step_and_their_options_are_keys_too():
    assert in_bash("leanrl", "train", "-s", "algorithm.keep_rows.") == [
        *("algorithm.keep_rows.name=", "algorithm.keep_rows.rows=", "algorithm.keep_rows.by=")
    ]
    assert in_bash("leanrl", "train", "-s", "algorithm.keep_rows.name", "=") == ["pods", "signal"]
    assert in_bash("leanrl", "train", "-s", "algorithm.advantage.scale", "=") == ["group", "batch", "none"]
    assert in_bash("leanrl", "train", "-s", "algorithm.correction.name", "=", "tok") == ["token_truncate"]


@pytest.mark.parametrize(
    "words", [("optimizer.name", "=", "adamw_8"), ("optimizer.name=adamw_8",)], ids=["cut at the =", "whole"]
)
def test_values_of_a_setting_in_bash(words):
    """bash ends a word at = and replaces what follows it; without that, the whole word is replaced."""
    start = "" if len(words) > 1 else "optimizer.name="
    found = in_bash("leanrl", "train", "-p", "cpu-demo", "-s", *words)
    assert found == [f"{start}adamw_8bit", f"{start}adamw_8bit_paged"]


def test_values_after_another_setting():
    found = in_bash("leanrl", "train", "-s", "train.seed", "=", "3", "-s", "eval.greedy", "=")
    assert found == ["true", "false"]


def test_values_of_a_setting_in_zsh_and_fish():
    assert '"optimizer.name=adamw_8bit"' in in_zsh("leanrl train -s optimizer.name=adamw_8")
    values = ["optimizer.name=adamw_8bit", "optimizer.name=adamw_8bit_paged"]
    values = ["optimizer.name=adamw_8bit", "optimizer.name=adamw_8bit_paged"]
    assert in_fish("leanrl train -s optimizer.name=adamw_8b") == values


def test_cards_and_keys_of_their_own_commands():
    assert in_bash("leanrl", "plan", "--gpu", "a100") == ["a100-40", "a100-80"]
    assert in_bash("leanrl", "keys", "hub.p") == ["hub.push_to", "hub.private"]


@pytest.mark.parametrize("key", [key for key in schema_keys() if not schema_keys()[key].is_map])
def test_every_value_that_is_offered_is_taken(key):
    from leanrl.cli.terminal.completion import complete_setting

    for word in complete_setting(f"{key}="):
        layer, problems = parse_overrides([word])
        assert problems == []
        assert validate(layer.values, {})[1] == []


@pytest.mark.parametrize(
    ("words", "joined", "place", "before"),
    [
        (["leanrl", "train"], ["leanrl", "train"], 1, ""),
        (["leanrl", "-s", "a.b", "=", "c"], ["leanrl", "-s", "a.b=c"], 2, "a.b="),
        (["leanrl", "-s", "a.b", "="], ["leanrl", "-s", "a.b="], 2, "a.b="),
        (["leanrl", "-s", "a", "=", "1", "-s", "b", "=", "2"], ["leanrl", "-s", "a=1", "-s", "b=2"], 4, "b="),
        (["leanrl", "-s", "a.b=c"], ["leanrl", "-s", "a.b=c"], 2, ""),
        (["leanrl", "-s", "a", "=", "1", ""], ["leanrl", "-s", "a=1", ""], 3, ""),
    ],
)
def test_words_around_an_equals_sign_are_joined(words, joined, place, before):
    assert join_settings(words, len(words) - 1) == (joined, place, before)


def test_the_script_of_the_shell_is_printed():
    assert "_LEANRL_COMPLETE=complete_bash" in leanrl("--show-completion", "bash").out.replace("\n", " ") or (
        "complete_bash" in leanrl("--show-completion", env={"SHELL": "/bin/bash"}).out
    )


def test_completion_imports_no_torch():
    script = (
        "import os, sys; sys.argv = ['leanrl']\n"
        "os.environ.update(COMP_WORDS='leanrl train -s rewards.', COMP_CWORD='3', _LEANRL_COMPLETE='complete_bash')\n"
        "from leanrl.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('IMPORTED', sorted({'torch', 'transformers', 'trl', 'matplotlib'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("IMPORTED []")


@pytest.mark.parametrize("line", ["leanrl train -p 'open", 'leanrl "', "leanrl train -s x=="])
def test_a_line_that_is_not_closed_is_no_error(line):
    environment = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1), "_LEANRL_COMPLETE": "complete_bash"}
    outcome = leanrl(env=environment)
    assert (outcome.code, outcome.err) == (0, "")
