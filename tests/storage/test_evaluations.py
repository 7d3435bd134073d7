"""evaluations.jsonl and the best checkpoint: read after a kill, rewound, ranked, and named by --checkpoint."""

import json

import pytest

from leanrl.errors import ConfigError
from leanrl.storage.chosen_checkpoint import chosen_checkpoint
from leanrl.storage.evaluations import (
    add_evaluation,
    add_to_metrics,
    best_checkpoint,
    best_checkpoints,
    is_best_so_far,
    read_evaluations,
    rewind_evaluations,
)
from leanrl.storage.run_folder import RunFolder, append_jsonl, read_jsonl


@pytest.fixture
def run(tmp_path):
    """A run with complete checkpoints of steps 2, 4, 6 and 8."""
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    folder.config.write_text("{}")
    for step in (2, 4, 6, 8):
        written = folder.partial_checkpoints / f"checkpoint-{step}"
        written.mkdir(parents=True)
        (written / "adapter_model.safetensors").write_text("weights")
        folder.publish_checkpoint(written, step)
    return folder


def evaluated(run, bounds):
    for step, bound in bounds.items():
        add_evaluation(run, {"step": step, "lower_bound": bound})


def test_best_checkpoints_are_ranked_by_bound_then_by_step(run):
    """Step 5 has the highest bound and no checkpoint; step 8 was not evaluated; 4 and 6 are equal."""
    evaluated(run, {0: None, 2: -0.1, 4: 0.05, 5: 0.5, 6: 0.05})
    assert [path.name for path in best_checkpoints(run)] == ["step-000004", "step-000006", "step-000002"]
    assert best_checkpoint(run) == run.checkpoint(4)


def test_a_run_without_evaluations_has_no_best_checkpoint(run):
    with pytest.raises(ConfigError, match="no checkpoint that was evaluated") as error:
        best_checkpoint(run)
    assert "-s eval.every_steps=50 -s checkpoints.keep_best=1" in error.value.hint


@pytest.mark.parametrize(
    ("bound", "earlier", "expected"),
    [
        (0.1, [None], True),  # the first after the start
        (0.1, [None, 0.05], True),
        (0.05, [None, 0.05], False),  # equal: the earlier stays the best
        (-0.2, [None, -0.1], False),
        (None, [], False),  # the start itself
        (-0.3, [], True),  # the start is missing
    ],
)
def test_best_so_far(bound, earlier, expected):
    assert is_best_so_far({"lower_bound": bound}, [{"lower_bound": one} for one in earlier]) is expected


def test_rewinding_drops_later_steps_and_a_line_cut_short(run):
    evaluated(run, {0: None, 2: 0.1, 4: 0.2, 6: 0.3})
    with run.evaluations.open("a") as file:
        file.write('{"step": 8, "lower_b')
    assert [one["step"] for one in read_evaluations(run)] == [0, 2, 4, 6]
    rewind_evaluations(run, step=4)
    assert [json.loads(line)["step"] for line in run.evaluations.read_text().splitlines()] == [0, 2, 4]
    add_evaluation(run, {"step": 6, "lower_bound": 0.4})
    assert read_evaluations(run)[-1] == {"step": 6, "lower_bound": 0.4}


def test_values_are_added_to_the_line_of_their_step_alone(run):
    for step in (1, 2):
        append_jsonl(run.metrics, {"step": step})
    add_to_metrics(run, step=2, values={"eval": {"score": 0.5}})
    add_to_metrics(run, step=3, values={"eval": {"score": 0.7}})
    assert list(read_jsonl(run.metrics)) == [{"step": 1}, {"step": 2, "eval": {"score": 0.5}}]


def test_best_checkpoints_stay_beside_the_newest(run):
    run.drop_old_checkpoints(1, step=8, kept=[run.checkpoint(4)])
    assert [path.name for path in run.complete_checkpoints()] == ["step-000004", "step-000008"]


@pytest.mark.parametrize(("name", "step"), [("best", 2), ("6", 6), ("step-000006", 6)])
def test_a_checkpoint_is_named_by_best_or_its_step(run, name, step):
    evaluated(run, {0: None, 2: 0.3, 6: 0.1})
    assert chosen_checkpoint(run.path, name) == run.checkpoint(step)


@pytest.mark.parametrize("name", ["7", "newest", "", "-2", "step-"])
def test_a_checkpoint_that_is_not_there_is_refused_with_those_that_are(run, name):
    with pytest.raises(ConfigError, match="its steps are 2, 4, 6, 8"):
        chosen_checkpoint(run.path, name)


def test_a_folder_that_is_no_run_has_no_checkpoint_by_name(run):
    with pytest.raises(ConfigError, match="is no run folder"):
        chosen_checkpoint(run.checkpoint(2), "best")


@pytest.mark.parametrize("broken", ["garbage", "[1]", '{"no": 1}', '{"step": "x"}', '{"step": 1, "sco'])
def test_rewinding_drops_a_broken_line_wherever_it_is(tmp_path, broken):
    run = RunFolder(tmp_path)
    run.evaluations.write_text('{"step": 0}\n' + broken + '\n{"step": 1}\n{"step": 2}\n')
    rewind_evaluations(run, step=1)
    assert run.evaluations.read_text() == '{"step": 0}\n{"step": 1}\n'
