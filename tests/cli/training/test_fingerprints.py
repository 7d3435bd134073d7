"""A run that goes on knows what it was started with: what has changed is listed, or refused with the flag to go on."""

import json
import shutil

import pytest
import torch

from leanrl.storage.checkpoint_files import seal
from leanrl.storage.run_folder import RunFolder, read_json
from tests.cli.run import leanrl, tiny_overrides

PLUGIN = """
from leanrl.rewards.registry import reward

@reward("long_enough")
def long_enough(sample):
    return len(sample.text) > 3
"""


@pytest.fixture(scope="module")
def stopped(tiny_model, tmp_path_factory):
    """A run of one step on a file of problems with a reward of its own, whose config asks for a second step."""
    folder = tmp_path_factory.mktemp("fingerprints")
    rows = [{"problem": f"{number} + 1", "answer": str(number + 1)} for number in range(6)]
    (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "own.py").write_text(PLUGIN)
    settings = (
        *("data.generator=null", f"data.path={folder / 'data.jsonl'}", "data.num_heldout=0", "eval.greedy=false"),
        *("train.max_steps=1", "train.num_completions=2", "rewards={long_enough: 1.0}"),
    )
    flags = [*tiny_overrides(tiny_model, *settings), "--plugin", folder / "own.py", "--run-dir", folder / "run"]
    done = leanrl("train", "-p", "cpu-demo", *flags)
    assert done.code == 0, done.err
    run = RunFolder(folder / "run")
    config = read_json(run.config)
    config["train"]["max_steps"] = 2
    run.config.write_text(json.dumps(config))
    return run


@pytest.fixture
def killed(stopped):
    """The run as a kill within its second step leaves it: with more in its files than its checkpoint knows."""
    grown = (stopped.metrics, stopped.ledger, stopped.prompts)
    before = [path.read_bytes() for path in grown]
    (stopped.partial_checkpoints / "checkpoint-2").mkdir(parents=True)
    for path, more in zip(grown, (b'{"step": 2}\n', b"torn", b'{"id": "x", "pro'), strict=True):
        path.write_bytes(path.read_bytes() + more)
    yield stopped
    for path, data in zip(grown, before, strict=True):
        path.write_bytes(data)
    shutil.rmtree(stopped.partial_checkpoints, ignore_errors=True)


def test_what_changes_the_run_is_refused_at_once_and_forced_by_name(killed):
    """The data has one row more, the rewards another weight: nothing is touched before somebody forces it."""
    data, config = killed.path.parent / "data.jsonl", killed.config.read_bytes()
    rows = data.read_bytes()
    try:
        data.write_bytes(rows + b'{"problem": "9 + 9", "answer": "18"}\n')
        edited = json.loads(config)
        edited["rewards"]["long_enough"] = 0.5
        killed.config.write_text(json.dumps(edited))
        before = _contents(killed.path)
        refused = leanrl("train", "--resume", killed.path)
        assert refused.code == 2, refused.err
        assert "data: 7 rows to train on" in refused.err
        assert "the run was started with 6 rows to train on" in refused.err
        assert "rewards.long_enough: is 0.5, and was 1.0 when the run was last started" in refused.err
        assert f"leanrl train --resume {killed.path} --force" in refused.err
        assert _contents(killed.path) == before
    finally:
        data.write_bytes(rows)
        killed.config.write_bytes(config)


def test_a_forced_run_that_cannot_be_loaded_leaves_everything_as_it_was(killed):
    """An adapter of another rank is not that of the checkpoint: the next resume has to ask for --force again."""
    config = killed.config.read_bytes()
    try:
        edited = json.loads(config)
        edited["model"]["tuning"]["rank"] = 8
        killed.config.write_text(json.dumps(edited))
        before = _contents(killed.path)
        forced = leanrl("train", "--resume", killed.path, "--force")
        assert forced.code == 2, forced.err
        assert "since the last start of this run has changed: model.tuning.rank: is 8, and was 4" in forced.err
        assert "lora_A.weight" in forced.err
        assert _contents(killed.path) == before
        assert "model.tuning.rank: is 8" in leanrl("train", "--resume", killed.path).err
    finally:
        killed.config.write_bytes(config)


