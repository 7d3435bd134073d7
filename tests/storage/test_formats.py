"""Formats of run folders: a run that leanrl 0.1.0 made in format 1 is used as one of today, a newer one is refused.

`old_runs/README.md` says how the run of format 1 was made.
"""

import json
import shutil
from pathlib import Path

import pytest

from leanrl.config.load import load_config, load_run_config
from leanrl.config.names.renamed import RENAMED
from leanrl.config.older_formats import in_this_format
from leanrl.errors import ConfigError
from leanrl.storage.run_folder import create_run_folder, open_run_folder
from leanrl.storage.run_format import FORMAT, format_of
from tests.cli.run import leanrl

OLD = Path(__file__).parent / "old_runs" / "format-1"
STEP = "checkpoints/step-000002"


def _copied(folder):
    shutil.copytree(OLD, folder / "old-run", symlinks=True)
    return folder


def _make_base(folder):
    from tests.tiny_model import make_tiny_model

    make_tiny_model(folder / "tiny")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A working directory with a copy of the run and the base model that it was trained on."""
    folder = _copied(tmp_path_factory.mktemp("place"))
    _make_base(folder)
    return folder


def _newer(folder):
    run = _copied(folder) / "old-run"
    (run / "format.json").write_text(json.dumps({"format": FORMAT + 1, "leanrl": "9.8.7"}))
    return run


def test_a_new_run_says_its_format(tmp_path):
    create_run_folder(tmp_path / "run")
    assert format_of(tmp_path / "run") == FORMAT == 2


def test_a_run_that_says_no_format_has_the_first():
    assert not (OLD / "format.json").exists()
    assert format_of(OLD) == 1
    assert open_run_folder(OLD).config == OLD / "config.json"


def test_its_keys_are_read_as_the_maps_of_today():
    kept = json.loads((OLD / "config.json").read_text())["algorithm"]
    assert {f"algorithm.{name}" for name in kept} >= RENAMED.keys()
    algorithm = load_run_config(OLD / "config.json").algorithm
    assert algorithm.advantage == {"name": "group", "baseline": "mean", "scale": "group"}
    assert algorithm.correction == {"name": "none"}


def test_its_config_is_a_preset_too():
    """For `leanrl plan --from` and for the same run again."""
    assert load_config(OLD / "config.json").config == load_run_config(OLD / "config.json")


@pytest.mark.parametrize(
    ("name", "left"),
    [("none", {}), ("token_truncate", {"clip": 3.0}), ("sequence_mask", {"clip": 3.0, "mask_low": 0.9})],
)
def test_a_correction_keeps_the_options_that_it_takes(name, left):
    kept = {"importance_correction": name, "importance_clip": 3.0, "importance_mask_low": 0.9}
    current = in_this_format({"name": "run", "algorithm": kept}, number=1)
    assert current == {"name": "run", "algorithm": {"correction": {"name": name} | left}}
    assert in_this_format(current, number=1) == current


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_presets_and_settings_take_no_old_key(tmp_path, old, new):
    preset = tmp_path / "config.json"  # of a user, not of a run
    preset.write_text(json.dumps({"extends": "cpu-demo", "algorithm": {old.partition(".")[2]: "none"}}))
    for source, settings in ((preset, []), ("cpu-demo", [f"{old}=none"])):
        with pytest.raises(ConfigError) as caught:
            load_config(source, settings)
        assert [problem.hint for problem in caught.value.problems if problem.where == old] == [f"Did you mean `{new}`?"]


def test_an_old_run_reports(place):
    done = leanrl("report", "old-run", cwd=place)
    assert done.code == 0, done.err
    assert (place / "old-run" / "report" / "index.html").is_file()


def test_an_old_run_answers(place):
    done = leanrl("sample", "old-run", "7 + 8", cwd=place)
    assert done.code == 0, done.err


def test_an_old_run_merges(place):
    done = leanrl("merge", "old-run", "--out", "merged", cwd=place)
    assert done.code == 0, done.err
    assert (place / "merged" / "model.safetensors").is_file()


def test_an_old_run_goes_on(tmp_path):
    """From step 2 to step 3; what it has kept of its configuration stays as it is."""
    folder = _copied(tmp_path)
    _make_base(folder)
    done = leanrl("train", "--resume", "old-run", cwd=folder)
    assert done.code == 0, done.err
    assert "resuming old-run after step 2" in done.err
    assert (folder / "old-run" / "checkpoints" / "step-000003" / "COMPLETE").is_file()
    steps = [json.loads(line)["step"] for line in (folder / "old-run" / "metrics.jsonl").read_text().splitlines()]
    assert steps == [1, 2, 3]
    assert (folder / "old-run" / "config.json").read_text() == (OLD / "config.json").read_text()


@pytest.mark.parametrize(
    "arguments",
    [
        ["report", "old-run"],
        ["sample", "old-run", "7 + 8"],
        ["sample", f"old-run/{STEP}", "7 + 8"],
        ["merge", "old-run", "--out", "merged"],
        ["merge", f"old-run/{STEP}", "--out", "merged"],
        ["train", "--resume", "old-run"],
        ["train", "-p", "old-run/config.json"],
        ["train", "-p", "cpu-demo", "-s", "model.tuning.start_adapter=old-run"],
        ["train", "-p", "cpu-demo", "-s", f"model.tuning.start_adapter=old-run/{STEP}"],
        ["plan", "--from", "old-run"],
    ],
    ids=" ".join,
)
def test_a_newer_format_is_refused_by_name(tmp_path, arguments):
    run = _newer(tmp_path)
    before = sorted(path.name for path in run.rglob("*"))
    done = leanrl(*arguments, cwd=tmp_path)
    assert done.code == 2, done.err
    assert "is a run of format 3, and leanrl 0.1.0 reads formats up to 2." in done.err
    assert "leanrl 9.8.7 or later reads it" in done.err
    assert sorted(path.name for path in run.rglob("*")) == before
    assert not (tmp_path / "merged").exists()


def test_an_inspection_names_a_newer_format(tmp_path):
    _newer(tmp_path)
    done = leanrl("merge", "old-run", "--inspect", cwd=tmp_path)
    assert done.code == 2
    assert "is a run of format 3" in done.out + done.err


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"format": "2", "leanrl": "1"}', '{"format": true, "leanrl": "1"}']
)
def test_a_damaged_format_is_refused(tmp_path, text):
    run = create_run_folder(tmp_path / "run").path
    (run / "format.json").write_text(text)
    with pytest.raises(ConfigError, match=r"format\.json is damaged"):
        format_of(run)
