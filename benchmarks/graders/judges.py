"""Graders that take the same cases: leanrl's modes, math-verify's default, open-r1's and TRL's configuration."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from leanrl.grading.pool import GraderPool
from leanrl.types import GradeMode, GradeRequest, Verdict

# Far above what an answer takes, so that a busy machine decides no verdict of a comparison.
LONG_SECONDS = 40.0
_FIELDS = {field.name for field in fields(GradeRequest)}


@dataclass(frozen=True)
class Case:
    """One completion, the gold answer of its problem, and what is known of both."""

    id: str
    gold: str
    completion: str
    expected: bool
    group: str = ""
    mode: GradeMode = "strict"
    problem: str | None = None


Judge = Callable[[Sequence[Case]], list[bool]]


def ask(case: Case, *, mode: GradeMode | None = None) -> GradeRequest:
    """Return the request of a case, with its problem's text where leanrl takes one."""
    problem = {"problem": case.problem} if case.problem is not None and "problem" in _FIELDS else {}
    return GradeRequest(case.completion, case.gold, mode or case.mode, **problem)


def grade(cases: Sequence[Case], *, mode: GradeMode | None = None, seconds: float = LONG_SECONDS) -> list[Verdict]:
    """Return leanrl's verdict of each case, in order."""
    with GraderPool(seconds=seconds) as pool:
        return pool.grade([ask(case, mode=mode) for case in cases])


def leanrl(cases: Sequence[Case]) -> list[bool]:
    """Each case in its own mode."""
    return [verdict.correct for verdict in grade(cases)]


def leanrl_as_run(cases: Sequence[Case]) -> list[bool]:
    with GraderPool(seconds=LONG_SECONDS) as pool:
        requests = [GradeRequest(case.completion, f"${case.gold}$", "as_run") for case in cases]
        return [verdict.correct for verdict in pool.grade(requests)]


def math_verify_default(cases: Sequence[Case]) -> list[bool]:
    from math_verify import parse, verify

    clocks = {"parsing_timeout": round(LONG_SECONDS)}
    return [
        verify(
            parse(rf"$\boxed{{{case.gold}}}$", **clocks),
            parse(case.completion, **clocks),
            timeout_seconds=round(LONG_SECONDS),
        )
        for case in cases
    ]


def open_r1(cases: Sequence[Case]) -> list[bool]:
    """The configuration of open-r1's accuracy reward: strict LaTeX, boxes first, the gold answer first."""
    from latex2sympy2_extended import NormalizationConfig
    from math_verify import LatexExtractionConfig, parse, verify

    strict = NormalizationConfig(
        nits=False, malformed_operators=False, basic_latex=True, equations=True, boxed="all", units=True
    )
    answer_config = [
        LatexExtractionConfig(normalization_config=strict, boxed_match_priority=0, try_extract_without_anchor=False)
    ]
    verdicts = []
    for case in cases:
        parsed_gold = parse(f"${case.gold}$", extraction_mode="first_match")
        parsed_answer = parse(case.completion, extraction_config=answer_config, extraction_mode="first_match")
        verdicts.append(verify(parsed_gold, parsed_answer))
    return verdicts


def trl_reward(cases: Sequence[Case]) -> list[bool]:
    from trl.rewards import accuracy_reward

    completions = [[{"role": "assistant", "content": case.completion}] for case in cases]
    rewards = accuracy_reward(completions, [f"${case.gold}$" for case in cases])
    return [reward == 1.0 for reward in rewards]


GRADERS: dict[str, Judge] = {
    "leanrl": leanrl,
    "math-verify 0.9.0, default": math_verify_default,
    "TRL's accuracy_reward": trl_reward,
    "open-r1's configuration": open_r1,
    "leanrl, as_run (the paper's)": leanrl_as_run,
}
BY_CLASS = ("leanrl", "math-verify 0.9.0, default", "TRL's accuracy_reward")


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a JSON Lines file; its texts may hold other line separators than \\n."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
