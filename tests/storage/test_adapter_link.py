"""RUN/adapter leads to the newest checkpoint, whatever was there before and whatever the file system can do."""

import os
from pathlib import Path

import pytest

from leanrl.storage.adapter_link import link_newest_adapter
from leanrl.storage.checkpoint_files import COMPLETE, seal


def checkpoint(run, step, *, name="adapter_config.json"):
    folder = run / "checkpoints" / f"step-{step:06d}"
    folder.mkdir(parents=True)
    for file in (name, "adapter_model.safetensors", "optimizer.pt"):
        (folder / file).write_text(f"{file} of step {step}")
    seal(folder, step=step)
    return folder


def text_of(run):
    return (run / "adapter" / "adapter_model.safetensors").read_text()


def no_links(*_, **__):
    raise OSError(1, "Operation not permitted")


def test_the_link_follows_and_a_moved_run_keeps_it(tmp_path):
    run = tmp_path / "run"
    for step in (1, 2):
        link_newest_adapter(run / "adapter", checkpoint(run, step))
    assert text_of(run).endswith("step 2")
    assert sorted(path.name for path in run.iterdir()) == ["adapter", "checkpoints"]
    run.rename(tmp_path / "moved")
    assert text_of(tmp_path / "moved").endswith("step 2")


def test_at_no_moment_is_there_no_adapter(tmp_path, monkeypatch):
    """The new link is put over the old one by one rename."""
    link_newest_adapter(tmp_path / "adapter", checkpoint(tmp_path, 1))
    replace = os.replace

    def watched(source, target):
        assert text_of(tmp_path).endswith("step 1")
        replace(source, target)
        assert text_of(tmp_path).endswith("step 2")

    monkeypatch.setattr(os, "replace", watched)
    link_newest_adapter(tmp_path / "adapter", checkpoint(tmp_path, 2))


def test_without_links_it_is_a_copy_of_what_loading_needs(tmp_path, monkeypatch):
    monkeypatch.setattr(Path, "symlink_to", no_links)
    for step in (1, 2):
        link_newest_adapter(tmp_path / "adapter", checkpoint(tmp_path, step))
        assert text_of(tmp_path).endswith(f"step {step}")
    copied = sorted(path.name for path in (tmp_path / "adapter").iterdir())
    assert copied == [COMPLETE, "adapter_config.json", "adapter_model.safetensors"]


@pytest.mark.parametrize("is_folder", [True, False])
def test_what_a_user_has_put_there_stays(tmp_path, is_folder):
    mine = tmp_path / "adapter"
    if is_folder:
        mine.mkdir()
        (mine / "notes.txt").write_text("mine")
    else:
        mine.write_text("mine")
    link_newest_adapter(mine, checkpoint(tmp_path, 1))
    assert (mine / "notes.txt" if is_folder else mine).read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["adapter", "checkpoints"]


def test_a_whole_model_gets_no_link(tmp_path):
    link_newest_adapter(tmp_path / "adapter", checkpoint(tmp_path, 1, name="config.json"))
    assert not (tmp_path / "adapter").is_symlink()
