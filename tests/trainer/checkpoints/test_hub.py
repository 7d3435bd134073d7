"""Checkpoints on their way to the Hub; the Hub itself is the fault that is played here."""

import json
import threading
from fnmatch import fnmatch
from types import SimpleNamespace

import httpx
import pytest
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled
from huggingface_hub.utils import are_progress_bars_disabled

from leanrl.errors import ConfigError, MissingError
from leanrl.storage.run_folder import RunFolder
from leanrl.trainer.checkpoints.hub import CheckpointUploads
from tests.trainer.small_trainer import Notes, small_config, small_trainer


class FakeHub:
    """Stands for huggingface_hub.HfApi: keeps commits, or raises what it is told to."""

    def __init__(self, *, is_private=True):
        self.is_private = is_private
        self.created, self.commits = [], []
        self.create_error = self.upload_error = None

    def create_repo(self, name, *, private, exist_ok):
        if self.create_error is not None:
            raise self.create_error
        assert exist_ok
        self.created.append((name, private))
        return SimpleNamespace(repo_id=name if "/" in name else f"me/{name}")

    def repo_info(self, repo):
        return SimpleNamespace(private=self.is_private)

    def upload_folder(self, *, repo_id, folder_path, allow_patterns, commit_message):
        if self.upload_error is not None:
            raise self.upload_error
        names = sorted(path.name for path in folder_path.rglob("*") if path.is_file())
        sent = [name for name in names if any(fnmatch(name, pattern) for pattern in allow_patterns)]
        self.commits.append((repo_id, commit_message, sent))
        return SimpleNamespace(commit_url=f"https://hub/{repo_id}/{len(self.commits)}")


def refusal(status):
    request = httpx.Request("POST", "https://hub/api/repos/create")
    return HfHubHTTPError(f"{status} from the Hub\nmore", response=httpx.Response(status, request=request))


@pytest.fixture
def hub():
    return FakeHub()


@pytest.fixture
def notes():
    return Notes()


def uploads_to(hub, notes, *, name="me/sums", private=True):
    return CheckpointUploads(name, private=private, base="someone/model", listener=notes, api=hub)


def a_checkpoint(folder, step):
    path = folder / f"step-{step:06d}"
    path.mkdir()
    (path / "adapter_model.safetensors").write_text("weights")
    return path


def test_each_save_of_a_run_is_one_commit_without_what_only_resuming_needs(tiny_model, tmp_path, monkeypatch, hub):
    """What must not travel is listed by hand; the checkpoint on disk must hold it, or the test says nothing."""
    monkeypatch.setattr("leanrl.trainer.build.HfApi", lambda: hub)
    config = small_config(tiny_model, hub={"push_to": "me/sums"})
    trainer, *_ = small_trainer(config, tmp_path / "run", listener=Notes())
    trainer.train()
    trainer.publishing.uploads.wait()
    assert hub.created == [("me/sums", True)]
    assert [(repo, message) for repo, message, _ in hub.commits] == [
        ("me/sums", "Checkpoint of step 1"),
        ("me/sums", "Checkpoint of step 2"),
    ]
    for _, _, sent in hub.commits:
        assert sent == [
            "COMPLETE",
            "adapter_config.json",
            "adapter_model.safetensors",
            "chat_template.jinja",
            "tokenizer.json",
            "tokenizer_config.json",
            "trainer_state.json",
        ]
    on_disk = {path.name for path in RunFolder(tmp_path / "run").complete_checkpoints()[-1].iterdir()}
    assert {"optimizer.pt", "scheduler.pt", "rng_state.pth", "training_args.bin", "COMPLETE"} <= on_disk


def test_a_run_goes_on_when_every_upload_fails(tiny_model, tmp_path, monkeypatch, hub):
    hub.upload_error = RuntimeError("the connection broke\nwith details")
    monkeypatch.setattr("leanrl.trainer.build.HfApi", lambda: hub)
    notes = Notes()
    trainer, *_ = small_trainer(small_config(tiny_model, hub={"push_to": "me/sums"}), tmp_path / "run", listener=notes)
    trainer.train()
    trainer.publishing.uploads.wait()
    assert trainer.state.global_step == 2
    assert len(RunFolder(tmp_path / "run").complete_checkpoints()) == 2
    assert notes.warned[-1] == (
        "step-000002 is not on the Hub: the connection broke "
        f"(`hf upload me/sums {tmp_path / 'run' / 'checkpoints' / 'step-000002'}` sends it later)"
    )


