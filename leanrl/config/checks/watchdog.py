"""The watchdog: bounds in the wrong order, and what level act cannot do."""

from collections.abc import Iterator

from leanrl.config.schema import RunConfig
from leanrl.errors import Problem
from leanrl.hints import setting

# Where a low value is the bad one.
_FALLING = ("entropy_low",)


def watchdog_contradictions(config: RunConfig) -> Iterator[Problem]:
    """Yield every combination that cannot be watched; `where` names the keys."""
    watchdog = config.watchdog
    bounds = watchdog.model_dump()
    for key, act in bounds.items():
        stem = key.removesuffix("_act")
        warn = bounds.get(f"{stem}_warn")
        if key.endswith("_act") and stem not in _FALLING and None not in (act, warn) and act < warn:
            yield Problem(
                f"watchdog.{stem}_warn, watchdog.{stem}_act",
                f"it would act at {act:g} before it warns at {warn:g}",
                setting(f"watchdog.{stem}_warn", act),
            )
    if watchdog.level == "act" and config.backend == "unsloth":
        yield Problem(
            "backend, watchdog.level",
            "a run on unsloth's kernels does not go back to a checkpoint while it trains",
            setting("watchdog.level", "warn"),
        )
