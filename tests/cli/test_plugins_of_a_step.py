"""`leanrl train --dry-run` and `plan` with plug-ins of a step: all problems at once, values with their origins."""

import json

import pytest
from typer.testing import CliRunner

from leanrl.cli.main import app
from leanrl.errors import ConfigError

PODS = ("-s", "algorithm.keep_rows.name=pods", "-s", "algorithm.keep_rows.rows=4")
MINE = """
from leanrl.seams.registry import plugin

@plugin("advantage", "typed_{name}")
def typed(rewards_P_G, lengths_P_G, *, factor: float = 1.0):
    return factor * rewards_P_G
"""


def refused(*arguments: str) -> ConfigError:
    error = CliRunner().invoke(app, list(arguments)).exception
    assert isinstance(error, ConfigError)
    assert error.exit_code == 2
    return error


@pytest.fixture
def mine(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(MINE.format(name=tmp_path.name))
    return f"typed_{tmp_path.name}", str(file)


@pytest.mark.parametrize("command", [("train", "--dry-run"), ("train",), ("plan",)], ids=" ".join)
def test_everything_that_is_wrong_is_said_at_once(command):
    wrong = {
        "algorithm.keep_rows.name=podz": "Did you mean `pods`?",
        "algorithm.advantage.scal=none": 'did you mean "scale"?',
        "algorithm.correction.clip=-1": None,
        "algorithm.choose_prompts.start=0.5": "`-s algorithm.choose_prompts.name=NAME`; `leanrl plugins` lists them",
        "algorithm.importance_clip=3": "Did you mean `algorithm.correction.clip`?",
        "train.seed=-1": None,
    }
    correct = ("-s", "algorithm.correction.name=token_truncate")
    error = refused(*command, *correct, *(part for setting in wrong for part in ("-s", setting)))
    hints = {problem.where: problem.hint for problem in error.problems}
    places = {setting.partition("=")[0]: hint for setting, hint in wrong.items()}
    places["algorithm.choose_prompts"] = places.pop("algorithm.choose_prompts.start")
    assert hints.keys() == places.keys()
    assert {where: hint for where, hint in hints.items() if places[where]} == {w: h for w, h in places.items() if h}


def test_a_dry_run_shows_values_with_their_origins():
    result = CliRunner().invoke(app, ["train", *PODS, "-s", "algorithm.advantage.scale=none", "--dry-run"])
    assert result.exit_code == 0, result.exception
    assert '  algorithm.keep_rows.name = "pods"  [--set]\n' in result.stdout
    assert "  algorithm.keep_rows.rows = 4  [--set]\n" in result.stdout
    assert '  algorithm.advantage.name = "group"  [preset a40x4-full-exp2]\n' in result.stdout
    assert '  algorithm.advantage.scale = "none"  [--set]\n' in result.stdout


def test_a_plug_in_of_ones_own_is_known_with_its_file_alone(mine):
    name, file = mine
    settings = ["-s", f"algorithm.advantage.name={name}", "-s", "algorithm.advantage.factor=2.0"]
    (problem,) = refused("train", *settings, "--dry-run").problems
    assert problem.what == f'there is no plug-in "{name}"'
    result = CliRunner().invoke(app, ["train", *settings, "--plugin", file, "--dry-run", "--json"])
    assert result.exit_code == 0, result.exception
    assert json.loads(result.stdout)["config"]["algorithm"]["advantage"] == {"name": name, "factor": 2.0}
    (problem,) = refused("train", *settings[:2], "-s", "algorithm.advantage.facto=2", "--plugin", file).problems
    assert problem.hint == 'did you mean "factor"?'


def test_a_file_that_cannot_be_loaded_is_told_with_what_else_is_missing(tmp_path):
    """Whether its plug-ins exist cannot be said then, so nothing is said of their names."""
    absent = str(tmp_path / "absent.py")
    settings = ["-s", "algorithm.advantage.name=mine", "-s", "data.path=nowhere.jsonl", "--plugin", absent]
    result = CliRunner().invoke(app, ["train", *settings, "--dry-run", "--json"])
    assert result.exit_code == 0, result.exception
    missing = "\n".join(json.loads(result.stdout)["missing"])
    assert f"--plugin is {absent}, and there is no such file." in missing
    assert "nowhere.jsonl" in missing
    assert "there is no plug-in" not in missing


UNGRADED = ("-p", "cpu-demo", "-s", "rewards.accuracy=null")
NO_GRADES = "looks at how many completions are right, and no reward grades them"


def missing_here(*arguments: str) -> str:
    """Return what a dry run prints; it lists what would stop the run."""
    result = CliRunner().invoke(app, ["train", *arguments, "--dry-run"])
    assert result.exit_code == 0, result.exception
    return result.stdout + result.stderr


@pytest.mark.parametrize("command", [("train", "--dry-run"), ("train",), ("plan",)], ids=" ".join)
def test_plugins_that_look_at_grades_need_a_graded_reward(command):
    """They are told with all other problems, and before a folder is made."""
    plugins = {"algorithm.keep_rows": "signal", "algorithm.choose_prompts": "greso"}
    named = (part for seam, name in plugins.items() for part in ("-s", f"{seam}.name={name}"))
    error = refused(*command, *UNGRADED, *named, "-s", "train.seed=-1", "-s", "train.max_step=3")
    told = {problem.where: problem for problem in error.problems}
    assert told.keys() == {*plugins, "train.seed", "train.max_step"}
    for seam, name in plugins.items():
        assert told[seam].what.startswith(f"{name} {NO_GRADES}")
        assert "`-s rewards.accuracy=1`" in told[seam].hint


@pytest.mark.parametrize(
    "settings",
    [
        (*UNGRADED, "-s", "algorithm.keep_rows.name=signal", "-s", "algorithm.keep_rows.by=reward"),
        ("-p", "cpu-demo", "-s", "algorithm.keep_rows.name=signal"),
        UNGRADED,
    ],
)
def test_what_looks_at_no_grades_needs_none(settings):
    assert NO_GRADES not in missing_here(*settings)


def test_a_plugin_of_ones_own_says_what_it_needs(tmp_path):
    name, file = f"graded_{tmp_path.name}", tmp_path / "mine.py"
    file.write_text(MINE.replace('"typed_{name}"', f'"{name}", needs_grades=True'))
    own = ("--plugin", str(file), "-s", f"algorithm.advantage.name={name}")
    (problem,) = refused("train", *UNGRADED, *own).problems
    assert f"{name} {NO_GRADES}" in problem.what


@pytest.mark.parametrize(("settings", "warned"), [((), False), (("-s", "algorithm.num_iterations=2"), True)])
def test_a_plugin_for_one_update_warns_of_several(settings, warned):
    printed = missing_here("-p", "cpu-demo", "-s", "algorithm.advantage.name=opo", *settings)
    assert ("opo is derived for one update" in printed) is warned
