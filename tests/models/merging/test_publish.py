"""A push is checked before any work, and what arrives is what lay in the folder."""

from dataclasses import replace
from pathlib import Path

import huggingface_hub.constants
import pytest

from leanrl.errors import ConfigError, LeanRLError, MissingError
from leanrl.models.merging.origin import Origin, write_origin
from leanrl.models.merging.publish import HubTarget, check_target, push_folder
from tests.models.small_hub import HubState

ORIGIN = Origin("run", "step-000007", "lora", "ada/base", "original", "bfloat16", None, "abc")


@pytest.fixture
def nobody(hub: HubState, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> HubState:
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.delenv("HUGGING_FACE_HUB_TOKEN", raising=False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    return hub


def test_without_a_login_the_error_says_how_to_log_in_and_nothing_is_sent(nobody: HubState) -> None:
    with pytest.raises(MissingError) as caught:
        check_target("ada/tiny", private=True, origin=ORIGIN)
    assert "needs a login" in caught.value.message
    assert "hf auth login" in (caught.value.hint or "")
    assert nobody.num_calls == 0


def test_a_token_that_may_only_read_is_refused(hub: HubState) -> None:
    hub.role = "read"
    with pytest.raises(MissingError, match="may only read"):
        check_target("ada/tiny", private=True, origin=ORIGIN)


def test_an_unreachable_hub_is_named(hub: HubState, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(MissingError, match="cannot be reached") as caught:
        check_target("ada/tiny", private=True, origin=ORIGIN)
    assert "hf upload" in (caught.value.hint or "")


def test_a_bare_name_belongs_to_the_user(hub: HubState) -> None:
    assert check_target("tiny", private=True, origin=ORIGIN) == HubTarget(repo="ada/tiny", private=True)


def test_a_name_that_cannot_be_one_is_refused(hub: HubState) -> None:
    with pytest.raises(ConfigError, match="is no name of a repository"):
        check_target("ada/b/c", private=True, origin=ORIGIN)


def test_a_private_push_never_lands_in_a_public_repository(hub: HubState) -> None:
    hub.repos["ada/tiny"] = False
    with pytest.raises(ConfigError, match="everybody can read it") as caught:
        check_target("ada/tiny", private=True, origin=ORIGIN)
    assert "--public" in (caught.value.hint or "")
    assert check_target("ada/tiny", private=False, origin=ORIGIN).private is False


def test_a_push_creates_a_private_repository_with_every_file(hub: HubState, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("---\ntags:\n- grpo\n---\nA card.\n")
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    address = push_folder(tmp_path, check_target("ada/tiny", private=True, origin=ORIGIN))
    assert hub.repos == {"ada/tiny": True}
    assert hub.files["model.safetensors"] == b"weights"
    assert hub.files["README.md"].endswith(b"A card.\n")
    assert address.endswith("/ada/tiny")
    assert not any(b"hf_of_a_test" in content for content in hub.files.values())


def test_a_push_that_fails_says_where_the_model_is(
    hub: HubState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = check_target("ada/tiny", private=True, origin=ORIGIN)
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(LeanRLError) as caught:
        push_folder(tmp_path, target)
    assert str(tmp_path) in caught.value.message
    assert f"`hf upload ada/tiny {tmp_path}`" in (caught.value.hint or "")


def test_somebody_elses_repository_is_refused_before_any_work(hub: HubState) -> None:
    with pytest.raises(MissingError, match="ada may not write there, being neither bob nor a member of it") as caught:
        check_target("bob/tiny", private=True, origin=ORIGIN)
    assert "--push ada/tiny" in (caught.value.hint or "")
    hub.groups = ["bob"]
    assert check_target("bob/tiny", private=True, origin=ORIGIN).repo == "bob/tiny"


def test_a_repository_that_the_hub_keeps_shut_is_told_of(hub: HubState, tmp_path: Path) -> None:
    target = check_target("ada/tiny", private=True, origin=ORIGIN)
    hub.forbidden = True
    with pytest.raises(MissingError, match="may not write there") as caught:
        push_folder(tmp_path, target)
    assert str(tmp_path) in caught.value.message


def test_another_models_repository_is_not_written_over_without_being_asked(hub: HubState, tmp_path: Path) -> None:
    """The same run's later checkpoint is the same model; another run's, or files of unknown origin, are not."""
    write_origin(ORIGIN, tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    push_folder(tmp_path, check_target("ada/tiny", private=True, origin=ORIGIN))
    check_target("ada/tiny", private=True, origin=replace(ORIGIN, checkpoint="step-000009", trained_sha256="def"))
    other = replace(ORIGIN, run="another-run", trained_sha256="def")
    with pytest.raises(ConfigError, match="holds another model: ada/base, trained by the run run") as caught:
        check_target("ada/tiny", private=True, origin=other)
    assert "--yes" in (caught.value.hint or "")
    assert check_target("ada/tiny", private=True, origin=other, replace=True).repo == "ada/tiny"
    del hub.files["merge.json"]
    with pytest.raises(ConfigError, match="holds 1 files that leanrl did not merge"):
        check_target("ada/tiny", private=True, origin=ORIGIN)
