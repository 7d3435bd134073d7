"""The question of an evaluation, made of a model, a protocol and problems."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from leanrl.errors import ConfigError, DataError, MissingError
from leanrl.eval.benchmarks.named import find_benchmark
from leanrl.eval.benchmarks.protocols import Protocol
from leanrl.eval.drawing.schedule import Draw, ProblemKey
from leanrl.eval.store.question import Question
from leanrl.evaluation.asked import Asked
from leanrl.evaluation.benchmark_data import LoadedBenchmark, load_benchmark
from leanrl.evaluation.subject import Subject
from leanrl.types import Row

OUR_GRADER = "leanrl"
BOTH_GRADERS = "leanrl, math-verify"


@dataclass(frozen=True)
class AskedBenchmark:
    """The problems of a benchmark that are asked, and how often each."""

    loaded: LoadedBenchmark
    rows: list[Row]
    num_samples: int

    @property
    def name(self) -> str:
        return self.loaded.name

    def as_json(self) -> dict[str, Any]:
        return {
            "sha256": self.loaded.sha256,
            "num_problems": len(self.rows),
            "num_samples": self.num_samples,
            "verified": self.loaded.is_verified,
        }

    def draws(self) -> Iterable[Draw]:
        """Return its completions: the first sample of every problem, then the second of each, and so on."""
        return (Draw(self.name, row.id, sample) for sample in range(self.num_samples) for row in self.rows)


def read_benchmarks(asked: Asked, protocol: Protocol, subject: Subject) -> list[AskedBenchmark]:
    """Read the problems of all benchmarks.

    Raises:
        LeanRLError: as `find_benchmark` and `load_benchmark`; ConfigError if a name is there twice.
    """
    if not asked.benchmarks:
        raise ConfigError("no benchmark is named.", hint="`leanrl eval --list` shows them")
    named = [find_benchmark(name) for name in asked.benchmarks]
    names = [each.name for each in named]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(
            f"--benchmarks names {', '.join(twice)} more than once.",
            hint="give two files of one name different names: completions are kept by them",
        )
    data = subject.config.data
    loaded, errors = [], []
    for each in named:
        try:
            benchmark = load_benchmark(
                each,
                protocol,
                data_dir=asked.data_dir,
                prompt_template=data.prompt_template,
                system_prompt=data.system_prompt,
                examples=data.examples,
            )
        except (DataError, MissingError) as error:
            errors.append(error)
        else:
            loaded.append(benchmark)
    if errors:
        raise _together(errors)
    return [
        AskedBenchmark(each, each.rows[: asked.limit], protocol.samples(each.name, num_problems=len(each.rows)))
        for each in loaded
    ]


def _together(errors: Sequence[DataError | MissingError]) -> DataError | MissingError:
    """Return one error that names all benchmarks that cannot be had."""
    hints = dict.fromkeys(error.hint for error in errors if error.hint)
    return type(errors[0])("\n".join(error.message for error in errors), hint="\n".join(hints) or None)


def make_question(
    subject: Subject,
    protocol: Protocol,
    benchmarks: Sequence[AskedBenchmark],
    texts: Mapping[ProblemKey, str],
    *,
    with_math_verify: bool,
    engine: str,
    dtype: str | None,
) -> Question:
    """Return the question; `texts` has every prompt as the model reads it."""
    return Question(
        model=subject.as_json(),
        protocol={key: value for key, value in asdict(protocol).items() if key not in _NOT_SAMPLING},
        benchmarks={each.name: each.as_json() for each in benchmarks},
        prompt_sha256={each.name: _hash([texts[each.name, row.id] for row in each.rows]) for each in benchmarks},
        grader=BOTH_GRADERS if with_math_verify else OUR_GRADER,
        engine=engine,
        dtype=dtype,
    )


def rows_by_key(benchmarks: Sequence[AskedBenchmark]) -> dict[ProblemKey, Row]:
    return {(each.name, row.id): row for each in benchmarks for row in each.rows}


# Said by each benchmark's own num_samples, or by the prompts.
_NOT_SAMPLING = ("about", "num_samples", "num_samples_of_few", "num_samples_of", "prompt_template")


def _hash(texts: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(list(texts)).encode()).hexdigest()
