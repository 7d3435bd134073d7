"""What a user reads when something is wrong: the place, the value, the fix, and the exit code."""

import json
import shutil
from collections import namedtuple

import pytest
import torch
from typer.testing import CliRunner

from leanrl.cli.main import app
from leanrl.errors import ConfigError, DataError, DoesNotFitError, LeanRLError, MissingError
from tests.cli.run import leanrl, tiny_overrides


def _refused(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert isinstance(result.exception, LeanRLError), result.exception
    return result.exception


def test_exit_code_message_and_hint_on_stderr():
    outcome = leanrl("train", "-p", "cpu-dem")
    assert outcome.code == 2
    assert outcome.out == ""
    assert outcome.err.startswith("error: ")
    assert "cpu-demo" in outcome.err
    assert "Traceback" not in outcome.err


def test_all_problems_at_once():
    error = _refused(
        "train", "-p", "cpu-demo", "-s", "optimizer.learing_rate=1", "-s", "train.max_steps=0",
        "-s", "rollout.temperature=hot", "-s", "train.num_prompts",
    )  # fmt: skip
    assert isinstance(error, ConfigError)
    assert len(error.problems) == 4
    assert "optimizer.learning_rate" in str(error)
    assert "train.max_steps: must be a whole number > 0 or null, is 0" in str(error)


def test_contradicting_keys():
    error = _refused("train", "-p", "cpu-demo", "-s", "rollout.max_model_tokens=64")
    assert "128 + 14 tokens do not fit into 64" in str(error)
    error = _refused("train", "-p", "cpu-demo", "-s", "data.path=x.jsonl", "-s", "data.hub_id=me/mine")
    assert "several sources" in str(error)


def test_an_engine_that_is_not_there_yet_says_so():
    error = _refused("train", "-p", "a40x4-full-exp2", "-s", "rollout.num_gpus=2", "-s", "hardware.num_nodes=2")
    assert isinstance(error, MissingError)
    assert error.exit_code == 5
    assert "starts a rollout server for the ranks of one machine" in str(error)
    assert "starts a rollout server on one card, and 2 are kept" in str(error)
    assert "-s rollout.num_gpus=1" in str(error)


def test_weights_over_nccl_need_cards():
    changes = ("rollout.engine=vllm-server", "model.tuning.method=full", "rollout.weight_transport=nccl")
    error = _refused("train", "-p", "cpu-demo", *(part for change in changes for part in ("-s", change)))
    assert error.exit_code == 5
    assert "nccl moves weights from card to card, and there is no GPU" in str(error)


@pytest.mark.parametrize("num_ranks", [1, 2])
def test_an_unreachable_server_is_named_beside_a_model_that_is_not_there(tmp_path, num_ranks):
    """Both at once, and no rank was started."""
    url, run = "http://127.0.0.1:9", tmp_path / "run"  # discard; nobody listens
    changes = (f"rollout.server_url={url}", "rollout.engine=vllm-server", f"hardware.num_cpu_ranks={num_ranks}")
    error = _refused("train", "-p", "cpu-demo", *tiny_overrides(tmp_path / "none", *changes), "--run-dir", run)
    assert isinstance(error, ConfigError)
    said = f"rollout.server_url is {url}, which cannot be reached: GET /v1/models of {url}: "
    hint = "-s rollout.server_url=null lets leanrl start a server of its own"
    assert f"  - {said}[Errno 111] Connection refused (hint: {hint})\n" in error.message
    assert f"  - model.id is {tmp_path / 'none'}, and there is no such folder." in error.message
    assert not run.exists()


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_a_gpu_that_is_not_there_is_named(tmp_path):
    error = _refused("train", "-p", "single-gpu-lora", "-s", "rollout.engine=hf", "--run-dir", tmp_path / "run")
    assert error.exit_code == 5
    assert "hardware.device is cuda" in str(error)
    assert "-s hardware.device=cpu" in str(error)


def test_unknown_reward_names_the_nearest():
    error = _refused("train", "-p", "cpu-demo", "-s", "rewards.acuracy=1.0")
    assert isinstance(error, ConfigError)
    assert "accuracy" in str(error)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (['{"problem": "1 + 1", "answer": "2"}', '{"problem": '], "data.jsonl:2|line 2"),
        ([], "data.jsonl"),
        (['{"problem": "1 + 1", "answer": ""}'] * 3, "answer"),
    ],
    ids=["broken line", "empty file", "no gold answer at all"],
)
def test_bad_datasets(tiny_model, tmp_path, lines, message):
    data = tmp_path / "data.jsonl"
    data.write_text("".join(f"{line}\n" for line in lines))
    run = tmp_path / "run"
    flags = tiny_overrides(
        tiny_model, "data.generator=null", f"data.path={data}", "data.num_heldout=0", "eval.greedy=false"
    )
    error = _refused("train", "-p", "cpu-demo", *flags, "--run-dir", run)
    assert isinstance(error, DataError)
    assert error.exit_code == 4
    assert any(part in str(error) for part in message.split("|"))
    assert not run.exists()


def test_rows_without_a_gold_answer_are_dropped_counted_and_listed(tiny_model, tmp_path):
    data = tmp_path / "data.jsonl"
    rows = [{"problem": f"{i} + 1", "answer": str(i + 1)} for i in range(4)] + [{"problem": "2 + 2", "answer": None}]
    rows.append({"problem": "what is " + "very " * 200 + "long?", "answer": "1"})
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    run = tmp_path / "run"
    flags = tiny_overrides(
        tiny_model,
        "data.generator=null",
        f"data.path={data}",
        "data.num_heldout=0",
        "eval.greedy=false",
        "train.max_steps=1",
    )
    outcome = leanrl("train", "-p", "cpu-demo", *flags, "--run-dir", run)
    assert outcome.code == 0, outcome.err
    assert "2 rows dropped" in outcome.err
    dropped = [json.loads(line) for line in (run / "dropped_rows.jsonl").read_text().splitlines()]
    assert "data.jsonl:5" in dropped[0]["where"]
    assert "128" in dropped[1]["reason"]
    assert json.loads((run / "summary.json").read_text())["num_dropped_rows"] == 2


def test_no_space_for_checkpoints(tiny_model, tmp_path, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(2**30, 2**30 - 4096, 4096))
    monkeypatch.chdir(tmp_path)
    error = _refused("train", "-p", "cpu-demo", *tiny_overrides(tiny_model), "--run-dir", tmp_path / "run")
    assert isinstance(error, DoesNotFitError)
    assert error.exit_code == 3
    assert "GiB free" in str(error)
    assert not (tmp_path / "run").exists()
    assert "--run-dir" in str(error)


def test_a_folder_without_a_run():
    error = _refused("report", "presets")
    assert "is not a run folder" in str(error)


def test_doctor_says_what_is_here():
    outcome = leanrl("doctor", "--json")
    assert outcome.code == 0
    subjects = {finding["subject"]: finding for finding in json.loads(outcome.out)}
    assert subjects["torch"]["status"] == "ok"
    assert subjects["device"]["text"]
    assert "trl==" in leanrl("doctor", "--constraints", "unsloth").out
    assert leanrl("doctor", "--constraints", "defualt").code == 2
