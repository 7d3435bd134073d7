"""The benchmark that a user names: one that comes with leanrl, a benchmark file, or a file of problems."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from leanrl.config.files.preset_file import read_preset_file
from leanrl.config.files.shipped import FILE_ENDINGS
from leanrl.config.names.nearest import did_you_mean, nearest_name
from leanrl.errors import ConfigError, Problem
from leanrl.eval.benchmarks.benchmark import Benchmark
from leanrl.storage.home import expanded

_FOLDER = Path(__file__).with_name("catalogue")
_LISTED = "`leanrl eval --list` shows the benchmarks; a benchmark of your own is a .yaml or a file of problems"
_PACKED = (".gz", ".bz2", ".xz")


@dataclass(frozen=True)
class NamedBenchmark:
    """A benchmark with its name; `file` describes it, and a relative path in it starts from that file's folder."""

    name: str
    benchmark: Benchmark
    file: Path | None = None


def benchmark_names() -> list[str]:
    """Return the names of the benchmarks that come with leanrl, in order."""
    return sorted(file.stem for file in _FOLDER.glob("*.yaml"))


def find_benchmark(name: str) -> NamedBenchmark:
    """Return a benchmark by its name, by its .yaml file, or of a file or folder of problems.

    Raises:
        ConfigError: if there is none, or its file has keys or values that no benchmark takes, all of them named.
    """
    if name in benchmark_names():
        return _read(_FOLDER / f"{name}.yaml")
    path = expanded(name)
    if not path.exists():
        near = did_you_mean(nearest_name(name, benchmark_names()))
        raise ConfigError(
            f"There is no benchmark and no file {name!r}.", hint=" ".join(part for part in (near, _LISTED) if part)
        )
    if path.is_file() and path.suffix in FILE_ENDINGS and path.suffix != ".json":
        return _read(path)
    return NamedBenchmark(_name_of(path), Benchmark(path=str(path.resolve()), split="test"))


def _name_of(path: Path) -> str:
    """Return the name of a file or folder of problems, by which its completions are kept.

    Dots within it are kept, so that sums-1.1.jsonl and sums-1.2.jsonl are two. Bytes that are no UTF-8 are replaced.
    """
    name = path.resolve().name
    if path.is_file():
        for ending in _PACKED:
            name = name.removesuffix(ending)
        name = Path(name).stem
    return name.encode(errors="replace").decode()


def _read(file: Path) -> NamedBenchmark:
    values = read_preset_file(file)
    try:
        benchmark = Benchmark.model_validate(values)
    except ValidationError as error:
        raise _refusal(file, error) from error
    problems = list(_contradictions(benchmark))
    if problems:
        raise ConfigError(f"The benchmark {file} cannot be used:", problems=problems)
    return NamedBenchmark(file.stem, benchmark, file)


def _refusal(file: Path, error: ValidationError) -> ConfigError:
    problems = []
    for details in error.errors():
        where = ".".join(str(part) for part in details["loc"])
        if details["type"] == "extra_forbidden":
            near = nearest_name(where, list(Benchmark.model_fields))
            problems.append(Problem(where, "there is no such key of a benchmark", did_you_mean(near) or None))
        else:
            problems.append(Problem(where, f"{details['msg'].lower()}, is {details['input']!r:.60}"))
    return ConfigError(f"The benchmark {file} cannot be used:", problems=problems)


def _contradictions(benchmark: Benchmark) -> list[Problem]:
    problems = []
    sources = [name for name in ("path", "hub_id") if getattr(benchmark, name) is not None]
    if len(sources) != 1:
        what = "are both set" if sources else "are both missing: nothing says where the problems lie"
        problems.append(Problem("path and hub_id", what, "set one of them"))
    template = benchmark.prompt_template
    if template is not None and "{problem}" not in template:
        problems.append(Problem("prompt_template", "has no place for the problem", "write {problem} where it goes"))
    if benchmark.choices is not None and not (benchmark.choices.correct_column and benchmark.choices.wrong_columns):
        problems.append(Problem("choices", "needs correct_column and wrong_columns"))
    return problems
