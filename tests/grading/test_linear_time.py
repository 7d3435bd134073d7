"""No pattern and no function that meets a completion takes more than linear time: a policy would find the string.

CPU time is bounded far above what a linear pass takes and far below a quadratic one: 40,000 characters take
milliseconds or seconds.
"""

import importlib
import inspect
import itertools
import pkgutil
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import leanrl.grading
import leanrl.rewards
from leanrl.grading.task import MAX_ANSWER_CHARS, plan_request
from leanrl.grading.text import golds
from leanrl.grading.units import quantities
from leanrl.rewards.one_box import one_box
from leanrl.rewards.repetition import repetition
from leanrl.rewards.text.language import language_share
from leanrl.rewards.think_answer import think_answer
from leanrl.types import GradeRequest, Sample
from tests.cpu_time import cpu_seconds, is_within
from tests.grading.pumps import pumped_texts

NUM_CHARS = 40_000
MAX_CPU_SECONDS = 0.4
# These see short answers, and the end of a text, only.
SHORT = {
    quantities._DOUBTFUL: quantities._MAX_DOUBTFUL_CHARS,
    golds._ANNOUNCEMENT: golds._ANNOUNCED_TAIL_CHARS,
}
_METHOD = r"\.(search|match|fullmatch|finditer|findall|sub|split)\("


def _patterns() -> Iterator[tuple[str, re.Pattern[str], str]]:
    """Yield (name, pattern, source of its module) for every compiled pattern of grading and rewards."""
    found = [
        module_info.name
        for package in (leanrl.grading, leanrl.rewards)
        for module_info in pkgutil.walk_packages(package.__path__, prefix=f"{package.__name__}.")
    ]
    for module_name in [*found, "leanrl.prompting.thinking"]:
        module = importlib.import_module(module_name)
        for name, value in vars(module).items():
            for index, pattern in enumerate(_compiled(value)):
                yield f"{module_name.rpartition('.')[2]}.{name}[{index}]", pattern, inspect.getsource(module)


def _compiled(value: Any) -> list[re.Pattern[str]]:
    """Return the patterns of a constant: one, or a table of rules."""
    if isinstance(value, re.Pattern):
        return [value]
    if isinstance(value, tuple | list):
        return [pattern for item in value for pattern in _compiled(item)]
    return []


PATTERNS = list({pattern: (name, pattern, source) for name, pattern, source in _patterns()}.values())


def _runner(method: str, pattern: re.Pattern[str], text: str) -> Callable[[], object]:
    if method == "sub":
        return lambda: pattern.sub("", text)
    if method == "finditer":
        return lambda: list(pattern.finditer(text))
    return lambda: getattr(pattern, method)(text)


@pytest.mark.parametrize(("name", "pattern", "source"), PATTERNS, ids=[name for name, _, _ in PATTERNS])
def test_a_pattern_takes_linear_time(name, pattern, source):
    """By the methods that its module calls on it; a table's rules are substituted."""
    constant = name.split(".")[1].split("[")[0]
    methods = sorted(set(re.findall(rf"\b{constant}{_METHOD}", source))) or ["sub"]
    for text in pumped_texts(pattern, SHORT.get(pattern, NUM_CHARS)):
        for method in methods:
            assert is_within(MAX_CPU_SECONDS, _runner(method, pattern, text)), (method, text[:60])


def _sample(text: str) -> Sample:
    ids = text.encode("utf-8", "replace")
    return Sample(
        problem="", gold="5", text=text, num_tokens=len(ids), max_completion_tokens=2, is_truncated=False, token_ids=ids
    )


FUNCTIONS = {
    "strict": lambda text: plan_request(GradeRequest(text, "5", "strict")),
    "lenient": lambda text: plan_request(GradeRequest(text, "5", "lenient")),
    "as_run": lambda text: plan_request(GradeRequest(text, "5", "as_run")),
    "language": lambda text: language_share(text, "en"),
    "one_box": lambda text: one_box(_sample(text)),
    "think_answer": lambda text: think_answer(_sample(text)),
    "repetition": lambda text: repetition(_sample(text)),
}


def _few_texts(num_chars: int, *, every: int) -> Iterator[str]:
    for _, pattern, _ in PATTERNS:
        yield from itertools.islice(pumped_texts(pattern, num_chars), 0, None, every)


@pytest.mark.parametrize("every", [36, pytest.param(9, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_of_the_trainers_process_takes_linear_time(name, every):
    """What stands between boxes, and what has none."""
    for text in _few_texts(NUM_CHARS // 2, every=every):
        for completion in (text, rf"\boxed{{1}}{text}\boxed{{2}}"):
            assert is_within(1.0, lambda completion=completion: FUNCTIONS[name](completion)), completion[:60]


@pytest.mark.parametrize("every", [36, pytest.param(9, marks=pytest.mark.long)])
def test_an_answer_of_any_kind_is_normalised_in_linear_time(every):
    for text in _few_texts(MAX_ANSWER_CHARS - 100, every=every):
        completion = rf"\boxed{{{text}}}"
        assert is_within(1.0, lambda completion=completion: FUNCTIONS["strict"](completion)), completion[:60]


@pytest.mark.parametrize("pattern", [r"\s*\$?\s*,", r"<a>.+?</a>", r"\d+e"])
def test_the_texts_find_a_slow_pattern(pattern):
    """Known quadratic patterns: without this the other tests could pass on texts that prove nothing.

    Of the short times the least of five counts: a pause of the machine may be as long as they are.
    """
    compiled = re.compile(pattern, re.DOTALL)
    method = "fullmatch" if pattern.endswith(",") else "finditer"
    long, short = ([_runner(method, compiled, text) for text in pumped_texts(compiled, size)] for size in (6000, 600))
    worst = max(map(cpu_seconds, long))
    best = max(min(cpu_seconds(work) for _ in range(5)) for work in short)
    assert worst > 30 * best
