"""The processes that `leanrl train` stands for, each with its command and environment."""

from functools import partial

from leanrl.config.schema import RunConfig
from leanrl.errors import MissingError
from leanrl.launch import topology
from leanrl.launch.topology import ProcessSpec
from leanrl.machine.environment import host_memory_bytes, installed_vllm
from leanrl.models.locate import future_location
from leanrl.planner.automatic import with_chosen
from leanrl.planner.plan import plan_run
from leanrl.rollout.server.command import on_port, on_socket, server_arguments, server_command, server_environment
from leanrl.rollout.vllm.engine_arguments import engine_arguments, server_flags


def processes(config: RunConfig, *, arguments: list[str]) -> list[ProcessSpec]:
    """Return every process that `leanrl train` with these arguments stands for, a rollout server with its flags."""
    return topology.processes(config, arguments=arguments, server=partial(_server, config))


def _server(config: RunConfig, cards: list[str]) -> ProcessSpec:
    port = config.rollout.server_port
    listens = on_socket("SOCKET") if port is None else on_port(port)
    command = server_command("python", _flags(config), listens=listens)
    return ProcessSpec("rollout server", command, environment=server_environment(cards))


def _flags(config: RunConfig) -> list[str]:
    """Return what the server will be started with, on the cards that the config names."""
    try:
        host_bytes = host_memory_bytes() if config.hardware.is_cpu else None
        plan = plan_run(config, host_bytes=host_bytes, vllm=installed_vllm())
    except MissingError as error:
        return ["--model", config.model.id, f"(more, once the model's shape is known: {error.message})"]
    is_on_cards = plan.device == "cuda"
    arguments = engine_arguments(
        with_chosen(config, plan),
        model=future_location(config.model),
        shape=plan.shape,
        adapter_rank=None if config.model.tuning.method == "full" else config.model.tuning.rank,
        usable_bytes=plan.worst.usable_bytes if is_on_cards else None,
        seed=config.train.seed,
    )
    planned = plan.engine_settings if is_on_cards else {}
    return server_flags(server_arguments(config, arguments | planned))
