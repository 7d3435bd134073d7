"""A step's metrics by leanrl's names, and TRL's log keys that they come from."""

import pytest

from leanrl.storage.run_folder import read_jsonl
from leanrl.trainer.memory.phase_meter import Peak, PhaseMeter
from leanrl.trainer.records.metrics import peak_bytes, step_metrics
from tests.trainer.small_trainer import Notes, small_config, small_trainer

LOGS = {
    "loss": 0.25,
    "reward": 1.1,
    "reward_std": 0.3,
    "frac_reward_zero_std": 0.5,
    "completions/clipped_ratio": 0.125,
    "completions/mean_length": 10.5,
    "completions/min_length": 4.0,
    "completions/max_length": 14.0,
    "entropy": 1.5,
    "clipped_ratio_share": 0.0,
    "skipped_token_share": 0.25,
    "nonfinite_steps": 0,
    "empty_steps": 0,
    "out_of_memory": 2,
    "mismatch/ratio_p50": 0.99,
    "language_mix_share": 0.05,
    "other_script_share": 0.02,
    "repeated_4gram_share": 0.4,
    "sampling_logprob_difference": 3e-7,
    "grad_norm": 0.7,
    "learning_rate": 2e-4,
    "num_tokens": 1234.0,
    "rewards/one_box/mean": 0.75,
    "rewards/skips/mean": float("nan"),
    "reward_metrics/seen": 3.0,
    "unscored_share": 0.125,
    "verdicts/correct": 0.25,
    "verdicts/no_box": 0.75,
    "seconds/step": 4.0,
    "step_time": 9.0,
}

ONLY_WITH_VLLM = {"sampling_logprob_difference"}


def test_trls_names_become_ours():
    metrics = step_metrics(
        LOGS,
        step=7,
        reward_names=["one_box", "accuracy", "skips"],
        highest_bytes={"rss": 5, "cuda": 9},
        peaks={"rollout": Peak(6, 8), "forward_backward": Peak(7)},
        seconds={"rollout": 3.0, "optimizer_step": 0.5},
        cpu_share=0.75,
    )
    assert metrics == {
        "step": 7,
        "loss": 0.25,
        "reward": 1.1,
        "reward_std": 0.3,
        "zero_std_share": 0.5,
        "unscored_share": 0.125,
        "truncated_share": 0.125,
        "entropy": 1.5,
        "clipped_ratio_share": 0.0,
        "skipped_token_share": 0.25,
        "nonfinite_steps": 0,
        "empty_steps": 0,
        "out_of_memory": 2,
        "language_mix_share": 0.05,
        "other_script_share": 0.02,
        "repeated_4gram_share": 0.4,
        "sampling_logprob_difference": 3e-7,
        "kl": None,  # no reference in this run
        "grad_norm": 0.7,
        "learning_rate": 2e-4,
        "num_tokens": 1234.0,
        "rewards": {"one_box": 0.75, "accuracy": None, "skips": None},
        "schedule": {},
        "reward_metrics": {"seen": 3.0},
        "completion_tokens": {"mean": 10.5, "min": 4.0, "max": 14.0},
        "verdicts": {"correct": 0.25, "no_box": 0.75},
        "rollout_mismatch": {"ratio_p50": 0.99},
        "seconds": {"step": 4.5, "rollout": 3.0, "optimizer_step": 0.5},
        "cpu_share": 0.75,
        "peak_bytes": {"rss": 5, "cuda": 9},
        "phase_peak_bytes": {
            "rollout": {"allocated": 6, "reserved": 8},
            "forward_backward": {"allocated": 7, "reserved": None},
        },
    }


class Still:
    """A gauge that always reads the same."""

    source = "by hand"

    def __init__(self, device, num_bytes):
        self.device, self.num_bytes = device, num_bytes

    def read(self):
        return Peak(self.num_bytes)

    def reset(self):
        pass


def test_peak_memory_is_in_bytes():
    """This process has torch loaded: more than 100 MiB, less than 1 TiB; KiB or pages would miss one of the two."""
    assert 100 * 2**20 < peak_bytes(PhaseMeter(Still("cpu", 0)))["rss"] < 2**40


def test_a_peak_that_the_system_has_forgotten_is_the_meters():
    assert peak_bytes(PhaseMeter(Still("cpu", 2**50))) == {"rss": 2**50}


def test_a_gpus_peak_stands_beside_the_hosts():
    peaks = peak_bytes(PhaseMeter(Still("cuda", 2**50)))
    assert peaks["cuda"] == 2**50
    assert peaks["rss"] < 2**40


def test_every_log_key_that_is_read_is_written_by_trl(tiny_model, tmp_path):
    """With a reference all values exist but that of a rollout engine, so a null means that TRL has renamed one."""
    config = small_config(tiny_model, algorithm={"kl_beta": 0.04}, log={"completions_every_steps": 2})
    notes = Notes()
    trainer, *_ = small_trainer(config, tmp_path / "run", listener=notes)
    trainer.train()
    assert [metrics["step"] for metrics in notes.steps] == [1, 2]
    for metrics in notes.steps:
        missing = [name for name, value in metrics.items() if value is None]
        missing += [name for name, value in metrics["completion_tokens"].items() if value is None]
        assert set(missing) <= ONLY_WITH_VLLM
        assert metrics["reward"] == pytest.approx(metrics["rewards"]["variety"])
        phases = {"rollout", "grading", "reference", "forward_backward", "optimizer_step"}
        assert set(metrics["seconds"]) == {"step", *phases}
        assert 0 < sum(metrics["seconds"][name] for name in phases) <= metrics["seconds"]["step"]
        assert metrics["cpu_share"] > 0
    assert list(read_jsonl(tmp_path / "run" / "metrics.jsonl")) == notes.steps
    saved = sorted(path.name for path in (tmp_path / "run" / "completions").iterdir())
    assert saved == ["step-000001.jsonl", "step-000002.jsonl"]
