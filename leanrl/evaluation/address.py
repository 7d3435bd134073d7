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
        ConfigError: if it is none of http, or holds a password.
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


def key_for(url: str, environment: Mapping[str, str]) -> str | None:
    """Return the key that a server is sent: the one meant for endpoints, or OpenAI's for OpenAI alone."""
    usual = environment.get(_OPENAI_VARIABLE) if urlsplit(url).hostname == _OPENAI_HOST else None
    return environment.get(KEY_VARIABLE) or usual
