"""Whether a vLLM server can be had at the address that a config names: asked before anything heavy is loaded."""

from collections.abc import Iterator
from contextlib import contextmanager

from leanrl.config.schema import RunConfig
from leanrl.errors import ConfigError
from leanrl.rollout.server.client import ServerClient, ServerLostError, ServerRefusedError
from leanrl.rollout.server.place import require_free

# What a server needs to name its models while it generates for somebody else.
_ANSWER_SECONDS = 30.0
HOW_TO_START = (
    "VLLM_SERVER_DEV_MODE=1 VLLM_ALLOW_RUNTIME_LORA_UPDATING=1 python -m vllm.entrypoints.openai.api_server "
    "--enable-lora --logprobs-mode processed_logprobs ..."
)


def require_address(config: RunConfig) -> None:
    """Check that a user's server answers, or that leanrl's own can listen on the port it is given.

    Raises:
        ConfigError: naming the address.
    """
    rollout = config.rollout
    if rollout.engine != "vllm-server":
        return
    if rollout.server_url is not None:
        served_base(ServerClient(rollout.server_url, deadline_seconds=_ANSWER_SECONDS))
    elif rollout.server_port is not None:
        require_free(rollout.server_port)


def served_base(client: ServerClient) -> str:
    """Return the name under which a user's server serves its base.

    Raises:
        ConfigError: if it cannot be reached, or is none of vLLM's.
    """
    with explaining_refusals(client):
        names = [str(one["id"]) for one in client.models() if one.get("parent") is None]
        if not names:
            raise ServerRefusedError("it names no model")
    return names[0]


@contextmanager
def explaining_refusals(client: ServerClient) -> Iterator[None]:
    """Turn what a user's server, or its absence, answers into what the user can change."""
    try:
        yield
    except ServerLostError as error:
        what = f"rollout.server_url is {client.url}, which cannot be reached: {error}"
        raise ConfigError(what, hint="-s rollout.server_url=null lets leanrl start a server of its own") from error
    except ServerRefusedError as error:
        what = f"rollout.server_url is {client.url}, which does not tell what it serves: {error}"
        raise ConfigError(what, hint=f"start it as: {HOW_TO_START}") from error
