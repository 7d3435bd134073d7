"""The command and the environment of a vLLM server of leanrl's own; no torch, since a dry run prints them too."""

from collections.abc import Mapping, Sequence
from typing import Any

from leanrl.config.schema import RunConfig

HOST = "127.0.0.1"  # never an address that the network reaches: the development routes ask for no password
# What leanrl's own server calls the model without an adapter.
BASE_NAME = "base"
# For adapters at run time and for dropping the prefix cache (vllm 0.31.0, envs.py).
_EVERYWHERE = {
    "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1",
    "VLLM_SERVER_DEV_MODE": "1",
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_NO_USAGE_STATS": "1",
}
# Threads that vLLM binds to cores would be the trainer's too; inductor takes 15 seconds for one small operator.
_ON_A_CPU = {"VLLM_CPU_OMP_THREADS_BIND": "nobind", "TORCHDYNAMO_DISABLE": "1"}


def server_arguments(config: RunConfig, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of the engine with those that only a server has."""
    more: dict[str, Any] = {"served_model_name": BASE_NAME}
    if takes_nccl(config):
        more["weight_transfer_config"] = {"backend": "nccl"}
    return {**arguments, **more}


def takes_nccl(config: RunConfig) -> bool:
    """Return whether whole weights go from card to card; an adapter is small, and has its own way."""
    return config.rollout.weight_transport == "nccl" and config.model.tuning.method == "full"


def server_command(python: str, flags: Sequence[str], *, listens: Sequence[str]) -> list[str]:
    """Return the command of a server; as a module, for the `vllm` command does not start with vllm-cpu.

    Args:
        listens: the flags that say where, of `on_port` or `on_socket`.
    """
    return [python, "-m", "vllm.entrypoints.openai.api_server", *listens, *flags]


def on_port(port: int) -> list[str]:
    """Return the flags of a server that every user of this machine can reach."""
    return ["--host", HOST, "--port", str(port)]


def on_socket(path: str) -> list[str]:
    """Return the flags of a server on a socket in the file system; vLLM's own port is not opened then."""
    return ["--uds", path]


def server_environment(cards: Sequence[str]) -> dict[str, str]:
    """Return the variables of a server on these cards, besides those of whoever starts it; none is a CPU."""
    return _EVERYWHERE | ({"CUDA_VISIBLE_DEVICES": ",".join(cards)} if cards else _ON_A_CPU)
