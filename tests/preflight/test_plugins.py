"""Rewards and plug-ins of a step from a file of one's own, or from an installed package."""

from dataclasses import replace

import pytest

from leanrl.config.load import load_config
from leanrl.errors import ConfigError
from leanrl.preflight.checks import examine
from leanrl.preflight.intent import Intent
from leanrl.preflight.plugins import load_installed_plugins, load_plugin
from leanrl.rewards import registry as rewards
from leanrl.rewards.registry import known_rewards, resolve_rewards
from leanrl.seams import registry as seams
from leanrl.seams.registry import known_plugins
from leanrl.types import Sample

SAMPLE = Sample("?", "1", text="aha, aha", num_tokens=4, max_completion_tokens=9, is_truncated=False)


@pytest.fixture(autouse=True)
def own_registries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register into registries of the test's own."""
    monkeypatch.setattr(rewards, "_ENTRIES", dict(rewards._ENTRIES))
    monkeypatch.setattr(seams, "_plugins", {seam: dict(known_plugins(seam)) for seam in seams.SEAMS})


def test_a_file_registers_its_rewards_and_their_options(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from leanrl.rewards.registry import reward\n"
        "@reward('plugin_count')\n"
        "def count(sample, *, word: str = 'aha'):\n"
        "    return float(sample.text.count(word))\n"
    )
    load_plugin(file)
    (plain,) = resolve_rewards({"plugin_count": 1.0}, {})
    (other,) = resolve_rewards({"plugin_count": 1.0}, {"plugin_count": {"word": "ah"}})
    assert plain.score(SAMPLE) == 2.0
    assert other.score(SAMPLE) == 2.0


OF_TRL = """
from trl.rewards import get_repetition_penalty_reward, think_format_reward

def length_of_trl(completions, **kwargs):
    return [float(len(one)) for one in completions]

def exact_of_verifiers(completion, answer):
    return float(completion == answer)

repeats_of_trl = get_repetition_penalty_reward(ngram_size=1)

def _private(completions, **kwargs):
    raise AssertionError

def helper(text):
    return text
"""


def test_a_file_written_for_trl_needs_no_change(tmp_path):
    """What it defines, makes and imports is there under its own name; helpers and private functions are not."""
    file = tmp_path / "of_trl.py"
    file.write_text(OF_TRL)
    before = set(known_rewards())
    load_plugin(file)
    load_plugin(file)  # as `leanrl plan` and `leanrl train` do in one process
    new = {"think_format_reward", "length_of_trl", "exact_of_verifiers", "repeats_of_trl"}
    assert set(known_rewards()) - before == new
    sample = replace(SAMPLE, token_ids=(5, 5, 6, 6))
    length, repeats = resolve_rewards({"length_of_trl": 1.0, "repeats_of_trl": 1.0}, {})
    assert length.score_batch([sample, sample], {}) == [8.0, 8.0]
    assert repeats.score_batch([sample], {}) == [-0.5]


def test_a_file_of_trl_cannot_take_the_name_of_a_shipped_reward(tmp_path):
    file = tmp_path / "of_trl.py"
    file.write_text("def accuracy(completions, **kwargs):\n    return [1.0] * len(completions)\n")
    with pytest.raises(ConfigError, match='named "accuracy" exists already'):
        load_plugin(file)


def test_a_file_without_rewards_says_what_one_is(tmp_path):
    file = tmp_path / "none.py"
    file.write_text("def helper(text):\n    return text\n")
    with pytest.raises(ConfigError, match="registers no reward and no plug-in"):
        load_plugin(file)


def test_a_plugin_cannot_take_the_name_of_a_shipped_reward(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from leanrl.rewards.registry import reward\n@reward('accuracy')\ndef mine(sample):\n    return 1.0\n"
    )
    with pytest.raises(ConfigError, match='named "accuracy" exists already'):
        load_plugin(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [("import nothing_like_this", "ModuleNotFoundError"), ("def (", "SyntaxError"), ("1 / 0", "ZeroDivisionError")],
)
def test_a_broken_file_is_named_with_its_error(tmp_path, text, message):
    file = tmp_path / "broken.py"
    file.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        load_plugin(file)
    assert str(file) in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match="there is no such file"):
        load_plugin(tmp_path / "absent.py")


