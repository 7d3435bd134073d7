"""Folders of checkpoints that a user has copied or renamed: none is taken for what its name says."""

import shutil

import pytest

from leanrl.storage.checkpoint_files import COMPLETE, find_damage, said_of_strangers
from leanrl.storage.run_folder import RunFolder


@pytest.fixture
def run(tmp_path):
    """A run with complete checkpoints of steps 2, 4 and 6."""
    run = RunFolder(tmp_path / "run")
    for step in (2, 4, 6):
        publish(run, step)
    return run


def publish(run, step):
    written = run.partial_checkpoints / f"checkpoint-{step}"
    written.mkdir(parents=True)
    (written / "adapter_model.safetensors").write_text("weights")
    run.publish_checkpoint(written, step)


def names(run):
    return [path.name for path in run.complete_checkpoints()]


@pytest.mark.parametrize("mark", [None, "2\n"])
def test_a_checkpoint_that_was_renamed_is_named_as_what_it_is(run, mark):
    """It would go on after step 9 with the weights, the optimizer and the place in the prompts of step 2."""
    if mark is not None:
        (run.checkpoint(2) / COMPLETE).write_text(mark)
    shutil.copytree(run.checkpoint(2), run.checkpoint(9))
    shutil.copytree(run.checkpoint(2), run.path / "mine")
    assert find_damage(run.checkpoint(9), lambda name: False) == ["it was renamed: COMPLETE says that it holds step 2"]
    assert find_damage(run.checkpoint(2), lambda name: False) == []
    assert find_damage(run.path / "mine", lambda name: False) == []


def test_copies_of_a_checkpoint_under_other_names_are_left_alone(run):
    copies = [run.checkpoints / name for name in ("step-4", "step-0000004", "step-000004.bak", "step-\u0664")]
    for copy in copies:
        shutil.copytree(run.checkpoint(4), copy)
    assert names(run) == ["step-000002", "step-000004", "step-000006"]
    run.drop_old_checkpoints(1, step=6)
    assert names(run) == ["step-000006"]
    assert all(copy.is_dir() for copy in copies)


def _file(path):
    path.write_text("not a folder")


def _folder_with_a_folder_for_its_mark(path):
    (path / COMPLETE).mkdir(parents=True)


def _link_to_nothing(path):
    path.symlink_to(path.parent / "gone")


@pytest.mark.parametrize("make", [_file, _folder_with_a_folder_for_its_mark, _link_to_nothing])
def test_whatever_has_the_name_of_a_checkpoint_makes_room_for_it(run, make):
    make(run.checkpoint(8))
    assert names(run) == ["step-000002", "step-000004", "step-000006"]
    publish(run, 8)
    assert names(run)[-1] == "step-000008"


def test_what_a_user_has_put_in_the_place_of_a_checkpoint_is_moved_aside(run):
    """A folder of a user's own, and step 2 under another name, which is the only copy of it."""
    run.checkpoint(8).mkdir()
    (run.checkpoint(8) / "notes.txt").write_text("mine")
    run.checkpoint(2).rename(run.checkpoint(10))
    assert [line.split(" is ")[0] for line in said_of_strangers(run.checkpoints, step=6)] == [
        str(run.checkpoint(8)),
        str(run.checkpoint(10)),
    ]
    assert said_of_strangers(run.checkpoints, step=8)[0].endswith("step 10 is saved, it is moved to step-000010.aside")
    run.drop_old_checkpoints(2, step=12)
    assert names(run) == ["step-000004", "step-000006", "step-000010"]
    for step in (8, 10):
        publish(run, step)
    assert (run.checkpoints / "step-000008.aside" / "notes.txt").read_text() == "mine"
    assert find_damage(run.checkpoints / "step-000010.aside", lambda name: True) == []
    shutil.rmtree(run.checkpoint(8))
    run.checkpoint(8).write_text("mine")
    publish(run, 8)
    assert (run.checkpoints / "step-000008.aside-2").read_text() == "mine"
    assert said_of_strangers(run.checkpoints, step=0) == []


def test_a_damaged_checkpoint_is_leanrls_and_is_replaced(run):
    (run.checkpoint(6) / COMPLETE).write_text('{"step": ')
    assert said_of_strangers(run.checkpoints, step=4) == []
    publish(run, 6)
    assert sorted(path.name for path in run.checkpoints.glob("step-*")) == names(run)


def test_a_checkpoint_that_was_moved_and_linked_loses_its_link_alone(run, tmp_path):
    run.checkpoint(2).rename(tmp_path / "elsewhere")
    run.checkpoint(2).symlink_to(tmp_path / "elsewhere")
    assert names(run)[0] == "step-000002"
    run.drop_old_checkpoints(1, step=6)
    assert names(run) == ["step-000006"]
    assert (tmp_path / "elsewhere" / COMPLETE).is_file()
