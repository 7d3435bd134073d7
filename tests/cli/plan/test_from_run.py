"""`leanrl plan --from RUN` on a real short run; broken ones: tests/planner/past_runs/test_measured_run.py."""

import json
import shutil
from pathlib import Path

import pytest

from leanrl.storage.run_folder import RunFolder, read_jsonl
from tests.cli.run import leanrl, tiny_overrides

STEPS = 3


@pytest.fixture(scope="module")
def run(tiny_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "first"
    # The rewards of a random model are all alike: without rows that cannot teach there would be no gradients to time.
    quick = (f"train.max_steps={STEPS}", "eval.greedy=false", "data.num_heldout=0", "train.skip_zero_advantage=false")
    outcome = leanrl("train", "-p", "cpu-demo", *tiny_overrides(tiny_model, *quick), "--run-dir", folder)
    assert outcome.code == 0, outcome.err
    return folder


def planned(run, *flags):
    outcome = leanrl("plan", "--from", run, *flags, "--json")
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out), outcome.err


@pytest.fixture(scope="module")
def again(run):
    """The plan of the same run, from itself."""
    plan, err = planned(run)
    assert "not taken over" not in err
    return plan


def test_a_run_planned_from_itself_takes_what_it_took(run, again):
    """On a CPU too, where no time is predicted without a run; each part is the median of the steps but the first."""
    steps = list(read_jsonl(RunFolder(run).metrics))[1:]
    for part, phase in (("generation", "rollout"), ("gradients", "forward_backward")):
        seconds = [step["seconds"][phase] for step in steps]
        assert 0.99 * min(seconds) <= again["time"]["parts"][part] <= 1.01 * max(seconds)
    whole = [step["seconds"]["step"] for step in steps]
    assert 0.5 * min(whole) <= again["time"]["parts"]["step"] <= 1.5 * max(whole)


def test_json_names_what_was_measured_and_where(run, again):
    measured = again["measured"]
    assert (measured["source"], measured["num_steps"], measured["engine"]) == (str(run), STEPS, "hf")
    assert {"generation", "gradients"} <= measured["factors"].keys()
    for name in ("decoding_step_seconds", "training_flops_per_second", "grading_seconds_per_completion"):
        assert measured[name] > 0
    assert measured["lengths"] == f"{STEPS} rollouts of {run}"
    assert 0 < measured["mean_prompt_tokens"] <= 128
    assert measured["refused"] == []


def test_the_upper_estimate_covers_what_the_run_used(run, again):
    peaks = [step["phase_peak_bytes"] for step in read_jsonl(RunFolder(run).metrics)]
    highest = max(peak["allocated"] for step in peaks for peak in step.values())
    assert again["measured"]["overhead_bytes"] > 0
    assert again["gpus"][0]["upper_bytes"] >= highest


def test_longer_completions_take_longer(run, again):
    """A random model is cut nearly always, so lengths follow the limit: eight times the decoding steps.

    Prompts stay as they are, and the launches of gradients too.
    """
    short, long = again["time"], planned(run, "-s", "rollout.max_completion_tokens=64")[0]["time"]
    assert long["completion_tokens"]["mean"] > 4 * short["completion_tokens"]["mean"]
    assert long["parts"]["generation"] > 4 * short["parts"]["generation"]
    assert long["parts"]["gradients"] > 1.2 * short["parts"]["gradients"]


def test_what_cannot_be_taken_over_is_said(run):
    plan, err = planned(run, "-s", "model.compute_dtype=bfloat16", "-s", "rollout.temperature=0.5")
    for says in ("measured in float32, the next run is in bfloat16", "another rollout.temperature"):
        assert says in err
        assert any(says in reason for reason in plan["measured"]["refused"])
    assert f"warning: not taken over from {run}: " in err
    assert plan["measured"]["factors"] == {}
    assert plan["time"]["parts"] is None


def test_lengths_that_are_typed_come_first(run):
    plan, _ = planned(run, "-s", "rollout.lengths.mean_tokens=3.0", "-s", "rollout.lengths.limit_tokens=8")
    assert plan["time"]["completion_tokens"]["mean"] == pytest.approx(3.0, abs=0.1)
    assert plan["measured"]["lengths"] is None


def test_settings_that_fit_are_timed_with_what_was_measured(run):
    outcome = leanrl("plan", "--from", run, "--fit", "--details")
    assert outcome.code == 0, outcome.err
    assert f"speeds, memory, lengths of {run}, {STEPS} steps" in outcome.out
    assert "Measured seconds / those of the closed form: generation" in outcome.out
    assert "s a step" in outcome.out


def test_a_path_that_is_no_run(tmp_path):
    outcome = leanrl("plan", "--from", tmp_path / "none")
    assert (outcome.code, outcome.out) == (2, "")
    assert "is not a run folder" in outcome.err
    assert "hint: " in outcome.err


def test_a_run_of_a_model_without_a_formula_has_lengths_alone(run, tmp_path):
    """The next run's model may have one."""
    measured = Path(shutil.copytree(run, tmp_path / "measured"))
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text(json.dumps({"model_type": "of_tomorrow"}))
    config = json.loads((measured / "config.json").read_text())
    trained, config["model"]["id"] = config["model"]["id"], str(model)
    (measured / "config.json").write_text(json.dumps(config))
    outcome = leanrl("plan", "--from", measured, "-s", f"model.id={trained}")
    assert outcome.code == 2
    assert "is planned by simulation, and --from corrects the closed form" in outcome.err
    assert f"`--lengths run:{measured}`" in outcome.err
