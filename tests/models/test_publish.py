"""A push is checked before any work, and what arrives is what lay in the folder."""

from pathlib import Path

import huggingface_hub.constants
import pytest

from leanrl.errors import ConfigError, LeanRLError, MissingError
from leanrl.models.publish import HubTarget, check_target, push_folder
from tests.models.small_hub import HubState


@pytest.fixture
def nobody(hub: HubState, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> HubState:
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.delenv("HUGGING_FACE_HUB_TOKEN", raising=False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    return hub


def test_without_a_login_the_error_says_how_to_log_in_and_nothing_is_sent(nobody: HubState) -> None:
    with pytest.raises(MissingError) as caught:
        check_target("ada/tiny", private=True)
    assert "needs a login" in caught.value.message
    assert "hf auth login" in (caught.value.hint or "")
    assert nobody.num_calls == 0


def test_a_token_that_may_only_read_is_refused(hub: HubState) -> None:
    hub.role = "read"
    with pytest.raises(MissingError, match="may only read"):
        check_target("ada/tiny", private=True)


def test_an_unreachable_hub_is_named(hub: HubState, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(MissingError, match="cannot be reached") as caught:
        check_target("ada/tiny", private=True)
    assert "hf upload" in (caught.value.hint or "")


def test_a_bare_name_belongs_to_the_user(hub: HubState) -> None:
    assert check_target("tiny", private=True) == HubTarget(repo="ada/tiny", private=True)


def test_a_name_that_cannot_be_one_is_refused(hub: HubState) -> None:
    with pytest.raises(ConfigError, match="is no name of a repository"):
        check_target("a/b/c", private=True)


def test_a_private_push_never_lands_in_a_public_repository(hub: HubState) -> None:
    hub.repos["ada/tiny"] = False
    with pytest.raises(ConfigError, match="everybody can read it") as caught:
        check_target("ada/tiny", private=True)
    assert "--public" in (caught.value.hint or "")
    assert check_target("ada/tiny", private=False).private is False


def test_a_push_creates_a_private_repository_with_every_file(hub: HubState, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("---\ntags:\n- grpo\n---\nA card.\n")
    (tmp_path / "model.safetensors").write_bytes(b"weights")
    address = push_folder(tmp_path, check_target("ada/tiny", private=True))
    assert hub.repos == {"ada/tiny": True}
    assert hub.files["model.safetensors"] == b"weights"
    assert hub.files["README.md"].endswith(b"A card.\n")
    assert address.endswith("/ada/tiny")
    assert not any(b"hf_of_a_test" in content for content in hub.files.values())


def test_a_push_that_fails_says_where_the_model_is(
    hub: HubState, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = check_target("ada/tiny", private=True)
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(LeanRLError) as caught:
        push_folder(tmp_path, target)
    assert str(tmp_path) in caught.value.message
    assert caught.value.hint == f"hf upload ada/tiny {tmp_path}"
