"""The problems of a benchmark, from a local file or the Hub, ready to be asked and known by their hash."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leanrl.config.sections.data import DataConfig, WorkedExample
from leanrl.data.files.kinds import KINDS
from leanrl.data.files.paths import read_file_source
from leanrl.data.load import load_problems
from leanrl.data.sources import Source, read_hub_source
from leanrl.errors import ConfigError, DataError, LeanRLError, MissingError
from leanrl.eval.benchmarks.benchmark import Benchmark
from leanrl.eval.benchmarks.choices import lettered
from leanrl.eval.benchmarks.identity import problems_sha256
from leanrl.eval.benchmarks.named import NamedBenchmark
from leanrl.eval.benchmarks.pinning import pinned_text
from leanrl.eval.benchmarks.protocols import Protocol
from leanrl.storage.home import expanded
from leanrl.storage.output_folder import require_writable
from leanrl.types import Row

_DEFAULT_COLUMNS = {"problem_column": "problem", "answer_column": "answer"}


@dataclass(frozen=True)
class LoadedBenchmark:
    """The problems of a benchmark.

    `is_verified` says that their hash is the one in the benchmark's file, `is_local` that they did not come from the
    Hub. `lines` say how the data was read, `notes` what of it is not as described.
    """

    name: str
    benchmark: Benchmark
    rows: list[Row]
    sha256: str
    is_verified: bool
    is_local: bool
    lines: list[str]
    notes: list[str]


def load_benchmark(
    named: NamedBenchmark,
    protocol: Protocol,
    *,
    data_dir: Path | None = None,
    prompt_template: str = "{problem}",
    system_prompt: str | None = None,
    examples: Sequence[WorkedExample] = (),
) -> LoadedBenchmark:
    """Read the problems of a benchmark and put them into the protocol's prompt.

    Args:
        data_dir: a folder whose file NAME.jsonl (or .json, .csv, .tsv, .parquet, each also as .gz), or whose folder
            NAME, takes the place of the Hub.
        prompt_template: asks where the protocol leaves that to the model's own training, with `system_prompt`.
        examples: worked examples of that training, which a benchmark with a prompt of its own does not show.

    Raises:
        ConfigError: if `data_dir` is no folder.
        DataError: if the data is broken, repeats an id, or has another hash than the benchmark's file.
        MissingError: if the data is neither in `data_dir` nor to be had from the Hub.
    """
    path = _local_path(named, data_dir)
    try:
        benchmark = named.benchmark if path is None else _as_the_file_has_it(named.benchmark, path)
    except DataError as error:
        raise _of_benchmark(named, error, path=path, data_dir=data_dir) from error
    asks_itself = protocol.prompt_template is None
    data = benchmark.data(
        path=path,
        prompt_template=prompt_template if protocol.prompt_template is None else protocol.prompt_template,
        system_prompt=system_prompt if asks_itself else None,
        examples=examples if asks_itself and benchmark.prompt_template is None else (),
    )
    try:
        problems = load_problems(data, seed=0, rows=_lettered_rows(benchmark, data), kept_columns=_kept(benchmark))
    except (DataError, MissingError) as error:
        raise _of_benchmark(named, error, path=path, data_dir=data_dir) from error
    sha256 = problems_sha256(problems.train)
    expected = named.benchmark.sha256
    if expected is not None and sha256 != expected:
        raise DataError(
            f"The problems of {named.name} are not those that its file describes: their hash is {sha256[:16]}, "
            f"the file's is {expected[:16]}.",
            hint="take the revision that was pinned, or `leanrl eval --pin` for the data that is here",
        )
    return LoadedBenchmark(
        named.name,
        benchmark,
        problems.train,
        sha256,
        is_verified=expected is not None,
        is_local=path is not None,
        lines=[f"{named.name}: {_in_keys(line)}" for line in problems.lines],
        notes=_notes(named, len(problems.train), [f"{row.where}: {row.reason}" for row in problems.dropped]),
    )


def _local_path(named: NamedBenchmark, data_dir: Path | None) -> str | None:
    """Return the file or folder that holds the problems here, or None for the Hub."""
    if data_dir is not None:
        if not data_dir.is_dir():
            raise ConfigError(f"--data-dir is {data_dir}, and there is no such folder.", hint="--data-dir FOLDER")
        for name in (named.name, *named.benchmark.file_names):
            for ending in ("", *KINDS, *(f"{kind}.gz" for kind in KINDS)):
                found = data_dir / f"{name}{ending}"
                if found.is_dir() if not ending else found.is_file():
                    return str(found)
    if named.benchmark.path is None:
        return None
    folder = Path() if named.file is None else named.file.parent
    return str(folder / expanded(named.benchmark.path))


def _as_the_file_has_it(benchmark: Benchmark, path: str) -> Benchmark:
    """Return the benchmark with the usual columns where a local file lacks those of the Hub."""
    first = next(iter(read_file_source(path, split=benchmark.split).rows), None)
    there = set() if first is None else set(first.fields)
    if benchmark.choices is not None and benchmark.choices.correct_column not in there:
        benchmark = benchmark.model_copy(update={"choices": None})
    columns = {key: getattr(benchmark, key) for key in _DEFAULT_COLUMNS}
    lacking = [key for key, column in columns.items() if column not in there and benchmark.choices is None]
    changed = {key: _DEFAULT_COLUMNS[key] for key in lacking}
    # A rule for where the gold stands belongs to the column that it was written for.
    return benchmark.model_copy(update=changed | ({"gold_from": "auto"} if "answer_column" in changed else {}))


def _lettered_rows(benchmark: Benchmark, data: DataConfig) -> Iterator[Mapping[str, Any]] | None:
    """Yield multiple-choice rows with their letters; None where the benchmark has no options."""
    if benchmark.choices is None:
        return None
    return (lettered(row.fields, benchmark) for row in _source(data).rows)


def _source(data: DataConfig) -> Source:
    if data.path is not None:
        return read_file_source(data.path, split=data.split)
    assert data.hub_id is not None, "a benchmark has a path or a hub_id"
    return read_hub_source(
        data.hub_id, config=data.hub_config, revision=data.hub_revision, split=data.split, wanted_columns=None
    )


def _kept(benchmark: Benchmark) -> Iterable[str]:
    return [] if benchmark.tolerance_column is None else [benchmark.tolerance_column]


def _of_benchmark(named: NamedBenchmark, error: LeanRLError, *, path: str | None, data_dir: Path | None) -> LeanRLError:
    """Return the error of the data with the ways out that an evaluation has."""
    hub_id = named.benchmark.hub_id
    if hub_id is None or path is not None:
        what = f"The benchmark {named.name} cannot be read: {_in_keys(error.message)}"
        return type(error)(what, hint=error.hint and _in_keys(error.hint))
    hint = (
        f"`hf download --repo-type dataset {hub_id}` on a machine with the Hub (a gated dataset needs its terms "
        f"accepted and `hf auth login`), or put {named.name}.jsonl with the columns problem and answer into a folder: "
        "--data-dir FOLDER"
    )
    here = "" if data_dir is None else f"--data-dir {data_dir} has no {named.name}.jsonl. "
    return type(error)(f"The benchmark {named.name} is not at hand: {here}{error.message}", hint=hint)


def _in_keys(text: str) -> str:
    """Return a message on keys of a run's config in the keys of a benchmark's file, which has no section."""
    keys, num_flags = re.subn(r"-s ('?)data\.(\w+)=(\S+?)\1(?=[ `])", r"\2: \3", text)
    keys = re.sub(r"\bdata\.(\w+) is ", r"\1 is ", keys).replace("(data.", "(")
    return f"{keys} in a benchmark's .yaml" if num_flags else keys


def _notes(named: NamedBenchmark, num_problems: int, dropped: list[str]) -> list[str]:
    notes = [f"{named.name}: {len(dropped)} rows cannot be used, the first is {dropped[0]}"] if dropped else []
    expected = named.benchmark.num_problems
    if expected is not None and expected != num_problems:
        notes.append(f"{named.name} has {num_problems} problems here, {expected} are expected")
    return notes


def pin(loaded: LoadedBenchmark, named: NamedBenchmark, *, out: Path) -> Path:
    """Write the benchmark's file with revision and hash of the loaded data into the folder `out`; return its path.

    Raises:
        ConfigError: if the benchmark has no file, or `out` holds one of its name already.
        MissingError: if the Hub does not say the revision of the dataset.
    """
    if named.file is None:
        raise ConfigError(
            f"{named.name} is a file of problems without a benchmark file to pin.",
            hint="write one: `path: FILE.jsonl` in NAME.yaml",
        )
    path = out / f"{named.name}.yaml"
    if path.exists():
        raise ConfigError(f"{path} is there already, and nothing is overwritten.", hint="--out ANOTHER_FOLDER")
    require_writable(out, what=f"--out is {out}", hint="--out FOLDER")
    revision = None if loaded.is_local else _hub_revision(named.benchmark)
    out.mkdir(parents=True, exist_ok=True)
    path.write_text(
        pinned_text(named.file.read_text(encoding="utf-8"), hub_revision=revision, sha256=loaded.sha256),
        encoding="utf-8",
    )
    return path


def _hub_revision(benchmark: Benchmark) -> str | None:
    if benchmark.hub_id is None:
        return None
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    try:
        return HfApi().dataset_info(benchmark.hub_id, revision=benchmark.hub_revision).sha
    except (HfHubHTTPError, OSError) as error:
        raise MissingError(f"The Hub does not say the revision of {benchmark.hub_id}: {error}") from error
