"""The probe of two ranks, started by `leanrl train` on a CPU: it leaves no trace, and all ranks refuse together."""

import json

import pytest
import torch

from tests.cli.run import leanrl, tiny_overrides

SETTINGS = (
    *("hardware.num_cpu_ranks=2", "train.probe=always", "train.num_prompts=4", "train.num_completions=4"),
    *("algorithm.kl_beta=0.04", "algorithm.entropy_coef=0.5", "rollout.top_k=1", "train.micro_batch_completions=4"),
)
# Loaded by every rank as a plug-in: in rank 1 memory runs out where the probe trains.
RUNS_OUT = """
import os

if os.environ.get("RANK") == "1":
    import torch
    from leanrl.trainer.memory import probe

    def run_out(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    probe.train_micro_batch = run_out
from leanrl.rewards.registry import reward
reward("unused_runs_out")(lambda sample: 0.0)  # a plug-in has to register one
"""


def _train(model, run, *settings, plugin=None):
    flags = tiny_overrides(model, *SETTINGS, *settings)
    plugins = [] if plugin is None else ["--plugin", plugin]
    return leanrl("train", "-p", "cpu-demo", *flags, *plugins, "--run-dir", run)


def _last_shards(run):
    return torch.load(run / "checkpoints" / "step-000002" / "pytorch_model_fsdp.bin", weights_only=True)


@pytest.mark.slow
@pytest.mark.long
def test_a_model_in_shards_trains_bit_for_bit_as_without_a_probe(tiny_model, tmp_path):
    """FSDP2, two micro-batches a step and a reference; an evaluation lies between the probe and step 1."""
    metrics = {}
    for probe in ("always", "never"):
        done = _train(tiny_model, tmp_path / probe, "model.tuning.method=full", f"train.probe={probe}")
        assert done.code == 0, done.err
        assert ("probe: 4 completions of " in done.err) == (probe == "always")
        lines = [json.loads(line) for line in (tmp_path / probe / "metrics.jsonl").read_text().splitlines()]
        metrics[probe] = [(line["loss"], line["grad_norm"], line["kl"], line["entropy"]) for line in lines]
    assert len(metrics["always"]) == 2
    assert metrics["always"][0][1] > 1e-3
    assert metrics["always"] == metrics["never"]
    probed, plain = _last_shards(tmp_path / "always"), _last_shards(tmp_path / "never")
    assert probed.keys() == plain.keys()
    assert all(torch.equal(probed[name], plain[name]) for name in plain)
    recorded = json.loads((tmp_path / "always" / "plan.json").read_text())["probe"]
    assert {phase["name"] for phase in recorded["phases"]} == {"reference", "forward_backward"}


@pytest.mark.slow
@pytest.mark.parametrize("method", [pytest.param("lora", marks=pytest.mark.long), "full"])
def test_one_rank_without_memory_ends_all_of_them(tiny_model, tmp_path, method):
    """With an adapter the ranks agree; with shards the rank ends by itself, and the launcher ends the other."""
    plugin = tmp_path / "runs_out.py"
    plugin.write_text(RUNS_OUT)
    done = _train(tiny_model, tmp_path / "run", f"model.tuning.method={method}", plugin=plugin)
    assert done.code == 3, done.err
    assert "the longest batch that can occur, 4 completions of " in done.err
    assert "ran out of memory: CUDA out of memory" in done.err
    assert not (tmp_path / "run").exists()
