"""Two ranks on gloo: forks of a process that has imported the libraries, in the environment that torchrun gives."""

from pathlib import Path

from tests.cli.run import Program, environment_with, forks
from tests.torchrun import torchrun_two_ranks

_ROOT = Path(__file__).resolve().parents[1]
# Longer than any of them takes on two busy cores; a rank that waits for ever says where before (tests.*.two_ranks).
_PATIENCE_SECONDS = 240


def run_two_ranks(module: str, *arguments: str, **environment: str) -> str:
    """Run a module with its arguments on two ranks, and return what the first and then the second prints.

    Raises:
        AssertionError: with their stderr, if one of them fails.
    """
    server = forks()
    if server is None:
        return torchrun_two_ranks("-m", module, *arguments, **environment)
    from torch.distributed import TCPStore

    # As torchrun does: a store that is there before the ranks, on a port that nobody can take meanwhile.
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    programs = [
        Program(module, arguments, _ROOT, environment_with(_of_rank(rank, store.port) | environment)) for rank in (0, 1)
    ]
    with server.are_free:
        done = server.run(programs, timeout_seconds=_PATIENCE_SECONDS)
    assert [outcome.code for outcome in done] == [0, 0], "\n".join(outcome.err for outcome in done)
    return "".join(outcome.out for outcome in done)


def _of_rank(rank: int, port: int) -> dict[str, str]:
    return {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": "2",
        "LOCAL_WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "TORCHELASTIC_USE_AGENT_STORE": "True",
        "TORCHELASTIC_RESTART_COUNT": "0",
        "GLOO_SOCKET_IFNAME": "lo",
    }
