"""What a run folder has measured: in every state that a run can be in, and of none."""

import json

import pytest

from leanrl.config.schema import RunConfig
from leanrl.errors import ConfigError, MissingError
from leanrl.machine.environment import describe_cpu
from leanrl.planner.past_runs.measured_run import read_measured_run
from leanrl.planner.past_runs.next_run import learn_from, with_measured_lengths
from leanrl.storage.run_folder import append_jsonl, create_run_folder, read_json, write_json
from tests.planner.sample_runs import cpu_run

HERE = {"system": "Linux", "cpu": "a CPU", "num_cpus": 2}


@pytest.fixture
def run(tmp_path):
    """Three steps of 32 prompts of 60 tokens with completions of 10."""
    folder = create_run_folder(tmp_path / "run")
    write_json(folder.config, cpu_run().model_dump(mode="json"))
    write_json(folder.env, HERE)
    write_json(folder.plan, {"device": "cpu", "card": None, "gpus": [{"usable_bytes": 10**10}]})
    for step in (1, 2, 3):
        append_jsonl(folder.metrics, record(step))
    return folder


def record(step, **changes):
    seconds = {"step": 9.0, "rollout": 5.0, "grading": 0.32, "forward_backward": 3.0, "optimizer_step": 0.1}
    return {
        "step": step,
        "seconds": seconds,
        "num_tokens": step * 32 * 70.0,
        "completion_tokens": {"mean": 10.0, "min": 8, "max": 13},
        "truncated_share": 0.0,
        "skipped_token_share": 0.25,
        "phase_peak_bytes": {"rollout": {"allocated": step * 10**8, "reserved": None}},
    } | changes


def learn(run, config=None):
    return learn_from(run.path, config or cpu_run(), here=HERE, vllm=None)


def test_the_numbers_of_a_run(run):
    found = read_measured_run(run.path)
    assert found.machine == "a CPU with 2 cores"
    assert found.seconds == {"generation": 5, "grading": 0.32, "gradients": 3, "optimizer": 0.1, "step": 9}
    assert (found.num_steps, found.lengths.mean_tokens, found.prompt_tokens) == (3, 10, 60)
    assert found.taught_share == 0.75
    assert found.longest_tokens == 13
    assert found.peak_bytes == {"rollout": 3 * 10**8}


def test_a_run_that_was_killed_has_its_whole_steps(run):
    run.metrics.write_bytes(run.metrics.read_bytes()[:-40])
    assert read_measured_run(run.path).num_steps == 2


def test_a_resumed_run_has_each_step_once(run):
    append_jsonl(run.metrics, record(2))
    append_jsonl(run.metrics, record(3))
    assert read_measured_run(run.path).num_steps == 3


def test_a_run_of_leanrl_0_1_0(run):
    """It timed `reward` and `train`, and named neither its CPU nor the parts of its plan: its lengths can be had."""
    run.metrics.unlink()
    old = {"step": 9.0, "rollout": 5.0, "reward": 0.32, "train": 3.0}
    append_jsonl(run.metrics, record(1, seconds=old, phase_peak_bytes=None))
    write_json(run.env, {"system": "Linux", "num_cpus": 2})
    assert read_measured_run(run.path).seconds["gradients"] == 3
    calibration = learn(run)
    assert calibration.factors == {}
    assert "measured on a machine that is not known by name" in calibration.refused[0]
    assert calibration.lengths.mean_tokens == 10


@pytest.mark.parametrize("name", ["plan", "env"])
def test_a_file_that_is_broken_costs_what_it_held(run, name):
    getattr(run, name).write_text("{broken")
    calibration = learn(run)
    assert calibration.lengths is not None
    assert (calibration.factors == {}) == (name == "env")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "no step of it is finished"),
        (b"", "no step of it is finished"),
        (b'{"step": 1, "loss"', "no step of it is finished"),
        (b'{"step": 1}\n', "its steps have no times"),
        (b'[1]\n{"loss": 2}\n', "no step of it is finished"),
    ],
)
def test_a_run_that_has_timed_nothing(run, content, says):
    run.metrics.unlink()
    if content is not None:
        run.metrics.write_bytes(content)
    with pytest.raises(ConfigError, match=says) as caught:
        read_measured_run(run.path)
    assert str(run.path) in caught.value.message
    assert "leanrl train -p" in caught.value.hint
    assert "2 steps are enough" in caught.value.hint


def test_a_run_with_a_checkpoint_goes_on(run):
    run.metrics.unlink()
    written = run.partial_checkpoints / "1"
    written.mkdir(parents=True)
    run.publish_checkpoint(written, 1)
    with pytest.raises(ConfigError) as caught:
        read_measured_run(run.path)
    assert caught.value.hint == f"`leanrl train --resume {run.path}`"


@pytest.mark.parametrize("name", ["config", "metrics"])
def test_a_file_that_is_needed_and_broken_is_named(run, name):
    file = getattr(run, name)
    file.write_text("{broken\n" + json.dumps(record(2)) + "\n")
    with pytest.raises(ConfigError, match=file.name):
        read_measured_run(run.path)


def test_what_is_no_run(run, tmp_path):
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(ConfigError, match="is not a run folder"):
            read_measured_run(path)
    checkpoint = run.checkpoint(3)
    checkpoint.mkdir(parents=True)
    (checkpoint / "trainer_state.json").write_text("{}")
    with pytest.raises(ConfigError, match="not a run folder but a checkpoint"):
        read_measured_run(checkpoint)


def test_a_run_whose_model_is_gone(run, tmp_path):
    config = read_json(run.config)
    config["model"]["id"] = str(tmp_path / "gone")
    write_json(run.config, config)
    with pytest.raises(MissingError, match="a model whose shape is not known here any more") as caught:
        learn(run)
    assert f"--lengths run:{run.path}" in caught.value.hint


def test_completions_of_other_problems_have_other_lengths(run):
    values = cpu_run().model_dump()
    config = RunConfig.model_validate(values | {"data": values["data"] | {"prompt_template": "Add: {problem}"}})
    calibration = learn(run, config)
    assert calibration.refused == (
        "lengths: the next run has another data.prompt_template; its completions have lengths of their own",
    )
    assert with_measured_lengths(config, calibration) is config
    assert "generation" in calibration.factors


@pytest.mark.parametrize(
    ("section", "change", "share"),
    [
        ("train", {"num_prompts": 8}, 0.75),
        ("train", {"skip_zero_advantage": False}, None),
        ("algorithm", {"kl_beta": 0.04}, None),
        ("algorithm", {"entropy_coef": 0.01}, None),
    ],
)
def test_a_run_that_needs_every_row_leaves_none_out(run, section, change, share):
    values = cpu_run().model_dump()
    config = RunConfig.model_validate(values | {section: values[section] | change})
    assert learn(run, config).taught_share == share


def test_measured_lengths_are_those_of_the_next_run(run):
    config = with_measured_lengths(cpu_run(), learn(run))
    assert (config.rollout.lengths.mean_tokens, config.rollout.lengths.limit_tokens) == (10, 14)
    assert config.rollout.lengths.source == f"3 rollouts of {run.path}"


def test_this_machine_is_described_as_runs_describe_theirs(tmp_path):
    cpuinfo = tmp_path / "cpuinfo"
    cpuinfo.write_text("processor\t: 0\nmodel name\t: A CPU of 2 GHz\nprocessor\t: 1\nmodel name\t: A CPU of 2 GHz\n")
    assert describe_cpu(cpuinfo)["cpu"] == "A CPU of 2 GHz"
    assert describe_cpu(tmp_path / "none")["cpu"] is None
