"""`leanrl train` with two ranks on a CPU, which it starts itself: the metrics are those of one process."""

import json
import shutil

import pytest

from tests.cli.run import leanrl, tiny_overrides

# Always the likeliest token, so that completions do not depend on who draws them; equal rewards teach nothing, and an
# entropy bonus does.
SETTINGS = (
    *("rollout.top_k=1", "algorithm.entropy_coef=0.5", "optimizer.learning_rate=1.0e-3", "train.num_prompts=4"),
    *("train.max_steps=3", "data.num_heldout=0", "eval.greedy=false", "checkpoints.every_steps=2"),
)
SAME = ("loss", "reward", "entropy", "grad_norm", "kl")


def metrics_of(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


# Three passes of at most three rows a step; from the seventh, step 3, the second rank's card holds two rows.
FAULT = """
import os
import torch
from leanrl.trainer.passes import step_pass

passes = []
train = step_pass.train_micro_batch

def train_micro_batch(model, micro_batch, **settings):
    passes.append(len(micro_batch.mask_B_T))
    if os.environ["RANK"] == "1" and len(passes) > int(os.environ["HOLDS_PASSES"]) and passes[-1] > 2:
        raise torch.OutOfMemoryError("simulated: CUDA out of memory")
    return train(model, micro_batch, **settings)

step_pass.train_micro_batch = train_micro_batch
from leanrl.rewards.registry import reward
reward("unused_fault")(lambda sample: 0.0)  # a plug-in has to register one
"""

BUG = """
import os
from leanrl.trainer.passes import step_pass

train = step_pass.train_micro_batch

def train_micro_batch(*arguments, **settings):
    if os.environ["RANK"] == "1":
        raise RuntimeError("a bug of the second rank")
    return train(*arguments, **settings)

step_pass.train_micro_batch = train_micro_batch
from leanrl.rewards.registry import reward
reward("unused_bug")(lambda sample: 0.0)  # a plug-in has to register one
"""


@pytest.mark.parametrize(
    ("method", "reference", "optimizer"),
    [
        ("lora", "gpu", "adamw"),
        pytest.param("full", "gpu", "adamw", marks=pytest.mark.long),
        pytest.param("full", "gpu", "adamw_8bit", marks=pytest.mark.long),
        ("full", "host", "adamw_offloaded"),
    ],
)
def test_two_ranks_equal_one_process_and_go_on_from_a_checkpoint(tiny_model, tmp_path, method, reference, optimizer):
    """DDP for the adapter, FSDP2 for full parameters; a checkpoint is there once, and the run resumes from it.

    A reference of full parameters is shared as well; in host memory each of its layers is fetched when it computes.
    Optimizers besides torch's update each rank's parts, whose state is in a file of each.
    """
    from_start = ("algorithm.kl_beta=0.04", f"train.reference_device={reference}")
    of_run = (f"model.tuning.method={method}", f"optimizer.name={optimizer}")
    settings = tiny_overrides(tiny_model, *SETTINGS, *from_start, *of_run)
    for ranks in (1, 2):
        run = tmp_path / str(ranks)
        done = leanrl("train", *settings, "-p", "cpu-demo", "-s", f"hardware.num_cpu_ranks={ranks}", "--run-dir", run)
        assert done.code == 0, done.err
    alone, shared = metrics_of(tmp_path / "1"), metrics_of(tmp_path / "2")
    assert [line["step"] for line in shared] == [1, 2, 3]
    assert alone[0]["grad_norm"] > 1e-3
    assert alone[2]["kl"] > 1e-6
    for one, other in zip(alone, shared, strict=True):
        for name in SAME:
            assert other[name] == pytest.approx(one[name], rel=1e-4, abs=1e-6), f"{name} of step {one['step']}"
    run = tmp_path / "2"
    assert (run / "ranks" / "rank-1.log").is_file()
    log = (run / "log.txt").read_text()
    assert [log.count(text) for text in ("run folder: ", "model: ", "step 1/3 ")] == [1, 1, 1]  # the first rank alone
    assert (run / "checkpoints" / "step-000003" / "rng_state_1.pth").is_file()
    assert (run / "checkpoints" / "step-000003" / "pytorch_model_fsdp.bin").is_file() == (method == "full")
    parts = run / "checkpoints" / "step-000003" / "optimizer_parts"
    assert len(list(parts.glob("rank-*-of-2.pt"))) == (0 if optimizer == "adamw" else 2)
    shutil.rmtree(run / "checkpoints" / "step-000003")
    again = leanrl("train", "--resume", run)
    assert again.code == 0, again.err
    assert "resuming" in again.err
    assert [line["step"] for line in metrics_of(run)] == [1, 2, 3]
    assert json.loads((run / "summary.json").read_text())["checkpoint"] == "step-000003"
    again = resumed_on_two_ranks(tmp_path / "1")
    if method == "full":
        assert again.code == 2
        missing = "optimizer.bin is not there (1 rank saved, 2 ranks would go on: the number is in config.json)"
        assert missing in again.err
        return
    assert again.code == 0, again.err
    assert "hardware.num_cpu_ranks is 2, and was 1" in again.err
    starts = json.loads((tmp_path / "1" / "env.json").read_text())["starts"]
    assert [start["after_step"] for start in starts] == [0, 2]
    assert starts[1]["changes"] == ["hardware.num_cpu_ranks is 2, and was 1 when the run was last started"]
    for name in SAME:
        assert metrics_of(tmp_path / "1")[2][name] == pytest.approx(alone[2][name], rel=1e-4, abs=1e-6), name


def resumed_on_two_ranks(run):
    """Take the last checkpoint of a run of one rank away, and go on from the one before it with two."""
    shutil.rmtree(run / "checkpoints" / "step-000003")
    config = json.loads((run / "config.json").read_text())
    config["hardware"]["num_cpu_ranks"] = 2
    (run / "config.json").write_text(json.dumps(config))
    return leanrl("train", "--resume", run)


@pytest.mark.long
def test_memory_that_runs_out_within_sharded_layers_ends_the_run_and_the_next_one_is_warned(tiny_model, tmp_path):
    """FSDP2: the others wait in a layer, so that nothing can be redone; the resumed run begins with smaller passes."""
    run, plugin = tmp_path / "run", tmp_path / "fault.py"
    plugin.write_text(FAULT)
    settings = tiny_overrides(tiny_model, *SETTINGS, "model.tuning.method=full", "hardware.num_cpu_ranks=2")
    arguments = ("train", *settings, "-p", "cpu-demo", "--plugin", plugin, "--run-dir", run)
    done = leanrl(*arguments, env={"HOLDS_PASSES": "6"})
    assert done.code == 6, done.err
    assert "memory ran out in step 3 with 3 completions of" in done.err
    assert "step-000002 holds what was trained before" in done.err
    assert [line["step"] for line in metrics_of(run)] == [1, 2]
    budget = json.loads((run / "ranks" / "budget-1" / "token_budget.json").read_text())
    assert f"goes on with micro-batches of at most {budget['max_tokens']} tokens" in done.err
    again = leanrl("train", "--resume", run, env={"HOLDS_PASSES": "0"})
    assert again.code == 0, again.err
    assert [line["out_of_memory"] for line in metrics_of(run)] == [0, 0, 1]
    assert json.loads((run / "checkpoints" / "step-000003" / "token_budget.json").read_text()) == budget


@pytest.mark.parametrize("method", [pytest.param("lora", marks=pytest.mark.long), "full"])
def test_a_bug_of_the_second_rank_is_what_a_user_reads_last(tiny_model, tmp_path, method):
    """The first rank loses its partner and ends with a traceback too, of gloo's."""
    plugin = tmp_path / "bug.py"
    plugin.write_text(BUG)
    settings = tiny_overrides(tiny_model, *SETTINGS, f"model.tuning.method={method}", "hardware.num_cpu_ranks=2")
    done = leanrl("train", *settings, "-p", "cpu-demo", "--plugin", plugin, "--run-dir", tmp_path / "run")
    assert done.code == 1, done.err
    said = done.err[done.err.rindex("error: ") :]
    assert said.startswith("error: training rank 1 ended with code 1. The end of ")
    assert "RuntimeError: a bug of the second rank" in said
