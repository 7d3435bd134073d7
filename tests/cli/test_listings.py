"""`leanrl keys`, `rewards`, `plugins`, `cards`, `presets` and `--version`: what a config can name."""

import json
import re
import subprocess
import sys

import pytest
from typer.testing import CliRunner

import leanrl
from leanrl.cli.main import app
from leanrl.config.keys import schema_keys
from leanrl.errors import ConfigError
from leanrl.planner.machine.cards import CARDS
from leanrl.rewards.registry import registered_rewards
from leanrl.seams.listing import IN_ORDER
from leanrl.seams.registry import known_plugins


def printed(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == 0, result.exception
    return result.stdout


def test_the_version():
    assert printed("--version") == f"leanrl {leanrl.__version__}\n"


def test_the_version_imports_nothing_heavy():
    loaded = "*sorted(name for name in sys.modules if name.startswith('leanrl'))"
    script = f"import sys; import leanrl; print(leanrl.__version__, {loaded})"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [leanrl.__version__, "leanrl", "leanrl.machine", "leanrl.machine.version"]


def test_every_key_with_default_help_and_what_it_takes():
    text = printed("keys")
    for key in schema_keys().values():
        assert f"{key.name} = {json.dumps(key.default, ensure_ascii=False)}\n    {key.about} [{key.takes}]\n" in text


def test_keys_by_their_beginning():
    names = [line.split(" = ")[0] for line in printed("keys", "rollout.max").splitlines()[::2]]
    assert names == ["rollout.max_prompt_tokens", "rollout.max_completion_tokens", "rollout.max_model_tokens"]


def test_keys_by_a_word_where_none_begins_with_it():
    assert "algorithm.kl_estimator" in printed("keys", "kl_est")
    assert "model.tuning.rank" in printed("keys", "LoRA")


@pytest.mark.parametrize(("wrong", "meant"), [("num_generations", "train.num_completions"), ("zyzzyva", "leanrl keys")])
def test_no_such_key_leads_to_the_nearest(wrong, meant):
    result = CliRunner().invoke(app, ["keys", wrong])
    assert isinstance(result.exception, ConfigError)
    assert meant in result.exception.hint


def test_keys_as_json():
    rows = json.loads(printed("keys", "train.", "--json"))
    assert {row["key"] for row in rows} == {key for key in schema_keys() if key.startswith("train.")}
    assert next(row for row in rows if row["key"] == "train.seed")["default"] == schema_keys()["train.seed"].default


def test_every_reward_with_what_it_does_and_its_options():
    text = printed("rewards")
    for name in registered_rewards():
        assert f"\n{name}\n    Return " in f"\n{text}"
    assert "options: target_tokens=4096, bonus=0.5, correct=1.0" in text
    assert "-s rewards.NAME=1" in text


def test_rewards_as_json():
    rows = {row["name"]: row for row in json.loads(printed("rewards", "--json"))}
    assert rows["overlong"]["options"] == {"max_tokens": None, "cache_tokens": None}
    assert rows["shortest_correct"]["sees_group"] is True
    assert rows["accuracy"]["grade_mode"] == "strict"


def test_every_plug_in_of_a_step_with_what_it_does_and_its_options():
    text = printed("plugins")
    found = [line for line in text.splitlines() if re.match(r"[a-z_]+: [a-z_]+$", line)]
    assert found == [f"{seam}: {name}" for seam in IN_ORDER for name in known_plugins(seam)]
    assert "advantage: group\n    (reward - baseline) / scale" in text
    assert 'options: baseline="mean", scale="group"' in text
    assert "options: rows (has to be set)" in text
    assert "-s algorithm.SEAM.name=NAME" in text


def test_plug_ins_of_a_step_as_json():
    rows = {(row["seam"], row["name"]): row for row in json.loads(printed("plugins", "--json"))}
    assert rows["keep_rows", "pods"]["required_options"] == ["rows"]
    assert rows["correction", "token_truncate"]["options"] == {"clip": 2.0}


def test_a_plug_in_of_ones_own_is_listed(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from leanrl.seams.registry import plugin\n"
        "@plugin('refill', 'listed_twice')\n"
        "def twice(groups_wanted, groups_kept, dropped_share, round_number, *, rounds: int = 2):\n"
        "    'Draw as many again.'\n"
        "    return 0\n"
    )
    listed = printed("plugins", "--plugin", str(file))
    assert "refill: listed_twice\n    Draw as many again.\n    options: rounds=2\n" in listed


def test_a_reward_of_ones_own_is_listed_with_its_options(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from leanrl.rewards.registry import reward\n\n\n@reward('polite_words')\n"
        "def polite(sample, *, word, weight=2):\n    '''Return the fraction of polite words.'''\n    return 0.0\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "leanrl", "rewards", "--plugin", str(file)], capture_output=True, text=True, check=True
    )
    listed = "polite_words\n    Return the fraction of polite words.\n    options: weight=2, word (has to be set)\n"
    assert listed in done.stdout


def test_cards():
    text = printed("cards")
    assert all(card.title in text for card in CARDS.values())
    assert "no bf16" in next(line for line in text.splitlines() if line.startswith("t4 "))
    rows = json.loads(printed("cards", "--json"))
    assert {row["name"] for row in rows} == set(CARDS)
    assert all(row["price"] is None or row["price"]["seen"] for row in rows)
    mi300x = next(row for row in rows if row["name"] == "mi300x")
    assert (mi300x["bandwidth_bytes_per_second"], mi300x["bf16_flops"], mi300x["memory_gb"]) == (None, None, 192)
    assert next(line for line in text.splitlines() if line.startswith("mi300x ")).split()[2:5] == ["-", "-", "-"]
