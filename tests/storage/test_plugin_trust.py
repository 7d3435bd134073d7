"""Plug-ins that a run keeps run only where owner and hash are those of the start."""

import os

import pytest

from leanrl.errors import ConfigError
from leanrl.storage.fingerprints import facts_of_folder, note
from leanrl.storage.plugin_trust import require_all_there, require_trusted, said_of_plugins
from leanrl.storage.run_folder import RunFolder, write_json

ME = os.geteuid()


@pytest.fixture
def run(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    write_json(folder.config, {})
    (tmp_path / "own.py").write_text("pass\n")
    folder.keep_plugins([tmp_path / "own.py"])
    note(folder, facts_of_folder(folder))
    return folder


def test_plugins_of_ones_own_run_are_named_and_run(run):
    require_trusted(run, user=ME)
    assert said_of_plugins(run) == f"running the plug-ins that {run.path} keeps: 00-own.py"


def test_a_run_without_plugins_is_not_asked(tmp_path):
    require_trusted(RunFolder(tmp_path), user=ME + 1)
    assert said_of_plugins(RunFolder(tmp_path)) is None


def test_another_users_plugins_are_refused_with_the_flag(run):
    with pytest.raises(ConfigError, match=r"belongs to the user ") as caught:
        require_trusted(run, user=ME + 1)
    assert "00-own.py" in str(caught.value)
    assert f"leanrl train --resume {run.path} --trust-plugins" in caught.value.hint


def test_a_changed_and_an_added_plugin_are_refused_each_by_name(run):
    (run.path / "plugins" / "00-own.py").write_text("pass  # and more\n")
    (run.path / "plugins" / "01-more.py").write_text("pass\n")
    with pytest.raises(ConfigError) as caught:
        require_trusted(run, user=ME)
    changed, added = caught.value.problems
    assert changed.where.endswith("00-own.py")
    assert changed.what == "its content is not what it was when the run was last started"
    assert added.where.endswith("01-more.py")
    assert added.what == "it was not among the plug-ins when the run was last started"


def test_a_run_of_a_version_without_hashes_is_asked_for_its_owner_alone(run):
    run.fingerprints.unlink()
    require_trusted(run, user=ME)
    with pytest.raises(ConfigError, match="belongs to"):
        require_trusted(run, user=ME + 1)


def test_a_plugin_that_is_gone_is_named_even_where_no_key_names_it(run):
    require_all_there(run)
    (run.path / "plugins" / "00-own.py").unlink()
    with pytest.raises(ConfigError, match=r"has lost 00-own\.py") as caught:
        require_all_there(run)
    assert f"leanrl train --resume {run.path} --force" in caught.value.hint
    note(run, facts_of_folder(run))
    require_all_there(run)


@pytest.mark.parametrize("plugins", [None, [], "x", 3])
def test_fingerprints_without_hashes_lose_nothing(run, plugins):
    note(run, {"plugins": plugins})
    require_all_there(run)
    require_trusted(run, user=ME)
