"""A repository of the user's on the Hub, asked for before any work and filled at its end.

The login is the one of huggingface_hub (`hf auth login`, or HF_TOKEN); leanrl neither reads nor writes a token.
"""

from dataclasses import dataclass
from pathlib import Path

import httpx
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError, RepositoryNotFoundError

from leanrl.errors import ConfigError, LeanRLError, MissingError

_LOGIN = "`hf auth login` with a token that may write, then the same command again"


@dataclass(frozen=True)
class HubTarget:
    """A repository that the user may write to."""

    repo: str
    private: bool


def check_target(repo: str, *, private: bool) -> HubTarget:
    """Return the repository as owner/name, after asking the Hub who the user is and what lies there.

    Raises:
        MissingError: if nobody is logged in, the token cannot write, or the Hub cannot be reached.
        ConfigError: if the name cannot be one, or a private push would land in a public repository.
    """
    api = HfApi()
    try:
        user = api.whoami()
    except LocalTokenNotFoundError as error:
        raise MissingError(f"--push {repo} needs a login to the Hub, and there is none.", hint=_LOGIN) from error
    except HfHubHTTPError as error:
        raise MissingError(f"--push {repo}: the Hub refuses the login: {_first_line(error)}", hint=_LOGIN) from error
    except (httpx.HTTPError, OSError) as error:
        raise MissingError(
            f"--push {repo}: the Hub cannot be reached: {_first_line(error)}",
            hint="leave --push out; `hf upload REPO DIR` pushes the merged model later",
        ) from error
    if user.get("auth", {}).get("accessToken", {}).get("role") == "read":
        raise MissingError(f"--push {repo}: the token of {user['name']} may only read.", hint=_LOGIN)
    full_name = repo if "/" in repo else f"{user['name']}/{repo}"
    if private:
        _refuse_public(api, full_name)
    return HubTarget(repo=full_name, private=private)


def push_folder(folder: Path, target: HubTarget) -> str:
    """Create the repository where it does not exist, upload the folder as one commit, and return its address.

    Raises:
        LeanRLError: if the Hub does not take it; the folder stays as it is.
    """
    api = HfApi()
    try:
        url = api.create_repo(target.repo, private=target.private, exist_ok=True)
        api.upload_folder(repo_id=target.repo, folder_path=folder, commit_message="Upload a model merged by leanrl")
    except (httpx.HTTPError, OSError) as error:
        raise LeanRLError(
            f"the merged model is in {folder}, but {target.repo} did not take it: {_first_line(error)}",
            hint=f"hf upload {target.repo} {folder}",
        ) from error
    return str(url)


def _refuse_public(api: HfApi, repo: str) -> None:
    try:
        found = api.repo_info(repo)
    except RepositoryNotFoundError:
        return
    except HFValidationError as error:
        raise ConfigError(
            f"--push {repo} is no name of a repository: {_first_line(error)}", hint="--push OWNER/NAME"
        ) from error
    if not found.private:
        raise ConfigError(
            f"--push {repo}: that repository exists and everybody can read it.",
            hint="`--public` if that is meant; otherwise push to a new name",
        )


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
