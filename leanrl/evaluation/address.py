"""The address of an endpoint, and the key that it may be sent."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from leanrl.errors import ConfigError

KEY_VARIABLE = "LEANRL_ENDPOINT_KEY"
# The usual variable holds a key of this host; no other host is sent it.
_OPENAI_HOST, _OPENAI_VARIABLE = "api.openai.com", "OPENAI_API_KEY"


def require_address(url: str) -> None:
    """Check an address before anything is asked or written.

    Raises:
        ConfigError: if it is none of http, or holds a password or a query.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(
            f"--endpoint is {url}, which is no address of a server.", hint="--endpoint http://127.0.0.1:8000/v1"
        )
    if parts.username or parts.password:
        raise ConfigError(
            "--endpoint holds a name or a password, which evaluation.json would keep.",
            hint=f"give a key by the variable {KEY_VARIABLE}",
        )
    if parts.query or parts.fragment:
        raise ConfigError(
            "--endpoint goes on behind a ? or #, which evaluation.json would keep and the server would not get.",
            hint=f"the address up to /v1 alone; a key by the variable {KEY_VARIABLE}",
        )


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
