"""`leanrl plan --from RUN`, on a real short run, and on what is none."""

import json
import shutil

import pytest

from leanrl.run_folder import RunFolder, read_jsonl
from tests.cli.run import leanrl, tiny_overrides

STEPS = 3


@pytest.fixture(scope="module")
def run(tiny_model, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "first"
    # The rewards of a random model are all alike: without rows that cannot teach there would be no gradients to time.
    quick = (f"train.max_steps={STEPS}", "eval.greedy=false", "data.num_heldout=0", "train.skip_zero_advantage=false")
    settings = tiny_overrides(tiny_model, *quick)
    outcome = leanrl("train", "-p", "cpu-demo", *settings, "--run-dir", folder)
    assert outcome.code == 0, outcome.err
    return folder


@pytest.fixture
def copy(run, tmp_path):
    """The same run, for a test that breaks it."""
    return shutil.copytree(run, tmp_path / "copy")


def planned(run, *flags):
    outcome = leanrl("plan", "--from", run, *flags, "--json")
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out), outcome.err


def assert_refused(outcome, *, says, hint):
    assert (outcome.code, outcome.out) == (2, "")
    assert says in outcome.err
    assert "hint: " in outcome.err
    assert hint in outcome.err.split("hint: ")[1]
    assert "Traceback" not in outcome.err


def test_a_run_planned_from_itself_takes_what_it_took(run):
    """On a CPU too, where no time is predicted without a run; each part is the median of the steps but the first."""
    plan, err = planned(run)
    assert "not taken over" not in err
    steps = list(read_jsonl(RunFolder(run).metrics))[1:]
    gradients = sorted(step["seconds"]["forward_backward"] for step in steps)
    assert gradients[0] * 0.9 <= plan["time"]["parts"]["gradients"] <= gradients[-1] * 1.1
    whole = sorted(step["seconds"]["step"] for step in steps)
    assert 0.5 * whole[0] <= plan["time"]["parts"]["step"] <= 1.5 * whole[-1]
    measured = plan["measured"]
    assert (measured["source"], measured["num_steps"], measured["engine"]) == (str(run), STEPS, "hf")
    assert {"generation", "gradients"} <= measured["factors"].keys()
    assert measured["decoding_step_seconds"] > 0
    assert measured["training_flops_per_second"] > 0
    assert measured["grading_seconds_per_completion"] > 0
    assert measured["overhead_bytes"] > 0
    assert measured["lengths"] == f"{STEPS} rollouts of {run}"
    assert 0 < measured["mean_prompt_tokens"] <= 128
    assert measured["refused"] == []


def test_the_plan_covers_what_the_run_used(run):
    """The upper estimate holds the process that was measured: it was above the plan's own."""
    plan, _ = planned(run)
    summary = json.loads((run / "summary.json").read_text())
    peaks = [step["phase_peak_bytes"] for step in read_jsonl(RunFolder(run).metrics)]
    highest = max(peak["allocated"] for step in peaks for peak in step.values())
    assert plan["gpus"][0]["upper_bytes"] >= highest
    assert summary["against_plan"]["memory"][0]["at_most"] < highest


def test_longer_completions_take_longer(run):
    """A random model is cut nearly always, so lengths follow the limit: eight times the decoding steps.

    Prompts stay as they are, and the launches of gradients too.
    """
    short, long = (planned(run, "-s", f"rollout.max_completion_tokens={limit}")[0]["time"] for limit in (8, 64))
    assert long["completion_tokens"]["mean"] > 4 * short["completion_tokens"]["mean"]
    assert long["parts"]["generation"] > 4 * short["parts"]["generation"]
    assert long["parts"]["gradients"] > 1.2 * short["parts"]["gradients"]


@pytest.mark.parametrize(
    ("flags", "says", "kept"),
    [
        (["-s", "model.compute_dtype=bfloat16"], "measured in float32, the next run is in bfloat16", set()),
        (["-s", "rollout.temperature=0.5"], "another rollout.temperature", {"generation", "gradients"}),
        (["-p", "single-gpu-lora"], "the next run is on rtx4090", set()),
    ],
)
def test_what_cannot_be_taken_over_is_said(run, flags, says, kept):
    plan, err = planned(run, *flags)
    assert f"warning: not taken over from {run}: " in err
    assert says in err
    assert any(says in reason for reason in plan["measured"]["refused"])
    assert plan["measured"]["factors"].keys() & {"generation", "gradients"} == kept


def test_a_run_that_taught_nothing_says_so(copy):
    run = RunFolder(copy)
    lines = [json.dumps(step | {"skipped_token_share": 1.0}) for step in read_jsonl(run.metrics)]
    run.metrics.write_text("\n".join(lines) + "\n")
    plan, err = planned(copy)
    assert "the speed of training: no completion of the run taught" in err
    assert plan["time"]["parts"] is None
    assert plan["measured"]["decoding_step_seconds"] > 0


