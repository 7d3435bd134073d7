"""The address of an endpoint, the key that it may be sent, and how long it may be silent."""

import math
from collections.abc import Mapping
from urllib.parse import urlsplit

from leanrl.errors import ConfigError, Problem
from leanrl.hints import setting

KEY_VARIABLE = "LEANRL_ENDPOINT_KEY"
SILENCE_VARIABLE = "LEANRL_ENDPOINT_MINUTES"
# A server that loads its model at the first request, or starts for it, takes minutes.
_SILENT_MINUTES = 10.0
# The usual variable holds a key of this host; no other host is sent it.
_OPENAI_HOST, _OPENAI_VARIABLE = "api.openai.com", "OPENAI_API_KEY"


def require_address(url: str) -> None:
    """Check an address before anything is asked or written.

    Raises:
        ConfigError: if it is none of http, or holds a password or a query.
    """
    problem = address_problem(url, "--endpoint")
    if problem is not None:
        raise ConfigError(f"{problem.where} {problem.what}.", hint=problem.hint)


def address_problem(url: str, place: str) -> Problem | None:
    """Return what is wrong with an address, which files of an evaluation and of a dataset keep; None where nothing is.

    Args:
        place: the option or key that holds it.
    """
    parts = urlsplit(url)
    key = f"a key by the variable {KEY_VARIABLE}"
    if parts.username or parts.password:
        return Problem(place, "holds a name or a password, which would be written into files", f"give {key}")
    if parts.query or parts.fragment:
        what = "goes on behind a ? or #, which would be written into files and not be sent"
        return Problem(place, what, f"the address up to /v1 alone; {key}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        example = "http://127.0.0.1:8000/v1"
        way = f"{place} {example}" if place.startswith("--") else setting(place, example)
        return Problem(place, f"is {url}, which is no address of a server", way)
    return None


def key_for(url: str, environment: Mapping[str, str]) -> str | None:
    """Return the key that a server is sent: the one meant for endpoints, or OpenAI's for OpenAI alone.

    White space around it, as the end of a file's line leaves it, is no part of it.

    Raises:
        ConfigError: if it holds what no header can, without the key itself.
    """
    usual = _OPENAI_VARIABLE if urlsplit(url).hostname == _OPENAI_HOST else None
    for variable in (KEY_VARIABLE, usual):
        key = environment.get(variable, "").strip() if variable else ""
        if key and not (key.isascii() and key.isprintable()):
            raise ConfigError(
                f"the key in {variable} holds a line break, or a character that is not ASCII.",
                hint=f"export {variable}=... with the key alone",
            )
        if key:
            return key
    return None


def silent_seconds(environment: Mapping[str, str]) -> float:
    """Return how long a server may send nothing before it is given up.

    Raises:
        ConfigError: if the variable holds no positive number of minutes.
    """
    text = environment.get(SILENCE_VARIABLE, "").strip()
    try:
        minutes = float(text) if text else _SILENT_MINUTES
    except ValueError:
        minutes = math.nan
    if not 0 < minutes < math.inf:
        raise ConfigError(
            f"{SILENCE_VARIABLE} is {text}, which is no number of minutes.", hint=f"export {SILENCE_VARIABLE}=60"
        )
    return 60 * minutes