def _install(folder, module, text, *, group="leanrl.rewards"):
    """Put a package with an entry point on the path, as pip would leave it."""
    (folder / f"{module}.py").write_text(text)
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\nmine = {module}\n")


def test_an_installed_package_offers_rewards_by_entry_point(tmp_path, monkeypatch):
    _install(
        tmp_path,
        "leanrl_test_package",
        "from leanrl.rewards.registry import reward\n@reward('from_a_package')\ndef f(sample):\n    return 0.5\n",
    )
    monkeypatch.syspath_prepend(tmp_path)
    load_installed_plugins()
    (found,) = resolve_rewards({"from_a_package": 1.0}, {})
    assert found.score(SAMPLE) == 0.5


def test_an_installed_package_that_fails_is_named(tmp_path, monkeypatch):
    _install(tmp_path, "leanrl_broken_package", "1 / 0\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigError, match=r"leanrl_broken_package.*ZeroDivisionError"):
        load_installed_plugins()


ALGORITHM = """
from leanrl.seams.registry import plugin

@plugin("advantage", "{name}")
def centred(rewards_P_G, lengths_P_G, *, factor: float = 1.0):
    "Return the distance from the mean."
    return factor * (rewards_P_G - rewards_P_G.nanmean(dim=1, keepdim=True))
"""


def test_a_file_registers_plug_ins_of_a_step_alone(tmp_path):
    file = tmp_path / "algorithm.py"
    file.write_text(ALGORITHM.format(name="of_a_file"))
    before = set(known_rewards())
    load_plugin(file)
    load_plugin(file)  # as `leanrl plan` and `leanrl train` do in one process
    assert "of_a_file" in known_plugins("advantage")
    assert set(known_rewards()) == before


def test_a_function_that_is_a_plug_in_of_a_step_is_no_reward(tmp_path):
    """Its parameters may have the names of TRL's."""
    file = tmp_path / "algorithm.py"
    file.write_text(
        "from leanrl.seams.registry import plugin\n"
        "@plugin('after_step', 'of_trl_names')\n"
        "def after(completions, **options):\n"
        "    return {}\n"
    )
    before = set(known_rewards())
    load_plugin(file)
    assert set(known_rewards()) == before


@pytest.mark.parametrize("group", ["leanrl.plugins", "leanrl.rewards"])
def test_an_installed_package_offers_plug_ins_of_a_step_by_entry_point(tmp_path, monkeypatch, group):
    name = f"from_{group.replace('.', '_')}"
    _install(tmp_path, f"{name}_package", ALGORITHM.format(name=name), group=group)
    monkeypatch.syspath_prepend(tmp_path)
    load_installed_plugins()
    assert name in known_plugins("advantage")


def test_an_unknown_seam_in_a_file_names_the_nearest(tmp_path):
    file = tmp_path / "algorithm.py"
    file.write_text("from leanrl.seams.registry import plugin\nplugin('advantages', 'x')\n")
    with pytest.raises(ConfigError, match="there is no such seam") as caught:
        load_plugin(file)
    assert "advantage" in str(caught.value.hint)


@pytest.mark.parametrize(("grade", "is_refused"), [(None, True), ("strict", False)])
def test_a_reward_from_python_is_graded_as_it_was_registered(grade, is_refused):
    """Whether a plug-in that looks at grades has any is known when rewards from Python are, and not before."""

    def mine(sample):
        return 1.0

    if grade is not None:
        rewards.reward("mine", grade=grade)(mine)
    asked = ["rewards.accuracy=null", "rewards.mine=1", "algorithm.keep_rows.name=signal"]
    config = load_config("cpu-demo", asked).config
    obstacles = examine(Intent(config, rewards={"mine": mine})).obstacles
    told = [problem.where for error in obstacles for problem in getattr(error, "problems", ())]
    assert told == (["algorithm.keep_rows"] if is_refused else [])
