"""The processes of a run: who they are, which GPUs they see, what starts them."""

import shlex
from collections.abc import Callable
from dataclasses import dataclass, field

from leanrl.config.schema import RunConfig
from leanrl.launch.cards import ROLLOUT, VISIBLE, rollout_cards, training_cards
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


def processes(
    config: RunConfig, *, arguments: list[str], server: Callable[[list[str]], ProcessSpec]
) -> list[ProcessSpec]:
    """Return every process that `leanrl train` with these arguments stands for.

    Args:
        arguments: what follows `leanrl train` on the command line.
        server: returns the rollout server on given cards.
    """
    rollout = config.rollout
    servers = [server(rollout_cards(config))] if rollout.engine == "vllm-server" and rollout.server_url is None else []
    return [*servers, *_trainers(config, arguments)]


def training_ranks(config: RunConfig, *, run: str) -> list[ProcessSpec]:
    """Return the ranks that the launcher starts on a run folder; they see the same cards and choose by LOCAL_RANK.

    One alone has no LOCAL_RANK: torch's libraries would make a group of it. MASTER_PORT comes when they are started: a
    port that is free then.
    """
    cards, kept = training_cards(config), rollout_cards(config)
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
                **({VISIBLE: ",".join(cards)} if cards else {}),
                **({ROLLOUT: ",".join(kept)} if kept else {}),
            },
        )
        for rank in range(config.num_train_ranks)
    ]


def _meeting_point(rank: int, num_ranks: int) -> dict[str, str]:
    return {"LOCAL_RANK": str(rank), "LOCAL_WORLD_SIZE": str(num_ranks), "MASTER_ADDR": "127.0.0.1"}


def _trainers(config: RunConfig, arguments: list[str]) -> list[ProcessSpec]:
    cards = training_cards(config)
    environment = {VISIBLE: ",".join(cards)} if cards else {}
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
