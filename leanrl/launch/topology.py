"""The processes of a run: who they are, which GPUs they see, what starts them."""

import shlex
from dataclasses import dataclass, field

from leanrl.config.schema import RunConfig
from leanrl.launch.this_rank import LAUNCHED

_RENDEZVOUS_PORT = 29500  # torchrun's own default (torch.distributed.run)


@dataclass(frozen=True)
class ProcessSpec:
    """One command of a topology; a training command may start several ranks itself."""

    role: str
    command: list[str]
    node: int = 0
    environment: dict[str, str] = field(default_factory=dict)

    def shell(self) -> str:
        """Return the command as a line for a shell."""
        variables = [f"{name}={shlex.quote(value)}" for name, value in self.environment.items()]
        return " ".join([*variables, shlex.join(self.command)])


def is_launched(config: RunConfig) -> bool:
    """Return whether `leanrl train` starts other processes that train: several ranks, or the one that unsloth needs."""
    return config.num_train_ranks > 1 or config.backend == "unsloth"


def processes(config: RunConfig, *, arguments: list[str]) -> list[ProcessSpec]:
    """Return every process that `leanrl train` with these arguments stands for.

    Args:
        arguments: what follows `leanrl train` on the command line.
    """
    return [*_servers(config), *_trainers(config, arguments)]


def training_ranks(config: RunConfig, *, run: str) -> list[ProcessSpec]:
    """Return the ranks that the launcher starts on a run folder; they see the same cards and choose by LOCAL_RANK.

    One alone has no LOCAL_RANK: torch's libraries would make a group of it. MASTER_PORT comes when they are started: a
    port that is free then.
    """
    num_gpus = config.hardware.num_gpus - config.rollout.num_gpus
    is_alone = config.num_train_ranks == 1
    return [
        ProcessSpec(
            f"training rank {rank}",
            ["python", "-m", "leanrl", "train", "--resume", run],
            environment={
                "RANK": str(rank),
                "WORLD_SIZE": str(config.num_train_ranks),
                LAUNCHED: "1",
                **({} if is_alone else _meeting_point(rank, config.num_train_ranks)),
                **({"CUDA_VISIBLE_DEVICES": _numbers(0, num_gpus)} if num_gpus > 0 else {}),
            },
        )
        for rank in range(config.num_train_ranks)
    ]


def _meeting_point(rank: int, num_ranks: int) -> dict[str, str]:
    return {"LOCAL_RANK": str(rank), "LOCAL_WORLD_SIZE": str(num_ranks), "MASTER_ADDR": "127.0.0.1"}


def _servers(config: RunConfig) -> list[ProcessSpec]:
    if config.rollout.engine != "vllm-server":
        return []
    first = config.hardware.num_gpus - config.rollout.num_gpus
    command = [
        *("python", "-m", "vllm.entrypoints.openai.api_server", "--host", "127.0.0.1"),
        *("--model", config.model.id, "--dtype", "bfloat16"),
        *("--max-model-len", str(config.max_model_tokens)),
    ]
    if config.model.revision is not None:
        command += ["--revision", config.model.revision]
    if config.rollout.gpu_memory_fraction is not None:
        command += ["--gpu-memory-utilization", str(config.rollout.gpu_memory_fraction)]
    if config.model.tuning.method != "full":
        command += ["--enable-lora", "--max-lora-rank", str(config.model.tuning.rank)]
    return [
        ProcessSpec(
            "rollout server",
            command,
            environment={"CUDA_VISIBLE_DEVICES": _numbers(first, config.rollout.num_gpus), "VLLM_NO_USAGE_STATS": "1"},
        )
    ]


def _trainers(config: RunConfig, arguments: list[str]) -> list[ProcessSpec]:
    num_gpus = config.hardware.num_gpus - config.rollout.num_gpus
    environment = {"CUDA_VISIBLE_DEVICES": _numbers(0, num_gpus)} if num_gpus > 0 else {}
    if not is_launched(config):
        return [ProcessSpec("trainer", ["leanrl", "train", *arguments], environment=environment)]
    if config.hardware.num_nodes == 1:
        return [ProcessSpec("launcher", ["leanrl", "train", *arguments]), *training_ranks(config, run="RUN")]
    num_ranks = config.num_train_ranks // config.hardware.num_nodes
    return [
        ProcessSpec(
            f"trainer, {num_ranks} ranks",
            [*_torchrun(config, num_ranks, node), "-m", "leanrl", "train", *arguments],
            node=node,
            environment=environment,
        )
        for node in range(config.hardware.num_nodes)
    ]


def _torchrun(config: RunConfig, num_ranks: int, node: int) -> list[str]:
    return [
        "torchrun",
        f"--nnodes={config.hardware.num_nodes}",
        f"--node-rank={node}",
        f"--nproc-per-node={num_ranks}",
        "--rdzv-backend=c10d",
        f"--rdzv-endpoint=HOST_OF_NODE_0:{_RENDEZVOUS_PORT}",
    ]


def _numbers(first: int, count: int) -> str:
    return ",".join(str(index) for index in range(first, first + count))
