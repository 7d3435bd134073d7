"""Lengths of a run, from its metrics."""

import json
import random
from pathlib import Path
from statistics import fmean

import pytest

from leanrl.config.load import load_config
from leanrl.errors import ConfigError
from leanrl.planner.past_runs.run_lengths import read_run_lengths
from leanrl.planner.time.length_profile import LengthProfile

LIMIT, COUNT = 2048, 32  # 4 prompts x 8 completions


def write_run(folder: Path, rollouts: list[list[float]], *, reused_steps: int = 0) -> Path:
    """Write what a run logs of these lengths; steps on completions of an earlier one have none."""
    folder.mkdir()
    config = load_config("cpu-demo", [f"rollout.max_completion_tokens={LIMIT}"]).config
    (folder / "config.json").write_text(config.model_dump_json())
    records = []
    for lengths in rollouts:
        tokens = {"mean": fmean(lengths), "min": min(lengths), "max": max(lengths)}
        share = sum(length == LIMIT for length in lengths) / len(lengths)
        records.append({"completion_tokens": tokens, "truncated_share": share})
        nothing = {"completion_tokens": dict.fromkeys(tokens), "truncated_share": None}
        records += [nothing] * reused_steps
    lines = [json.dumps({"step": step, **record}) for step, record in enumerate(records, start=1)]
    (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def drawn(profile: LengthProfile, *, num_rollouts: int) -> list[list[float]]:
    generator = random.Random(5)
    lengths = profile.distribution

    def one() -> float:
        if generator.random() < lengths.endless_share:
            return LIMIT
        return min(LIMIT, max(1, round(generator.lognormvariate(lengths.log_mean, lengths.log_sd))))

    return [[one() for _ in range(COUNT)] for _ in range(num_rollouts)]


@pytest.mark.parametrize("cv", [0.3, 0.6, 0.9])
def test_mean_and_spread_of_drawn_lengths_are_found(tmp_path, cv):
    run = write_run(tmp_path / "run", drawn(LengthProfile(300, LIMIT, cv), num_rollouts=200), reused_steps=1)
    found = read_run_lengths(run)
    assert found.mean_tokens == pytest.approx(300, rel=0.02)
    assert found.cv == pytest.approx(cv, rel=0.1)
    assert found.cut_share == pytest.approx(0, abs=0.01)
    assert found.source == f"200 rollouts of {run}"


def test_where_the_limit_cuts_the_longest_the_spread_is_assumed(tmp_path):
    profile = LengthProfile(1200, LIMIT, 0.9, 0.35)
    found = read_run_lengths(write_run(tmp_path / "run", drawn(profile, num_rollouts=100)))
    assert found.cv == 0.6
    assert found.cut_share == pytest.approx(0.35, abs=0.03)
    assert found.distribution.longest(COUNT, LIMIT) == pytest.approx(LIMIT, rel=0.01)


def test_a_longest_beyond_what_is_left_gives_the_spread_that_is_left(tmp_path):
    """A mean of 1500 of 2048 tokens and none cut: a spread of 0.13 leaves 1 % beyond the limit, and no more may be."""
    run = write_run(tmp_path / "run", [[1484.0] * 31 + [1990.0]] * 4)
    assert read_run_lengths(run).cv == pytest.approx(0.13, abs=0.02)


def test_all_completions_of_a_run_are_cut(tmp_path):
    found = read_run_lengths(write_run(tmp_path / "run", [[LIMIT] * COUNT] * 3))
    assert (found.mean_tokens, found.cut_share) == (LIMIT, 1.0)


def test_a_context_that_ends_before_the_limit_cuts_below_it(tmp_path):
    """Mean 1000 and half of all are cut, though that takes 1024 tokens at the limit: the mean stands."""
    run = write_run(tmp_path / "run", [[1000.0] * COUNT])
    records = [json.loads(line) | {"truncated_share": 0.5} for line in (run / "metrics.jsonl").read_text().splitlines()]
    (run / "metrics.jsonl").write_text(json.dumps(records[0]) + "\n")
    assert read_run_lengths(run).mean_tokens == 1000


def test_a_step_that_was_taken_again_counts_once(tmp_path):
    run = write_run(tmp_path / "run", [[100.0] * COUNT, [300.0] * COUNT])
    with (run / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"step": 2, "completion_tokens": {"mean": 200, "max": 200}, "truncated_share": 0}) + "\n")
    assert read_run_lengths(run).mean_tokens == 150


def test_a_run_without_steps_has_no_lengths(tmp_path):
    run = write_run(tmp_path / "run", [])
    with pytest.raises(ConfigError, match="no step of it is finished"):
        read_run_lengths(run)
    (run / "metrics.jsonl").unlink()
    with pytest.raises(ConfigError, match="no step of it is finished"):
        read_run_lengths(run)


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="not a run folder"):
        read_run_lengths(tmp_path)