def test_lengths_of_ones_own_come_first(run):
    plan, _ = planned(run, "-s", "rollout.lengths.mean_tokens=3.0", "-s", "rollout.lengths.limit_tokens=8")
    assert plan["time"]["completion_tokens"]["mean"] == pytest.approx(3.0, abs=0.1)


def test_the_text_names_the_run(run):
    outcome = leanrl("plan", "--from", run, "--details")
    assert outcome.code == 0, outcome.err
    assert f"speeds, memory, lengths of {run}, {STEPS} steps" in outcome.out
    assert "Measured seconds / those of the closed form: generation" in outcome.out
    assert "s a step" in outcome.out


def test_settings_that_fit_are_timed_with_what_was_measured(run):
    outcome = leanrl("plan", "--from", run, "--fit", "--json")
    assert outcome.code == 0, outcome.err
    plan = json.loads(outcome.out)["plan"]
    assert plan["measured"]["source"] == str(run)
    assert plan["time"]["parts"]["step"] > 0


def test_an_unfinished_run_has_what_it_has_measured(copy):
    """Killed in its last line: two steps are whole, and no summary was written."""
    run = RunFolder(copy)
    run.summary.unlink()
    run.metrics.write_bytes(run.metrics.read_bytes()[:-40])
    plan, _ = planned(copy)
    assert plan["measured"]["num_steps"] == STEPS - 1


def test_a_run_of_an_older_version_is_read(copy):
    """leanrl 0.1.0 timed `reward` and `train`, and named neither its CPU nor the parts of its plan."""
    run = RunFolder(copy)
    names = {"grading": "reward", "forward_backward": "train"}
    lines = []
    for step in read_jsonl(run.metrics):
        step["seconds"] = {names.get(name, name): value for name, value in step["seconds"].items()}
        lines.append(json.dumps(step))
    run.metrics.write_text("\n".join(lines) + "\n")
    env = json.loads(run.env.read_text())
    del env["cpu"]
    run.env.write_text(json.dumps(env))
    plan, err = planned(copy)
    assert "measured on a machine that is not known by name" in err
    assert plan["measured"]["lengths"] is not None


def test_a_path_that_is_no_run(tmp_path):
    assert_refused(leanrl("plan", "--from", tmp_path), says="is not a run folder", hint="ls runs/")
    assert_refused(leanrl("plan", "--from", tmp_path / "none"), says="is not a run folder", hint="ls runs/")


def test_a_checkpoint_is_no_run(run):
    checkpoint = run / "checkpoints" / f"step-{STEPS:06d}"
    assert_refused(leanrl("plan", "--from", checkpoint), says="not a run folder but a checkpoint", hint="leanrl")


@pytest.mark.parametrize("content", [None, b"", b'{"step": 1}\n'])
def test_a_run_without_a_timed_step(copy, content):
    run = RunFolder(copy)
    run.metrics.unlink()
    if content is not None:
        run.metrics.write_bytes(content)
    outcome = leanrl("plan", "--from", copy)
    assert_refused(outcome, says=f"{copy} has measured nothing to plan with", hint=f"leanrl train --resume {copy}")


def test_a_run_without_checkpoints_is_run_again(copy):
    shutil.rmtree(copy / "checkpoints")
    RunFolder(copy).metrics.unlink()
    assert_refused(leanrl("plan", "--from", copy), says="no step of it is finished", hint="leanrl train -p")


@pytest.mark.parametrize("name", ["config.json", "metrics.jsonl"])
def test_a_run_whose_files_are_broken(copy, name):
    lines = (copy / name).read_text().splitlines()
    (copy / name).write_text("\n".join(["{broken", *lines[1:]]) + "\n")
    outcome = leanrl("plan", "--from", copy)
    assert (outcome.code, outcome.out) == (2, "")
    assert name in outcome.err
    assert "Traceback" not in outcome.err


def test_a_run_whose_model_is_gone(copy, tmp_path):
    config = json.loads((copy / "config.json").read_text())
    config["model"]["id"] = str(tmp_path / "gone")
    (copy / "config.json").write_text(json.dumps(config))
    outcome = leanrl("plan", "--from", copy, "-p", "cpu-demo")
    assert outcome.code == 5
    assert f"{copy} has measured a model whose shape is not known here any more" in outcome.err
    assert f"hint: put the model back, or take its lengths alone: `--lengths run:{copy}`" in outcome.err


def test_a_plan_and_an_environment_that_are_broken_cost_the_machine(copy):
    """What the run was on is not known any more: its lengths are."""
    for name in ("plan.json", "env.json"):
        (copy / name).write_text("{broken")
    plan, err = planned(copy)
    assert "a machine that is not known by name" in err
    assert plan["measured"]["lengths"] is not None
