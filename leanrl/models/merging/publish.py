"""A repository of the user's on the Hub, asked for before any work and filled at its end.

The login is the one of huggingface_hub (`hf auth login`, or HF_TOKEN); leanrl neither reads nor writes a token.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalTokenNotFoundError, RepositoryNotFoundError
from huggingface_hub.utils import httpx

from leanrl.errors import ConfigError, LeanRLError, MissingError
from leanrl.hints import quoted
from leanrl.models.merging.origin import ORIGIN_FILE, Origin, read_origin
from leanrl.storage.temporary.owned import owned_folder

_LOGIN = "`hf auth login` with a token that may write, then the same command again"

# What the Hub itself puts into a new repository.
_EMPTY = (".gitattributes", "README.md")


@dataclass(frozen=True)
class HubTarget:
    """A repository that the user may write to."""

    repo: str
    private: bool


def check_target(repo: str, *, private: bool, origin: Origin, replace: bool = False) -> HubTarget:
    """Return the repository as owner/name, after asking the Hub who the user is and what lies there.

    Args:
        origin: of the model to be pushed; a repository that holds one of another origin is not written over.
        replace: whether it is after all.

    Raises:
        MissingError: if nobody is logged in, the token cannot write there, or the Hub cannot be reached.
        ConfigError: if the name cannot be one, a private push would land in a public repository, or another model
            is there.
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
    full_name = repo if "/" in repo else f"{user['name']}/{repo}"
    _require_permission(user, full_name)
    found = _look_up(api, full_name)
    if found is not None and private and not found.private:
        raise ConfigError(
            f"--push {full_name}: that repository exists and everybody can read it.",
            hint="`--public` if that is meant; otherwise push to a new name",
        )
    if found is not None and not replace:
        _refuse_another_model(api, full_name, [file.rfilename for file in found.siblings or []], origin)
    return HubTarget(repo=full_name, private=private)


def push_folder(folder: Path, target: HubTarget) -> str:
    """Create the repository where it does not exist, upload the folder as one commit, and return its address.

    Nothing appears in the repository before all of it has arrived. Called again after a failure it sends only what
    the Hub does not have yet: files are known there by their hash.

    Raises:
        MissingError: if the Hub says that the user may not write there.
        LeanRLError: if the Hub does not take it; the folder stays as it is.
    """
    api = HfApi()
    kept = f"the merged model is in {folder}, but {target.repo} did not take it"
    again = f"the same command again goes on with the push; or `hf upload {target.repo} {folder}`"
    try:
        url = api.create_repo(target.repo, private=target.private, exist_ok=True)
        api.upload_folder(repo_id=target.repo, folder_path=folder, commit_message="Upload a model merged by leanrl")
    except HfHubHTTPError as error:
        if error.response.status_code not in (401, 403):
            raise LeanRLError(f"{kept}: {_first_line(error)}", hint=again) from error
        raise MissingError(f"{kept}: this login may not write there ({_first_line(error)}).", hint=_LOGIN) from error
    except (httpx.HTTPError, OSError) as error:
        raise LeanRLError(f"{kept}: {_first_line(error)}", hint=again) from error
    return str(url)


def _require_permission(user: Mapping[str, Any], repo: str) -> None:
    if user.get("auth", {}).get("accessToken", {}).get("role") == "read":
        raise MissingError(f"--push {repo}: the token of {user['name']} may only read.", hint=_LOGIN)
    owner = repo.split("/")[0]
    groups = [group["name"] for group in user.get("orgs", [])]
    if owner not in (user["name"], *groups):
        raise MissingError(
            f"--push {repo}: {user['name']} may not write there, being neither {owner} nor a member of it.",
            hint=f"--push {quoted(user['name'] + '/' + repo.split('/')[-1])}, or `hf auth login` as somebody who may",
        )


def _look_up(api: HfApi, repo: str) -> Any:
    """Return what the Hub knows of a repository, or None where there is none."""
    try:
        return api.repo_info(repo)
    except RepositoryNotFoundError:
        return None
    except HFValidationError as error:
        raise ConfigError(
            f"--push {repo} is no name of a repository: {_first_line(error)}", hint="--push OWNER/NAME"
        ) from error
    except (httpx.HTTPError, OSError) as error:
        raise MissingError(
            f"--push {repo}: the Hub does not say what is there: {_first_line(error)}",
            hint="leave --push out; `hf upload REPO DIR` pushes the merged model later",
        ) from error


def _refuse_another_model(api: HfApi, repo: str, files: list[str], origin: Origin) -> None:
    if all(name in _EMPTY for name in files):
        return
    there = _origin_there(api, repo) if ORIGIN_FILE in files else None
    if there is not None and there.is_same_model(origin):
        return
    what = f"{len(files)} files that leanrl did not merge"
    if there is not None:
        what = f"another model: {there.base}, trained by the run {there.run or 'unknown'}"
    raise ConfigError(
        f"--push {repo}: that repository holds {what}.", hint="`--yes` writes over it; otherwise push to a new name"
    )


def _origin_there(api: HfApi, repo: str) -> Origin | None:
    with owned_folder(Path(gettempdir()), prefix="leanrl-hub-") as folder:
        try:
            api.hf_hub_download(repo, ORIGIN_FILE, local_dir=folder.path)
        except (httpx.HTTPError, OSError):
            return None
        return read_origin(folder.path)


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
