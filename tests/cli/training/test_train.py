"""`leanrl train` on a tiny model, through the real command line."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from leanrl.report.outcome import outcome_text
from leanrl.storage.run_folder import RunFolder, read_jsonl
from tests.cli.run import leanrl, tiny_overrides


def _train(model, run, *more):
    return leanrl("train", "-p", "cpu-demo", *tiny_overrides(model, *more), "--run-dir", run)


@pytest.fixture(scope="module")
def lora_run(tiny_model, tmp_path_factory):
    run = tmp_path_factory.mktemp("runs") / "lora"
    outcome = _train(tiny_model, run)
    assert outcome.code == 0, outcome.err
    return run, outcome


def test_a_run_leaves_every_promised_file(lora_run):
    folder, _ = lora_run
    run = RunFolder(folder)
    for path in (run.config, run.plan, run.env, run.metrics, run.summary, run.report / "index.html"):
        assert path.is_file(), path
    assert [path.name for path in run.complete_checkpoints()] == ["step-000001", "step-000002"]
    assert not run.partial_checkpoints.exists()
    assert (run.completions / "step-000001.jsonl").is_file()
    assert _compared_steps(folder) == [1, 2]


def test_summary_has_scores_and_seconds(lora_run):
    folder, outcome = lora_run
    summary = json.loads(RunFolder(folder).summary.read_text())
    assert summary["status"] == "finished"
    assert summary["steps"] == 2
    assert 0 <= summary["greedy_before"] <= 1
    assert 0 <= summary["greedy_after"] <= 1
    assert summary["num_eval"] == sum(1 for _ in read_jsonl(folder / "greedy_after.jsonl"))
    assert summary["seconds"] > 0
    assert summary["cpu_seconds"] > 0
    assert outcome.out == outcome_text(summary) + "\n"


def test_a_run_is_held_against_its_plan(lora_run):
    """Resident memory is more than the tensors of a tiny model; on a CPU no seconds are planned."""
    folder, outcome = lora_run
    found = json.loads(RunFolder(folder).summary.read_text())["against_plan"]
    (memory,) = found["memory"]
    assert memory["ratio"] == pytest.approx(memory["measured"] / memory["planned"], abs=0.001)
    assert memory["ratio"] > 1
    assert found["memory_source"].startswith("resident size of the process")
    names = ["generation", "grading", "gradients", "optimizer", "step", "save"]
    assert [one["name"] for one in found["seconds"]] == names
    assert all("planned" not in one and one["measured"] > 0 for one in found["seconds"])
    assert [save["step"] for save in read_jsonl(RunFolder(folder).saves)] == [1, 2]
    assert f"Measured / planned: peak memory {memory['ratio']:.2f}." in outcome.out


def test_metrics_hold_one_object_a_step(lora_run):
    folder, outcome = lora_run
    steps = list(read_jsonl(RunFolder(folder).metrics))
    assert [step["step"] for step in steps] == [1, 2]
    for step in steps:
        assert step["rewards"].keys() == {"one_box", "accuracy"}
        assert step["kl"] is None
        assert step["completion_tokens"]["max"] <= 8
        assert sum(step["verdicts"].values()) == pytest.approx(1)
        assert step["seconds"].keys() == {"step", "rollout", "grading", "forward_backward", "optimizer_step"}
    assert "step 2/2 | one_box" in outcome.err


def said_in_the_log(run):
    return [line.split(" ", 2)[2] for line in RunFolder(run).log.read_text().splitlines()]


def test_the_log_holds_everything_that_was_said(lora_run):
    run, outcome = lora_run
    assert said_in_the_log(run) == outcome.err.splitlines()


def test_environment_file_holds_versions_and_no_secret(tiny_model, tmp_path):
    secret = "hf_averysecrettoken"
    run = tmp_path / "run"
    arguments = ["train", "-p", "cpu-demo", *tiny_overrides(tiny_model, "train.max_steps=1"), "--run-dir", run]
    outcome = leanrl(*arguments, late_env={"HF_TOKEN": secret, "WANDB_API_KEY": secret})
    assert outcome.code == 0, outcome.err
    assert "torch" in json.loads(RunFolder(run).env.read_text())["versions"]
    texts = [path.read_text(errors="replace") for path in run.rglob("*") if path.is_file()]
    assert not any(secret in text for text in texts)


def test_full_parameters_with_a_reference_train(tiny_model, tmp_path):
    run = tmp_path / "full"
    outcome = _train(tiny_model, run, "model.tuning.method=full", "algorithm.kl_beta=0.04")
    assert outcome.code == 0, outcome.err
    steps = list(read_jsonl(RunFolder(run).metrics))
    assert steps[0]["kl"] == pytest.approx(0, abs=1e-6)
    assert (run / "checkpoints" / "step-000002" / "model.safetensors").is_file()


def test_a_runs_config_runs_again(lora_run, tmp_path):
    folder, _ = lora_run
    outcome = leanrl("train", "-p", folder / "config.json", "--dry-run", "--json")
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out)["config"] == json.loads((folder / "config.json").read_text())


def test_a_run_folder_is_never_overwritten(lora_run, tiny_model):
    folder, _ = lora_run
    before = sorted((path, path.stat().st_mtime) for path in folder.rglob("*"))
    outcome = _train(tiny_model, folder)
    assert outcome.code == 2
    assert "exists already" in outcome.err
    assert f"leanrl train --resume {folder}" in outcome.err
    assert sorted((path, path.stat().st_mtime) for path in folder.rglob("*")) == before


def test_a_finished_run_has_nothing_to_resume(lora_run):
    folder, _ = lora_run
    outcome = leanrl("train", "--resume", folder)
    assert outcome.code == 2
    assert "is finished" in outcome.err


def test_a_run_killed_after_its_last_step_is_brought_to_its_end(lora_run, tmp_path):
    folder, _ = lora_run
    run = RunFolder(tmp_path / "killed")
    shutil.copytree(folder, run.path)
    summary = json.loads(run.summary.read_text())
    run.summary.write_text(json.dumps({"status": "running", "greedy_before": summary["greedy_before"]}))
    outcome = leanrl("train", "--resume", run.path)
    assert outcome.code == 0, outcome.err
    finished = json.loads(run.summary.read_text())
    assert finished["status"] == "finished"
    assert finished["steps"] == 2
    assert finished["greedy_after"] == summary["greedy_after"]
    assert len(list(read_jsonl(run.metrics))) == 2


def test_resume_takes_no_other_settings(lora_run):
    folder, _ = lora_run
    outcome = leanrl("train", "--resume", folder, "-s", "train.max_steps=9")
    assert outcome.code == 2
    assert "cannot be given with it" in outcome.err


def test_old_checkpoints_are_deleted(tiny_model, tmp_path):
    outcome = _train(
        tiny_model,
        tmp_path / "run",
        "train.max_steps=3",
        "checkpoints.keep_last=1",
        "eval.greedy=false",
        "data.num_heldout=0",
    )
    assert outcome.code == 0, outcome.err
    assert [path.name for path in RunFolder(tmp_path / "run").complete_checkpoints()] == ["step-000003"]


def _start(model, run, *more):
    command = ["train", "-p", "cpu-demo", *tiny_overrides(model, *more), "--run-dir", str(run)]
    return subprocess.Popen(
        [sys.executable, "-m", "leanrl", *command],
        env=os.environ | {"HF_HUB_OFFLINE": "1"},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )


def _wait_for_checkpoint(process, run):
    deadline = time.monotonic() + 300
    while not RunFolder(run).complete_checkpoints():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline, "no checkpoint in 300 s"
        time.sleep(0.05)


@pytest.mark.long
def test_kill_minus_nine_loses_nothing_but_the_steps_since_the_checkpoint(tiny_model, tmp_path):
    run = tmp_path / "run"
    process = _start(tiny_model, run, "train.max_steps=200")
    _wait_for_checkpoint(process, run)
    process.send_signal(signal.SIGKILL)
    process.wait()
    config = json.loads((run / "config.json").read_text())
    config["train"]["max_steps"] = (done := _last_step(run)) + 2
    (run / "config.json").write_text(json.dumps(config))

    outcome = leanrl("train", "--resume", run)
    assert outcome.code == 0, outcome.err
    assert f"after step {done}" in outcome.err
    log = said_in_the_log(run)
    assert log[-len(outcome.err.splitlines()) :] == outcome.err.splitlines()  # and the killed process's lines before
    assert sum(line.startswith("step ") for line in log) >= done + 2
    steps = [step["step"] for step in read_jsonl(RunFolder(run).metrics)]
    assert steps == list(range(1, done + 3))
    assert _compared_steps(run)[0] == 1
    assert _compared_steps(run)[-1] == done + 2


def test_sigterm_saves_a_checkpoint_and_says_how_to_go_on(tiny_model, tmp_path):
    run = tmp_path / "run"
    process = _start(tiny_model, run, "train.max_steps=2000", "checkpoints.every_steps=1")
    _wait_for_checkpoint(process, run)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 143
    assert f"hint: leanrl train --resume {run}" in err
    summary = json.loads(RunFolder(run).summary.read_text())
    assert summary["status"] == "stopped"
    assert summary["checkpoint"] == f"step-{summary['steps']:06d}"


def _compared_steps(run):
    """The steps after which plan.json was given what was measured."""
    return [entry["step"] for entry in json.loads(RunFolder(run).plan.read_text())["actual"]]


def _last_step(run):
    return int(RunFolder(run).complete_checkpoints()[-1].name.removeprefix("step-"))


def test_a_plugins_reward_trains_and_resumes_from_the_runs_own_copy(tiny_model, tmp_path):
    plugin = tmp_path / "mine.py"
    example = Path(__file__).resolve().parents[3] / "examples" / "custom_reward.py"
    plugin.write_text(example.read_text())
    run = tmp_path / "run"
    flags = tiny_overrides(tiny_model, "rewards.no_echo=0.25", "train.max_steps=1")
    outcome = leanrl("train", "-p", "cpu-demo", *flags, "--plugin", plugin, "--run-dir", run)
    assert outcome.code == 0, outcome.err
    (step,) = read_jsonl(RunFolder(run).metrics)
    assert step["rewards"].keys() == {"one_box", "accuracy", "no_echo"}

    plugin.unlink()
    config = json.loads((run / "config.json").read_text())
    config["train"]["max_steps"] = 2
    (run / "config.json").write_text(json.dumps(config))
    planned = json.loads(RunFolder(run).plan.read_text())
    outcome = leanrl("train", "--resume", run)
    assert outcome.code == 0, outcome.err
    # The plan that it started with is kept, with what both processes have measured.
    kept = json.loads(RunFolder(run).plan.read_text())
    assert kept["gpus"] == planned["gpus"]
    assert kept["actual"][0] == planned["actual"][0]
    assert _compared_steps(run) == [1, 2]
    assert [save["step"] for save in read_jsonl(RunFolder(run).saves)] == [1, 2]


@pytest.mark.long
def test_full_parameters_with_8_bit_adam_and_the_reference_in_host_memory(tiny_model, tmp_path):
    """The preset single-gpu-full as it is, but for a tiny model, few short completions, and a CPU that generates."""
    rows = [{"id": str(i), "problem": f"What is {i} + 4?", "answer": str(i + 4)} for i in range(4)]
    problems = tmp_path / "problems.jsonl"
    problems.write_text("".join(json.dumps(row) + "\n" for row in rows))
    settings = (
        *(f"model.id={tiny_model}", "data.hub_id=null", f"data.path={problems}", "data.system_prompt=null"),
        *("hardware.device=cpu", "hardware.num_gpus=0", "hardware.gpu=null"),
        *("rollout.engine=hf", "rollout.max_model_tokens=null"),
        *("rollout.sleep_level=1", "rollout.max_completion_tokens=8", "rollout.max_prompt_tokens=64"),
        *("train.max_steps=2", "train.num_prompts=2", "train.num_completions=4", "train.micro_batch_completions=4"),
        *("checkpoints.every_steps=1",),
    )
    flags = [part for setting in settings for part in ("-s", setting)]
    outcome = leanrl("train", "-p", "single-gpu-full", *flags, "--run-dir", tmp_path / "run")
    assert outcome.code == 0, outcome.err
    run = RunFolder(tmp_path / "run")
    config = json.loads(run.config.read_text())
    assert config["optimizer"]["name"] == "adamw_8bit"
    assert config["train"]["reference_device"] == "host"
    assert config["model"]["dtype"] == "bfloat16"
    assert [step["step"] for step in read_jsonl(run.metrics)] == [1, 2]
    assert all(step["kl"] is not None for step in read_jsonl(run.metrics))


def test_what_is_automatic_is_chosen_once_and_kept(tiny_model, tmp_path):
    """The whole step of eight completions fits this machine, with both layers; the folder holds numbers, no wish."""
    run = RunFolder(tmp_path / "run")
    automatic = ("train.max_tokens_per_micro_batch=auto", "train.gradient_checkpointing=auto")
    sizes = (*automatic, "rollout.max_prompt_tokens=248")
    done = _train(tiny_model, run.path, *sizes)
    assert done.code == 0, done.err
    assert "train.max_tokens_per_micro_batch is auto: 2048, 8 of 8 completions of full length" in done.err
    assert "train.gradient_checkpointing is auto: train.kept_layers is 2, so that 2 of 2 layers keep" in done.err
    train = json.loads(run.config.read_text())["train"]
    assert train["max_tokens_per_micro_batch"] == 2048
    assert (train["gradient_checkpointing"], train["kept_layers"]) == (True, 2)
    assert json.loads(run.plan.read_text())["kept_layers"] == 2
    assert json.loads(run.plan.read_text())["micro_batch_tokens"] == 2048
