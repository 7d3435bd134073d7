"""From what the allocator holds to what the driver sees: context, exchange buffers and fragmentation."""

from leanrl.planner.phases import Phase
from leanrl.planner.workload import Workload

_GIB = 2**30
# Estimates from general knowledge, not measured: a CUDA context with its libraries, NCCL's buffers,
# and a Python process with torch, transformers and TRL.
CONTEXT_BYTES = int(0.55 * _GIB)
EXCHANGE_BYTES = int(0.25 * _GIB)
PROCESS_BYTES = int(0.75 * _GIB)
# A replay of simulated steps through a model of the caching allocator held 16-37 % of the passing bytes more than
# was in use, and up to 60 % with a head that makes whole logits. It never emptied its cache, as a real one does.
_TILED_SLACK = 0.3
_NAIVE_SLACK = 0.6
# A guess: large blocks of a CPU go back to the system at once, so only the small ones fragment.
_HOST_SLACK = 0.1
_LEAST_SLACK_BYTES = int(0.3 * _GIB)


def upper_bytes(phase: Phase, workload: Workload, *, device: str, measured_bytes: int | None = None) -> int:
    """Return the most that the driver (on a CPU: the operating system) is expected to count in a phase.

    `measured_bytes` is by how much a run was above its plan: on a CPU that is its process, on a card what the plan
    does not know.
    """
    slack = _NAIVE_SLACK if workload.head.startswith("naive") else _TILED_SLACK
    if device == "cpu":
        process = PROCESS_BYTES if measured_bytes is None else measured_bytes
        return phase.bytes + int(_HOST_SLACK * phase.passing_bytes) + process
    exchange = EXCHANGE_BYTES if workload.num_ranks > 1 else 0
    unknown = measured_bytes or 0
    return phase.bytes + int(slack * phase.passing_bytes) + _LEAST_SLACK_BYTES + CONTEXT_BYTES + exchange + unknown
