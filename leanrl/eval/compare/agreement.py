"""Whether two evaluations asked the same thing in the same way: what differs, by name and value."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from leanrl.eval.compare.reference import ReferenceRow
from leanrl.eval.compare.sides import Evaluated, Side, grader_of

# Keys of a protocol that say nothing of how a single completion is sampled; samples are compared by benchmark.
_NOT_COMPARED = ("name", "about", "seed", "samples")
_NOTED = ("engine", "dtype", "machine", "versions", "commit")
_MAX_CHARS = 60
_SAID = {"protocol.run": "greedy scores of two runs, whose prompts and problems are not known to be equal"}


def find_disagreements(base: Side, other: Side, benchmarks: Sequence[str]) -> list[str]:
    """Return what makes two sides no fair pair: prompt, sampling, grader, problems or numbers of samples.

    Of a published row only the sampling is known.
    """
    copied = [side for side in (base, other) if isinstance(side, ReferenceRow) and side.is_copied]
    lost = [f"{side.label} has no evaluation.json" for side in (base, other) if _asked(side) is None]
    lost += [f"{side.label} is {side.note}, and was asked in another way" for side in copied]
    one, two = _asked(base), _asked(other)
    if one is None or two is None:
        return lost
    keys = one.keys() | two.keys()
    if isinstance(base, ReferenceRow) or isinstance(other, ReferenceRow):
        keys = one.keys() & two.keys()
    found = lost + [_line(key, one.get(key), two.get(key)) for key in sorted(keys) if one.get(key) != two.get(key)]
    if isinstance(base, Evaluated) and isinstance(other, Evaluated):
        found += _of_benchmarks(base, other, benchmarks)
    return found


def find_notes(base: Side, other: Side) -> list[str]:
    """Return what else differs: it is told, and does not forbid to compare."""
    if not (isinstance(base, Evaluated) and isinstance(other, Evaluated) and base.asked and other.asked):
        return []
    one, two = base.asked, other.asked
    return [line for key in _NOTED for line in _leaves(key, one.get(key), two.get(key))]


def _asked(side: Side) -> dict[str, Any] | None:
    """Return how a side drew and judged completions, flat; None where nothing says it."""
    if isinstance(side, ReferenceRow):
        return {f"protocol.{key}": value for key, value in side.sampling.items()}
    if side.asked is None:
        return None
    protocol = side.asked.get("protocol")
    protocol = protocol if isinstance(protocol, Mapping) else {"": protocol}
    asked = {f"protocol.{key}": value for key, value in protocol.items() if not key.startswith("num_samples")}
    asked = {key: value for key, value in asked.items() if key.partition(".")[2] not in _NOT_COMPARED}
    prompts = side.asked.get("prompt_sha256")
    return asked | {"grader": grader_of(side)} | ({} if isinstance(prompts, Mapping) else {"prompt_sha256": prompts})


def _of_benchmarks(base: Evaluated, other: Evaluated, benchmarks: Sequence[str]) -> Iterator[str]:
    for name in benchmarks:
        one, two = (_entry(side, name) for side in (base, other))
        for key in ("sha256", "num_samples"):
            if one.get(key) != two.get(key):
                yield _line(f"benchmarks.{name}.{key}", one.get(key), two.get(key))
        prompts = [_prompt(side, name) for side in (base, other)]
        if prompts[0] != prompts[1]:
            yield _line(f"prompt_sha256.{name}", *prompts)


def _entry(side: Evaluated, benchmark: str) -> Mapping[str, Any]:
    entries = side.asked.get("benchmarks") if side.asked else None
    entry = entries.get(benchmark) if isinstance(entries, Mapping) else None
    return entry if isinstance(entry, Mapping) else {}


def _prompt(side: Evaluated, benchmark: str) -> Any:
    """Return the hash of a benchmark's prompts, where each benchmark has its own."""
    prompts = side.asked.get("prompt_sha256") if side.asked else None
    return prompts.get(benchmark) if isinstance(prompts, Mapping) else None


def _leaves(key: str, one: Any, two: Any) -> Iterator[str]:
    if isinstance(one, Mapping) and isinstance(two, Mapping):
        for inner in sorted(one.keys() | two.keys()):
            yield from _leaves(f"{key}.{inner}", one.get(inner), two.get(inner))
    elif one != two:
        yield _line(key, one, two)


def _line(key: str, one: Any, two: Any) -> str:
    return f"{_SAID.get(key, key)}: {_short(one)} and {_short(two)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_CHARS else text[: _MAX_CHARS - 1] + "…"