def _with_other_moments(checkpoint):
    """The last of all that a resume compares: the state of the optimizer, when the weights are loaded.

    torch turns moments into the dtype of their weights.
    """
    file = checkpoint / "optimizer.pt"
    saved = torch.load(file, weights_only=True)
    saved["state"][0]["exp_avg"] = saved["state"][0]["exp_avg"].double()
    torch.save(saved, file)
    seal(checkpoint, step=1)


def _with_a_cut_adapter(checkpoint):
    file = checkpoint / "adapter_model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])


def _without_its_data(checkpoint):
    (checkpoint.parents[2] / "data.jsonl").unlink()


@pytest.mark.parametrize(
    ("break_it", "code", "message"),
    [
        (_with_other_moments, 2, "0.exp_avg"),
        (_with_a_cut_adapter, 2, "no checkpoint that is whole"),
        (_without_its_data, 4, "data.jsonl"),
    ],
)
def test_a_refused_resume_writes_nothing(killed, tmp_path, break_it, code, message):
    (checkpoint,) = killed.complete_checkpoints()
    data = killed.path.parent / "data.jsonl"
    shutil.copytree(checkpoint, tmp_path / "checkpoint")
    shutil.copy(data, tmp_path)
    try:
        break_it(checkpoint)
        before = _contents(killed.path)
        refused = leanrl("train", "--resume", killed.path)
        assert (refused.code, message in refused.err) == (code, True), refused.err
        assert _contents(killed.path) == before
    finally:
        shutil.rmtree(checkpoint)
        shutil.copytree(tmp_path / "checkpoint", checkpoint)
        shutil.copy(tmp_path / "data.jsonl", data)


def _contents(folder):
    """Return every file, and folders, but what says who was here."""
    paths = [path for path in folder.rglob("*") if path.name not in (".lock", "log.txt")]
    return {path: path.read_bytes() if path.is_file() else None for path in paths}


def test_a_link_in_the_place_of_a_file_is_not_written_through(stopped):
    mine, metrics = stopped.path.parent / "mine.txt", stopped.metrics.read_bytes()
    mine.write_text("mine")
    try:
        stopped.metrics.unlink()
        stopped.metrics.symlink_to(mine)
        refused = leanrl("train", "--resume", stopped.path)
        assert refused.code == 2, refused.err
        assert f"{stopped.metrics}: leads to {mine}" in refused.err
        assert mine.read_text() == "mine"
    finally:
        stopped.metrics.unlink()
        stopped.metrics.write_bytes(metrics)


def test_a_changed_plugin_does_not_run_until_it_is_trusted(stopped):
    (copy,) = stopped.kept_plugins()
    text = copy.read_text()
    ran = stopped.path.parent / "ran"
    try:
        copy.write_text(f"open({str(ran)!r}, 'w').close()\n{text}")
        before = _contents(stopped.path)
        refused = leanrl("train", "--resume", stopped.path, "--force")
        assert refused.code == 2, refused.err
        assert "its content is not what it was" in refused.err
        assert "--trust-plugins" in refused.err
        assert not ran.exists()
        assert _contents(stopped.path) == before
    finally:
        copy.write_text(text)


def test_one_that_is_as_it_was_goes_on_and_its_starts_are_kept(stopped):
    """More steps change no number of the steps before: they are listed."""
    done = leanrl("train", "--resume", stopped.path)
    assert done.code == 0, done.err
    assert f"running the plug-ins that {stopped.path} keeps: 00-own.py" in done.err
    assert "train.max_steps is 2, and was 1 when the run was last started" in done.err
    first, second = read_json(stopped.env)["starts"]
    assert (first["after_step"], second["after_step"]) == (0, 1)
    assert second["versions"] == first["versions"]
    assert second["changes"] == ["train.max_steps is 2, and was 1 when the run was last started"]
    kept = read_json(stopped.fingerprints)
    assert kept["config"]["train"]["max_steps"] == 2
    assert kept["data"]["num_train_rows"] == 6
    again = leanrl("train", "--resume", stopped.path, "--trust-plugins", "--force")
    assert "is finished" in again.err


def test_trust_without_a_run_is_a_mistake():
    refused = leanrl("train", "--trust-plugins")
    assert refused.code == 2
    assert "leanrl train --resume RUN --trust-plugins" in refused.err