def test_an_adapter_names_its_base_by_id_and_no_folder_of_this_machine(tiny_model, tmp_path, monkeypatch, hub):
    monkeypatch.setattr("leanrl.trainer.build.HfApi", lambda: hub)
    config = small_config("someone/model", hub={"push_to": "me/sums"}, train={"max_steps": 1})
    trainer, *_ = small_trainer(config, tmp_path / "run", listener=Notes(), weights=tiny_model)
    trainer.train()
    saved = json.loads((tmp_path / "run" / "checkpoints" / "step-000001" / "adapter_config.json").read_text())
    assert saved["base_model_name_or_path"] == "someone/model"
    assert saved["r"] == 4


def test_without_push_to_nothing_is_asked_of_the_hub(tiny_model, tmp_path, monkeypatch):
    monkeypatch.setattr("leanrl.trainer.build.HfApi", lambda: pytest.fail("the Hub was asked"))
    trainer, *_ = small_trainer(small_config(tiny_model), tmp_path / "run", listener=Notes())
    assert trainer.publishing.uploads is None


def test_a_name_without_an_owner_is_completed_by_the_hub(tmp_path, hub, notes):
    uploads = uploads_to(hub, notes, name="sums", private=False)
    uploads.open()
    assert are_progress_bars_disabled()
    uploads.push(a_checkpoint(tmp_path, 7), step=7)
    uploads.wait()
    assert hub.created == [("sums", False)]
    assert hub.commits == [("me/sums", "Checkpoint of step 7", ["adapter_model.safetensors"])]
    assert notes.said == ["uploading step-000007 to sums", "step-000007 is on the Hub: https://hub/me/sums/1"]


def test_private_checkpoints_never_go_into_a_public_repository(hub, notes):
    hub.is_private = False
    with pytest.raises(ConfigError, match="everybody can read") as caught:
        uploads_to(hub, notes).open()
    assert "hub.private=false" in caught.value.hint
    uploads_to(hub, notes, private=False).open()


def test_a_login_that_may_not_write_is_refused_before_training(hub, notes):
    hub.create_error = refusal(403)
    with pytest.raises(MissingError, match="the Hub refuses it: 403 from the Hub") as caught:
        uploads_to(hub, notes).open()
    assert "hf auth login" in caught.value.hint


def test_a_name_that_cannot_be_one_is_refused_before_training(hub, notes):
    hub.create_error = HFValidationError("Repo id must use alphanumeric chars")
    with pytest.raises(ConfigError, match="no name of a repository"):
        uploads_to(hub, notes, name="a b").open()


@pytest.mark.parametrize("error", [refusal(503), OfflineModeIsEnabled("offline"), httpx.ConnectError("no route")])
def test_a_hub_that_does_not_answer_at_the_start_is_tried_again_at_each_save(tmp_path, hub, notes, error):
    hub.create_error = error
    uploads = uploads_to(hub, notes)
    uploads.open()
    assert "each save tries again" in notes.warned[0]
    uploads.push(a_checkpoint(tmp_path, 1), step=1)
    uploads.wait()
    assert notes.warned[1].startswith("step-000001 is not on the Hub")

    hub.create_error = None
    uploads.push(a_checkpoint(tmp_path, 2), step=2)
    uploads.wait()
    assert [message for _, message, _ in hub.commits] == ["Checkpoint of step 2"]


def test_training_goes_on_during_an_upload_and_waits_before_the_next(tmp_path, hub, notes):
    """push returns while the first upload is held up, and the second starts after the first has ended."""
    gate = threading.Event()
    upload_folder = hub.upload_folder

    def held_up(**arguments):
        assert gate.wait(timeout=30)
        return upload_folder(**arguments)

    hub.upload_folder = held_up
    uploads = uploads_to(hub, notes)
    uploads.open()
    uploads.push(a_checkpoint(tmp_path, 1), step=1)
    assert hub.commits == []
    gate.set()
    uploads.push(a_checkpoint(tmp_path, 2), step=2)
    assert len(hub.commits) >= 1
    uploads.wait()
    assert [message for _, message, _ in hub.commits] == ["Checkpoint of step 1", "Checkpoint of step 2"]


def test_an_upload_that_does_not_end_holds_neither_a_save_nor_the_end(tmp_path, hub, notes, monkeypatch):
    """Its deadline is a moment here."""
    monkeypatch.setattr("leanrl.trainer.checkpoints.hub._LONGEST_SECONDS", 0.01)
    gate = threading.Event()
    monkeypatch.setattr(hub, "upload_folder", lambda **_: gate.wait(30))
    uploads = uploads_to(hub, notes)
    uploads.open()
    uploads.push(a_checkpoint(tmp_path, 1), step=1)
    second = a_checkpoint(tmp_path, 2)
    uploads.push(second, step=2)
    assert notes.warned[0].startswith("the upload of step-000001 still runs after")
    assert notes.warned[1] == f"step-000002 is not sent to the Hub (`hf upload me/sums {second}` sends it later)"
    uploads.close()
    assert any(text.startswith("waiting for the upload of step-000001") for text in notes.said)
    gate.set()
