"""A run that goes on: what the hints of its errors mean, as --resume takes no flags."""

import pytest

from leanrl.config.load import load_config
from leanrl.errors import ConfigError
from leanrl.pipeline import resume
from leanrl.storage.run_folder import create_run_folder, write_json


def test_a_flag_in_a_hint_means_a_key_of_the_runs_configuration(tmp_path):
    run = create_run_folder(tmp_path / "run")
    values = load_config("cpu-demo").config.model_dump(mode="json")
    values["checkpoints"]["keep_best"] = 2
    values["eval"]["every_steps"] = None
    write_json(run.config, values)
    with pytest.raises(ConfigError, match=r"checkpoints\.keep_best") as caught:
        resume(run.path)
    assert "-s eval.every_steps=50" in caught.value.message
    assert caught.value.hint == f"with --resume, a flag of `-s` means that key in {run.config}"


def test_a_hint_without_a_flag_stays_as_it_is(tmp_path):
    with pytest.raises(ConfigError) as caught:
        resume(tmp_path)
    assert "--resume" not in caught.value.hint
