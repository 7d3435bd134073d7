"""`leanrl train --dry-run`, `leanrl plan` and `leanrl presets` for every preset, in this process for speed."""

import json

import pytest
from typer.testing import CliRunner

from leanrl.cli.main import app
from leanrl.config.catalog import list_presets

NAMES = [preset.name for preset in list_presets()]
RUNS_IN_THIS_VERSION = {"cpu-demo"}


def _run(*arguments):
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


@pytest.mark.parametrize("name", NAMES)
def test_every_preset_dry_runs(name):
    answer = json.loads(_run("train", "-p", name, "--dry-run", "--json"))
    assert answer["config"]["name"] == name
    assert answer["plan"]["verdict"] in ("fits", "tight", "does_not_fit")
    assert answer["processes"]
    assert (answer["missing"] == []) == (name in RUNS_IN_THIS_VERSION)


@pytest.mark.parametrize("name", NAMES)
def test_every_preset_plans_by_the_contract(name):
    plan = json.loads(_run("plan", "-p", name, "--json"))
    assert plan["preset"] == name
    assert plan.keys() >= {"preset", "device", "verdict", "gpus", "time", "cost_usd", "fixes"}
    for gpu in plan["gpus"]:
        assert gpu["role"] in ("train", "rollout", "both")
        assert gpu["peak_bytes"] == max(phase["bytes"] for phase in gpu["phases"])
        assert gpu["upper_bytes"] >= gpu["peak_bytes"]
        for phase in gpu["phases"]:
            assert phase["bytes"] == sum(phase["components"].values())


def test_values_carry_their_origin():
    answer = json.loads(_run("train", "-p", "a40x4-full-exp2-corrected", "-s", "train.seed=7", "--dry-run", "--json"))
    assert answer["config"]["train"]["seed"] == 7
    assert answer["origins"]["train.seed"] == "--set"
    assert answer["origins"]["optimizer.learning_rate"] == "preset a40x4-full-exp2"
    assert answer["origins"]["algorithm.logprob_temperature"] == "preset a40x4-full-exp2-corrected"


def test_processes_of_the_papers_topology():
    answer = json.loads(_run("train", "--dry-run", "--json"))
    server, _, *ranks = answer["processes"]
    assert server["environment"]["CUDA_VISIBLE_DEVICES"] == "3"
    assert server["command"][server["command"].index("--host") + 1] == "127.0.0.1"
    assert [rank["environment"]["RANK"] for rank in ranks] == ["0", "1", "2"]
    assert {rank["environment"]["CUDA_VISIBLE_DEVICES"] for rank in ranks} == {"0,1,2"}


def test_dry_run_text_shows_config_plan_processes_and_what_is_missing():
    text = _run("train", "--dry-run")
    assert "optimizer.learning_rate = 1e-06  [preset a40x4-full-exp2]" in text
    assert "\nplan\n" in text
    assert "WORLD_SIZE=3" in text
    assert "this version of leanrl has a rollout server for one training rank, and 3 are asked for" in text


def test_presets_list_show_and_diff():
    listing = _run("presets")
    assert all(name in listing for name in NAMES)
    assert "leanrl train --preset cpu-demo" in _run("presets", "show", "cpu-demo")
    difference = _run("presets", "diff", "a40x4-full-exp2", "a40x4-full-exp2-corrected")
    key = "algorithm.logprob_temperature: 1.0 -> 0.7"
    assert key in difference
    reason = difference.split(key)[1].splitlines()[1]
    assert reason.startswith("    ")
    assert len(reason.strip()) > 20


def test_a_preset_of_ones_own_loads_as_it_is(tmp_path):
    mine = tmp_path / "mine.yaml"
    mine.write_text(_run("presets", "init", "single-gpu-lora"))
    answer = json.loads(_run("train", "-p", str(mine), "--dry-run", "--json"))
    parent = json.loads(_run("train", "-p", "single-gpu-lora", "--dry-run", "--json"))
    ours, theirs = answer["config"], parent["config"]
    for changed in ("name", "about", "reasons"):
        ours.pop(changed), theirs.pop(changed)
    assert ours == theirs
