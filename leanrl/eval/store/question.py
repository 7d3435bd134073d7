"""What an evaluation was asked, and how another question differs from it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

# Keys of evaluation.json that make the question; the others say when, where and with which versions it was begun.
ASKED = ("model", "protocol", "benchmarks", "prompt_sha256", "grader", "engine", "dtype")
_MISSING = "nothing"
# The same weights may be named as a run and as its checkpoint, and a folder may be moved: the fingerprint tells.
_NAMES = frozenset(("model.source",))


@dataclass(frozen=True)
class Question:
    """Everything that decides which completions an evaluation holds, as plain JSON values.

    Args:
        model: source, kind, base, revision and fingerprint of what is evaluated.
        protocol: name and every value of sampling.
        benchmarks: by name: sha256, num_problems, num_samples, verified.
        prompt_sha256: hash of the rendered prompts, by benchmark.
        grader: the graders whose verdicts are stored.
        engine, dtype: what draws, and in which numbers.
    """

    model: Mapping[str, Any]
    protocol: Mapping[str, Any]
    benchmarks: Mapping[str, Mapping[str, Any]]
    prompt_sha256: Mapping[str, str]
    grader: str
    engine: str
    dtype: str | None

    def as_json(self) -> dict[str, Any]:
        return {name: _plain(getattr(self, name)) for name in ASKED}


@dataclass(frozen=True)
class Difference:
    """One value in which two questions differ, by its dotted name in evaluation.json."""

    name: str
    saved: Any = field(default=_MISSING)
    asked: Any = field(default=_MISSING)

    def __str__(self) -> str:
        return f"{self.name} is {self.asked!r:.80}, and was {self.saved!r:.80}"


def differences(saved: Mapping[str, Any], asked: Question) -> list[Difference]:
    """Return the values that a saved evaluation.json has otherwise than a question.

    A benchmark that only one of them has is no difference: an evaluation may be given further benchmarks.
    """
    wanted = asked.as_json()
    found = [one for name in ASKED if name not in _BY_BENCHMARK for one in _differ(name, saved.get(name), wanted[name])]
    for name in _BY_BENCHMARK:
        before, after = saved.get(name) or {}, wanted[name]
        for benchmark in sorted(before.keys() & after.keys()):
            found += _differ(f"{name}.{benchmark}", before[benchmark], after[benchmark])
    return found


_BY_BENCHMARK = ("benchmarks", "prompt_sha256")


def _differ(name: str, saved: Any, asked: Any) -> Iterator[Difference]:
    if isinstance(saved, Mapping) and isinstance(asked, Mapping):
        for key in sorted({*saved, *asked}):
            yield from _differ(f"{name}.{key}", saved.get(key), asked.get(key))
    elif saved != asked and name not in _NAMES:
        yield Difference(name, saved, asked)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    return value
