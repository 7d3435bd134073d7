"""The problems that a checkpoint is chosen on: never those that are reported, never those that were trained on."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from leanrl.config.schema import RunConfig
from leanrl.data.heldout import text_key
from leanrl.data.load import load_problems
from leanrl.errors import ConfigError, DataError
from leanrl.eval.benchmarks.benchmark import Benchmark
from leanrl.eval.benchmarks.identity import problems_sha256
from leanrl.eval.benchmarks.named import find_benchmark
from leanrl.eval.benchmarks.protocols import Protocol
from leanrl.evaluation.asked import Asked
from leanrl.evaluation.benchmark_data import LoadedBenchmark, load_benchmark
from leanrl.evaluation.question import AskedBenchmark
from leanrl.storage.run_folder import RunFolder, read_jsonl
from leanrl.types import Row, prompt_id

HELDOUT = "heldout"
_ANOTHER = "choose on other problems: --select-on FILE.jsonl, or on a benchmark that --benchmarks does not name"


def read_selection_set(
    name: str,
    *,
    asked: Asked,
    run: RunFolder,
    config: RunConfig,
    protocol: Protocol,
    reported: Sequence[AskedBenchmark],
    num_samples: int,
) -> AskedBenchmark:
    """Return the problems to choose on.

    Args:
        name: `heldout`, a benchmark, or a file of problems.
        config: of the run.
        reported: the benchmarks that the choice is reported on.
        num_samples: the most completions that a problem may get.

    Raises:
        ConfigError: if some of them are reported, or the run has no held-out problems.
        DataError: if their data has changed so that the run was trained on some.
    """
    loaded = _heldout(run, config, protocol) if name == HELDOUT else _benchmark(name, asked, config, protocol)
    rows = loaded.rows[: asked.limit]
    _require_unreported(loaded.name, rows, reported)
    return AskedBenchmark(loaded, rows, num_samples)


def require_other_name(name: str, reported: Sequence[str]) -> None:
    """Check that the selection set is none of the reported benchmarks, by name; no data is read.

    Raises:
        ConfigError: if it is.
    """
    if name != HELDOUT and find_benchmark(name).name in {find_benchmark(each).name for each in reported}:
        raise ConfigError(
            f"--select-on {name} is a benchmark that is reported: the best of several would be reported on the "
            "problems that made it the best.",
            hint=f"--select-on {HELDOUT}, or a benchmark that --benchmarks does not name",
        )


def _benchmark(name: str, asked: Asked, config: RunConfig, protocol: Protocol) -> LoadedBenchmark:
    return load_benchmark(
        find_benchmark(name),
        protocol,
        data_dir=asked.data_dir,
        prompt_template=config.data.prompt_template,
        system_prompt=config.data.system_prompt,
        examples=config.data.examples,
    )


def _heldout(run: RunFolder, config: RunConfig, protocol: Protocol) -> LoadedBenchmark:
    """Return the held-out problems of a run, asked as the protocol asks."""
    _require_heldout(run, config)
    changes: dict[str, Any] = {"prompt_template": protocol.prompt_template, "system_prompt": None, "examples": []}
    data = config.data if protocol.prompt_template is None else config.data.model_copy(update=changes)
    found = load_problems(data, seed=config.train.seed).heldout
    _require_untrained(run, found)
    rows = _with_own_ids(_without_dropped(run, found))
    about = Benchmark(about=f"held-out problems of {run.path.name}")
    lines = [f"{HELDOUT}: {len(rows)} held-out problems of the run"]
    return LoadedBenchmark(
        HELDOUT, about, rows, problems_sha256(rows), is_verified=False, is_local=True, lines=lines, notes=[]
    )


def _require_heldout(run: RunFolder, config: RunConfig) -> None:
    if config.data.generator == "python":
        raise ConfigError(
            f"{run.path} was trained on rows from Python, which lie in no file.",
            hint="write its held-out problems into a file: --select-on FILE.jsonl",
        )
    if not config.data.num_heldout:
        raise ConfigError(
            f"{run.path} holds no problems out: data.num_heldout is 0.",
            hint="--select-on FILE.jsonl, or a benchmark that is not reported",
        )


def _require_untrained(run: RunFolder, rows: Sequence[Row]) -> None:
    """Check with the run's list of prompts that none of the rows was trained on: the data may be another since."""
    if not run.prompts.is_file():
        return
    trained = {record.get("id") for record in read_jsonl(run.prompts)}
    seen = [row.id for row in rows if prompt_id(row) in trained]
    if seen:
        raise DataError(
            f"the data of {run.path} has changed since its training: {len(seen)} of {len(rows)} problems that would be "
            f"held out were trained on, the first is {seen[0]!r}.",
            hint="bring the data back, or choose on a file: --select-on FILE.jsonl",
        )


def _without_dropped(run: RunFolder, rows: Sequence[Row]) -> list[Row]:
    """Return the rows without those that the run could not use, by prompt length or gold answer."""
    if not run.dropped_rows.is_file():
        return list(rows)
    dropped = {record.get("where") for record in read_jsonl(run.dropped_rows)}
    return [row for row in rows if f"problem {row.id}" not in dropped]


def _with_own_ids(rows: Sequence[Row]) -> list[Row]:
    """Return the rows with ids that differ: completions are kept by them."""
    if len({row.id for row in rows}) == len(rows):
        return list(rows)
    return [replace(row, id=text_key(row).hex()) for row in rows]


def _require_unreported(name: str, rows: Sequence[Row], reported: Sequence[AskedBenchmark]) -> None:
    keys = set(map(text_key, rows))
    shared = {each.name: sum(text_key(row) in keys for row in each.loaded.rows) for each in reported}
    lines = [f"{count} of its problems are in {other}" for other, count in shared.items() if count]
    if lines:
        raise ConfigError(f"--select-on {name}: {', '.join(lines)}, which is reported.", hint=_ANOTHER)
    if not rows:
        raise DataError(f"--select-on {name} has no problem that can be asked.", hint=_ANOTHER)
