"""The problems of an evaluation that is there, read again without its model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from leanrl.errors import ConfigError, DataError, Problem
from leanrl.eval.benchmarks.named import NamedBenchmark, benchmark_names, find_benchmark
from leanrl.eval.benchmarks.protocols import find_protocol
from leanrl.evaluation.benchmark_data import LoadedBenchmark, load_benchmark


def problems_of(
    folder: Path, saved: Mapping[str, Any], given: Sequence[str], *, data_dir: Path | None
) -> dict[str, LoadedBenchmark]:
    """Return the problems of all benchmarks of an evaluation, by name; their prompts are not those that were sent.

    Args:
        folder: the evaluation, for messages.
        saved: the content of its evaluation.json.
        given: benchmark files, or files of problems, for those that do not come with leanrl.

    Raises:
        ConfigError: if a benchmark has no file, or a file belongs to none.
        DataError: if problems are not those that were asked.
        MissingError: as `load_benchmark`.
    """
    named = _named(folder, list(saved["benchmarks"]), given)
    protocol = find_protocol("robust")
    loaded = {name: load_benchmark(each, protocol, data_dir=data_dir) for name, each in named.items()}
    changed = [name for name, each in loaded.items() if each.sha256 != saved["benchmarks"][name]["sha256"]]
    if changed:
        raise DataError(
            f"the problems of {', '.join(changed)} are not those that {folder} was asked: their hashes differ.",
            hint="bring back the data of the evaluation: --data-dir DIR, or --benchmarks FILE",
        )
    return loaded


def _named(folder: Path, asked: Sequence[str], given: Sequence[str]) -> dict[str, NamedBenchmark]:
    by_name = {each.name: each for each in map(find_benchmark, given)}
    found = by_name | {
        name: find_benchmark(name) for name in asked if name in benchmark_names() and name not in by_name
    }
    problems = [Problem(name, "does not come with leanrl, and no file is named") for name in asked if name not in found]
    problems += [Problem(name, "is no benchmark of this evaluation") for name in by_name if name not in asked]
    if problems:
        raise ConfigError(
            f"the problems of {folder} are not all known.",
            hint=f"name the files of its own benchmarks ({', '.join(asked)}): --benchmarks FILE,FILE",
            problems=problems,
        )
    return {name: found[name] for name in asked}
