"""Questions before a run: what a machine lacks, what fits, how long it takes; nothing is trained."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from leanrl.config.schema import RunConfig
from leanrl.data.counted import with_known_length
from leanrl.forecast import make_plan, planned_host_bytes
from leanrl.machine.environment import describe_cpu, installed_vllm, quiet_libraries
from leanrl.planner.models.known_models import SIZED_MODELS, find_sized_model
from leanrl.planner.past_runs.calibration import Calibration
from leanrl.planner.past_runs.next_run import learn_from
from leanrl.planner.plan import Plan
from leanrl.planner.search.fit import Fit, fit_run
from leanrl.planner.search.largest import Method, Row, find_rows
from leanrl.planner.time.length_profile import LengthProfile
from leanrl.preflight.checks import Findings, examine
from leanrl.preflight.intent import Intent


def examine_here(config: RunConfig, *, plugins: Sequence[Path] = (), new_run: Path | None = None) -> Findings:
    """Return what `train` would refuse on this machine, fetch first or warn of; nothing is fetched."""
    quiet_libraries()
    return examine(Intent(config, plugins=plugins, new_run=new_run))


def learn(config: RunConfig, run: Path) -> Calibration:
    """Return what a run has measured, as far as it holds for another run on this machine."""
    return learn_from(run, config, here=describe_cpu(), vllm=installed_vllm())


def plan(config: RunConfig, **choices: Any) -> Plan:
    """Return the predicted memory, time and cost of a run; `choices` are those of `forecast.make_plan`."""
    return make_plan(with_known_length(config), **choices)


def measure_lengths(config: RunConfig, *, say: Callable[[str], None]) -> LengthProfile:
    """Return the lengths of a short sample of the run's completions; `say` hears how far it is."""
    quiet_libraries()
    from leanrl.measurement import measure_lengths as measure
    from leanrl.models.quiet import quiet_transformers

    quiet_transformers()
    return measure(config, say=say)


def fit(config: RunConfig, **choices: Any) -> Fit:
    """Return the fastest settings that fit, of the same run where any do; `choices` as in `planner.fit.fit_run`."""
    return fit_run(config, **{"host_bytes": planned_host_bytes(config), "vllm": installed_vllm(), **choices})


def largest(configs: Mapping[Method, RunConfig], *, num_gpus: int | None = None, model: str | None = None) -> list[Row]:
    """Return the largest known model of each method and its longest completions, or those of the model named."""
    host_bytes = planned_host_bytes(next(iter(configs.values())))
    models = SIZED_MODELS if model is None else [find_sized_model(model)]
    return find_rows(configs, num_gpus=num_gpus, models=models, host_bytes=host_bytes, vllm=installed_vllm())
