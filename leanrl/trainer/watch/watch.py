"""Watch: the watchdog of a run that trains, beside the files that it is fed from."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from leanrl.config.schema import RunConfig
from leanrl.storage.rollbacks import read_rollbacks
from leanrl.storage.run_folder import RunFolder, read_jsonl, step_of
from leanrl.watch.watchdog import Fault, Watchdog


class Watch:
    """Shows the steps of a run to its watchdog, on the first rank.

    `fault` is that of the last step, if it had one.
    """

    def __init__(self, config: RunConfig, run: RunFolder) -> None:
        self._config = config
        self._run = run
        self._watchdog = Watchdog(config)
        self.fault: Fault | None = None

    def begin(self) -> list[str]:
        """Begin with the steps that are recorded, and return what was warned of in them, and each rollback."""
        rollbacks = read_rollbacks(self._run)
        restarts = {one.to_step for one in rollbacks}
        self._watchdog = Watchdog(self._config, restarts=restarts)
        self.fault = None
        steps = read_jsonl(self._run.metrics) if self._run.metrics.is_file() else ()
        told = [one.told for one in rollbacks]
        return told + [warning for metrics in steps for warning in self.see(metrics)]

    def see(self, metrics: Mapping[str, Any]) -> tuple[str, ...]:
        """Take the metrics of the next step, and return its warnings."""
        sight = self._watchdog.see(metrics)
        self.fault = sight.fault
        return sight.warnings

    def to_keep(self, step: int) -> Callable[[], list[Path]]:
        """Return what names the newest checkpoint from before whatever a fault that is found later may begin with."""
        since = self._watchdog.bad_since(step)
        return lambda: [path for path in self._run.complete_checkpoints() if step_of(path) < since][-1:]
