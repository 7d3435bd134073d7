"""leanrl: GRPO for small reasoning models in little memory.

    import leanrl

    run = leanrl.train("single-gpu-lora", rows=rows, rewards=["accuracy", my_reward], overrides={"train.max_steps": 50})

Each function is imported when it is first asked for, so that `import leanrl` stays cheap.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from leanrl.machine.version import __version__

if TYPE_CHECKING:
    from leanrl.api.comparing import Compared, compare
    from leanrl.api.evaluation import Evaluation, evaluate
    from leanrl.api.merging import merge, sample
    from leanrl.api.plans import Planned, plan
    from leanrl.api.run import Run
    from leanrl.api.training import resume, train

__all__ = [
    "Compared",
    "Evaluation",
    "Planned",
    "Run",
    "__version__",
    "compare",
    "evaluate",
    "merge",
    "plan",
    "resume",
    "sample",
    "train",
]

_PLACES = {
    "Compared": "leanrl.api.comparing",
    "Evaluation": "leanrl.api.evaluation",
    "Planned": "leanrl.api.plans",
    "Run": "leanrl.api.run",
    "compare": "leanrl.api.comparing",
    "evaluate": "leanrl.api.evaluation",
    "merge": "leanrl.api.merging",
    "plan": "leanrl.api.plans",
    "resume": "leanrl.api.training",
    "sample": "leanrl.api.merging",
    "train": "leanrl.api.training",
}


def __getattr__(name: str) -> Any:
    """Import a function when it is first asked for.

    Raises:
        AttributeError: for a name that leanrl does not have.
    """
    if name not in _PLACES:
        raise AttributeError(f"module 'leanrl' has no attribute {name!r}; it has {', '.join(__all__)}")
    from leanrl.machine.environment import quiet_libraries

    quiet_libraries()  # before a library that they import reads what is set here
    found = globals()[name] = getattr(import_module(_PLACES[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
