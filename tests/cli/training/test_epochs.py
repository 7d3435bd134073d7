"""`train.num_epochs` through the real command line."""

import json

from leanrl.config.load import load_config
from leanrl.pipeline import plan
from leanrl.storage.run_folder import RunFolder, read_jsonl
from tests.cli.run import leanrl, tiny_overrides


def _problems(path, count):
    path.write_text("".join(json.dumps({"problem": f"{i}+1", "answer": str(i + 1)}) + "\n" for i in range(count)))
    return path


def test_a_run_has_the_steps_of_its_epochs_and_its_schedule_ends_with_them(tiny_model, tmp_path):
    """7 problems, 2 in a rollout: 3 rollouts, 2 steps on each; the linear schedule ends behind the sixth."""
    data = _problems(tmp_path / "seven.jsonl", 7)
    run = tmp_path / "run"
    overrides = tiny_overrides(
        tiny_model,
        "data.generator=null", f"data.path={data}", "data.num_heldout=0", "eval.greedy=false",
        "train.num_epochs=1", "train.updates_per_rollout=2", "train.micro_batch_completions=2",
        "optimizer.schedule=linear", "optimizer.learning_rate=0.006", "optimizer.warmup_ratio=0",
    )  # fmt: skip
    outcome = leanrl("train", "-p", "cpu-demo", *overrides, "--run-dir", run)
    assert outcome.code == 0, outcome.err
    lines = list(read_jsonl(RunFolder(run).metrics))
    assert [line["step"] for line in lines] == [1, 2, 3, 4, 5, 6]
    rates = [round(line["learning_rate"], 6) for line in lines]
    assert rates == [0.006, 0.005, 0.004, 0.003, 0.002, 0.001]
    assert "train.num_epochs is 1: 6 steps for 7 problems" in outcome.err
    assert "train.max_steps 2 has no effect" in outcome.err
    assert "step 6/6 | same rollout" in outcome.err
    train = json.loads(RunFolder(run).config.read_text())["train"]
    assert (train["max_steps"], train["num_epochs"]) == (6, None)


def test_the_plan_counts_problems_where_it_can(tmp_path):
    data = _problems(tmp_path / "many.jsonl", 800)
    known = ["train.num_epochs=2", f"data.path={data}", "data.hub_id=null"]
    counted = plan(load_config("single-gpu-lora", known).config)
    assert counted.max_steps == 200
    once = plan(load_config("single-gpu-lora", ["train.max_steps=null", *known[1:]]).config)
    assert once.max_steps == 100
    assert counted.total_hours == round(counted.step_time.seconds * 200 / 3600, 2)
    on_hub = plan(load_config("single-gpu-lora", ["train.num_epochs=2"]).config)
    assert (on_hub.max_steps, on_hub.total_hours, on_hub.cost_usd) == (None, None, None)
