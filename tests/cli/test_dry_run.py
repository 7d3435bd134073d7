"""`leanrl train --dry-run`, `leanrl plan` and `leanrl presets` for every preset, in this process for speed."""

import gzip
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
    assert server["command"][server["command"].index("--uds") + 1] == "SOCKET"
    assert [rank["environment"]["RANK"] for rank in ranks] == ["0", "1", "2"]
    assert {rank["environment"]["CUDA_VISIBLE_DEVICES"] for rank in ranks} == {"0,1,2"}


def flags_of_server(*arguments, changes=()):
    overrides = (part for change in changes for part in ("-s", change))
    server, *_ = json.loads(_run("train", *arguments, *overrides, "--dry-run", "--json"))["processes"]
    assert server["role"] == "rollout server"
    assert server["environment"]["VLLM_SERVER_DEV_MODE"] == "1"
    return server["command"]


def after(command, flag):
    return command[command.index(flag) + 1]


def test_the_papers_server_gets_the_flags_it_will_be_started_with():
    """72 sequences of 4608 tokens at most; the KV cache fills what is left of 0.7 of the card."""
    command = flags_of_server()
    assert command[:4] == ["python", "-m", "vllm.entrypoints.openai.api_server", "--uds"]
    assert after(command, "--max-model-len") == "4608"
    assert after(command, "--max-num-seqs") == "72"
    assert after(command, "--dtype") == "bfloat16"
    assert after(command, "--logprobs-mode") == "processed_logprobs"
    assert 25e9 < int(after(command, "--kv-cache-memory-bytes")) < 30e9
    assert "--enable-lora" not in command


def test_the_server_of_an_adapter_run_takes_adapters_of_its_rank():
    """Rank 24 takes buffers of 32."""
    changes = ("model.tuning.method=lora", "hardware.parallel=ddp", "model.tuning.rank=24")
    command = flags_of_server(changes=changes)
    assert "--enable-lora" in command
    assert after(command, "--max-lora-rank") == "32"


def test_the_server_is_told_of_weights_over_nccl():
    command = flags_of_server(changes=("rollout.weight_transport=nccl",))
    assert json.loads(after(command, "--weight-transfer-config")) == {"backend": "nccl"}


def test_a_model_of_an_unknown_shape_still_shows_its_server():
    command = flags_of_server("-p", "cpu-demo", changes=("model.id=nobody/knows", "rollout.engine=vllm-server"))
    assert after(command, "--model") == "nobody/knows"
    assert "more, once the model's shape is known" in command[-1]


def test_dry_run_text_shows_config_plan_processes_and_what_is_missing():
    text = _run("train", "--dry-run")
    assert "optimizer.learning_rate = 1e-06  [preset a40x4-full-exp2]" in text
    assert "\nplan\n" in text
    assert "WORLD_SIZE=3" in text
    assert "--uds SOCKET --model deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B" in text


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


def test_how_the_problems_are_read_is_shown(tmp_path):
    """Which column, by which rules, how many rows are dropped and why."""
    path = tmp_path / "a.jsonl.gz"
    golds = ["so #### 2", "so #### 3", "so #### 4", "There are five green apples in the bag."]
    rows = [{"question": f"1 + {number}?", "answer": gold} for number, gold in enumerate(golds)]
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n" for row in rows).encode()))
    asked = f"train -p cpu-demo -s data.path={path} -s data.num_heldout=1 -s train.num_prompts=2".split()
    shown = _run(*asked, "--dry-run")
    problems = shown.partition("\nproblems\n")[2].partition("\n\n")[0].splitlines()
    assert problems[0] == "  2 to train on, 1 held out, 1 dropped"
    assert "problems are read from the column 'question'" in problems[1]
    assert problems[2] == "  3 of 4 golds: what stands behind ####, such as '2' of 'so #### 2'"
    assert "1 of 4 gold answers are prose" in shown.partition("\nwarnings\n")[2]
    assert json.loads(_run(*asked, "--dry-run", "--json"))["problems"]["num_dropped_rows"] == 1


def test_fewer_problems_than_a_step_asks_are_missing(tmp_path):
    """Three to train on, and a step of four prompts."""
    path = tmp_path / "a.jsonl"
    path.write_text(
        "".join(json.dumps({"problem": f"1 + {number}", "answer": number + 1}) + "\n" for number in range(4))
    )
    asked = f"train -p cpu-demo -s data.path={path} -s data.num_heldout=1 --dry-run".split()
    missing = _run(*asked).partition("\nmissing here\n")[2]
    assert "train.num_prompts is 4, but there are only 3 problems to train on." in missing
    assert "-s train.num_prompts=3" in missing
    assert "\nmissing here\n  nothing\n" in _run(*asked, "-s", "train.num_prompts=3")
