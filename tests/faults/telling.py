"""A plug-in of killed runs: a reward that tells completions apart, and phases told to whoever kills the process.

Each line on the pipe that LEANRL_TOLD_PHASES names is `PID RANK PHASE begin|end SECONDS`, by the monotonic clock. A
process without the variable tells nothing.
"""

import functools
import os
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from leanrl.eval import greedy
from leanrl.report import page
from leanrl.rewards.registry import reward
from leanrl.storage import checkpoint_files, run_folder
from leanrl.trainer.memory.phase_meter import PhaseMeter
from leanrl.types import Sample

_PIPE = "LEANRL_TOLD_PHASES"


@reward("varied")
def varied(sample: Sample) -> float:
    """Return a number in [0, 1) that depends on nothing but the text, so that every group has a gradient."""
    return zlib.crc32(sample.text.encode()) % 1000 / 1000


def _tell_all(pipe: int) -> None:
    rank = os.environ.get("RANK", "0")

    def tell(phase: str, what: str) -> None:
        os.write(pipe, f"{os.getpid()} {rank} {phase} {what} {time.monotonic()}\n".encode())

    @contextmanager
    def told(phase: str) -> Iterator[None]:
        tell(phase, "begin")
        try:
            yield
        finally:
            tell(phase, "end")

    def telling(function: Callable[..., Any], phase: str) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapped(*arguments: Any, **named: Any) -> Any:
            with told(phase):
                return function(*arguments, **named)

        return wrapped

    begin, end = PhaseMeter.begin, PhaseMeter.end

    def telling_begin(meter: PhaseMeter, name: Any) -> None:
        tell(name, "begin")
        begin(meter, name)

    def telling_end(meter: PhaseMeter) -> None:
        name = meter._open[-1]
        end(meter)
        tell(name, "end")

    PhaseMeter.begin, PhaseMeter.end = telling_begin, telling_end  # type: ignore[method-assign]
    torch.Tensor.backward = telling(torch.Tensor.backward, "backward")  # type: ignore[method-assign]
    run_folder.seal = telling(checkpoint_files.seal, "seal")
    run_folder.RunFolder.publish_checkpoint = telling(run_folder.RunFolder.publish_checkpoint, "publish")  # type: ignore[method-assign]
    run_folder.RunFolder.drop_old_checkpoints = telling(run_folder.RunFolder.drop_old_checkpoints, "drop_old")  # type: ignore[method-assign]
    greedy.greedy_score = telling(greedy.greedy_score, "evaluation")
    page.write_report = telling(page.write_report, "report")


if _PIPE in os.environ and not hasattr(PhaseMeter, "is_told"):  # checks and the run each load the file
    PhaseMeter.is_told = True  # type: ignore[attr-defined]
    _tell_all(os.open(os.environ[_PIPE], os.O_WRONLY))
