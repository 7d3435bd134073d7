"""The Hub repository that receives a run's checkpoints.

The login is the one of huggingface_hub (`hf auth login`, or HF_TOKEN); leanrl neither reads nor writes a token.
"""

from functools import partial
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, HFValidationError
from huggingface_hub.utils import disable_progress_bars, httpx

from leanrl.errors import ConfigError, LeanRLError, MissingError
from leanrl.storage.checkpoint_files import COMPLETE
from leanrl.storage.run_folder import read_json, write_json
from leanrl.trainer.checkpoints.background import Background
from leanrl.types import Listener

# Weights, tokenizer, chat template and trainer state, and COMPLETE, by which a copy can be checked. What only a resumed
# run needs (optimizer, schedule, random states, pickled arguments) stays on this machine.
UPLOADED = (COMPLETE, "*.safetensors", "*.json", "*.jinja", "*.txt", "*.model")
# An adapter takes seconds, and 7 GB this long at 8 MB/s. It is less than a checkpoint may take on its way to the disk,
# which may wait for this.
_LONGEST_SECONDS = 900.0


class CheckpointUploads:
    """Uploads checkpoints beside the training, one commit each; a failure is a warning and nothing more.

    `close` waits for the last one, so that it arrives too.
    """

    def __init__(self, name: str, *, private: bool, base: str, listener: Listener, api: HfApi) -> None:
        self._name = name
        self._private = private
        self._base = base
        self._listener = listener
        self._api = api
        self._repo: str | None = None
        self._background = Background("hub")
        self._uploading = ""

    def open(self) -> None:
        """Create the repository where there is none; a Hub that cannot be reached now is tried again at each save.

        Raises:
            MissingError: if the login may not write there.
            ConfigError: if the name cannot be one, or private checkpoints would land where everybody reads them.
        """
        disable_progress_bars()  # every download is done, and an upload's bar would cut through the step lines
        try:
            self._repo = self._create()
        except HFValidationError as error:
            raise ConfigError(
                f"hub.push_to is {self._name}, which is no name of a repository: {_first_line(error)}",
                hint="-s hub.push_to=OWNER/NAME",
            ) from error
        except HfHubHTTPError as error:
            if error.response.status_code not in (401, 403):
                self._warn_of_start(error)
                return
            raise MissingError(
                f"hub.push_to is {self._name}, and the Hub refuses it: {_first_line(error)}",
                hint="`hf auth login` with a token that may write there, or -s hub.push_to=null",
            ) from error
        except (httpx.HTTPError, OSError) as error:
            self._warn_of_start(error)

    def name_base(self, checkpoint: Path) -> None:
        """Let an adapter name its base by id: PEFT writes the folder it read, which may be in this user's cache."""
        file = checkpoint / "adapter_config.json"
        if file.is_file():
            write_json(file, {**read_json(file), "base_model_name_or_path": self._base})

    def push(self, checkpoint: Path, *, step: int) -> None:
        """Upload a complete checkpoint; returns at once unless the upload before it still runs.

        One that would have to wait for longer than that may take is left out, with a warning.
        """
        if not self.wait():
            self._listener.warn(f"{checkpoint.name} is not sent to the Hub ({self._by_hand(checkpoint)})")
            return
        self._uploading = checkpoint.name
        self._background.begin(partial(self._upload, checkpoint, step))

    def wait(self) -> bool:
        """Return whether nothing is being uploaded any more; warn where an upload does not end."""
        has_ended = self._background.wait(_LONGEST_SECONDS)
        if not has_ended:
            self._listener.warn(
                f"the upload of {self._uploading} still runs after {_LONGEST_SECONDS / 60:.0f} minutes."
            )
        return has_ended

    def close(self) -> None:
        """Wait for the upload that runs, and say so; one that does not end is given up with a warning."""
        if not self._background.wait(0.0):
            self._listener.say(f"waiting for the upload of {self._uploading}, {_LONGEST_SECONDS / 60:.0f} min at most")
            self.wait()

    def _upload(self, checkpoint: Path, step: int) -> None:
        self._listener.say(f"uploading {checkpoint.name} to {self._name}")
        try:
            self._repo = self._repo or self._create()
            commit = self._api.upload_folder(
                repo_id=self._repo,
                folder_path=checkpoint,
                allow_patterns=list(UPLOADED),
                commit_message=f"Checkpoint of step {step}",
            )
        # By no name: the clients below raise what they like (hf_xet RuntimeErrors out of Rust), and no error of
        # theirs is worth the training.
        except Exception as error:
            hint = error.hint if isinstance(error, LeanRLError) else self._by_hand(checkpoint)
            self._listener.warn(f"{checkpoint.name} is not on the Hub: {_first_line(error)} ({hint})")
        else:
            self._listener.say(f"{checkpoint.name} is on the Hub: {commit.commit_url}")

    def _by_hand(self, checkpoint: Path) -> str:
        return f"`hf upload {self._repo or self._name} {checkpoint}` sends it later"

    def _create(self) -> str:
        repo = self._api.create_repo(self._name, private=self._private, exist_ok=True).repo_id
        if self._private and not self._api.repo_info(repo).private:
            raise ConfigError(
                f"hub.push_to is {repo}, which exists and which everybody can read.",
                hint="-s hub.private=false if that is meant; otherwise a new name",
            )
        return str(repo)

    def _warn_of_start(self, error: Exception) -> None:
        self._listener.warn(f"hub.push_to: the Hub does not answer, each save tries again: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    text = error.message if isinstance(error, LeanRLError) else str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
