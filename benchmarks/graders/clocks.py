"""The grader against the clock: hostile completions, random texts, a step's completions, the language share."""

import resource
import time
from collections import Counter
from collections.abc import Callable
from multiprocessing import get_context
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from benchmarks.nasty_texts import GOLDS, MODES, TEXTS
from leanrl.grading.pool import GraderPool
from leanrl.rewards.text.language import language_share
from leanrl.types import GradeMode, GradeRequest

STEP_COMPLETIONS = 72  # completions of one step of the paper's run
LANGUAGE_CHARACTERS = 10_000  # some 3,000 tokens, a long completion of the paper's run
SECONDS = 2.0  # limit of one answer, the pool's default
FUZZ_PAIRS, FUZZ_SEED = 500, 3  # pairs of a completion and a gold answer; each is asked bare and boxed


def judge_clocks(*, hostile: list[dict[str, Any]], solutions: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what depends on seconds; run it on an idle machine.

    Args:
        hostile: rows with `completion` and `gold`.
        solutions: rows with a boxed `solution` and its `answer`.
    """
    found: dict[str, Any] = {"fuzz": in_a_process_of_its_own(judge_random_texts)}
    if hostile:
        found["hostile"] = in_a_process_of_its_own(judge_hostile, hostile)
    if len(solutions) >= 2 * STEP_COMPLETIONS:
        found["step"] = judge_steps(solutions)
        found["language"] = judge_language(solutions)
    return found


def in_a_process_of_its_own(judge: Callable[..., dict[str, Any]], *arguments: object) -> dict[str, Any]:
    """Return what a judge finds, with the peak of its own workers: the kernel counts all children of a process."""
    with get_context("spawn").Pool(1) as process:
        return process.apply(_with_peak, (judge, arguments))


def _with_peak(judge: Callable[..., dict[str, Any]], arguments: tuple[object, ...]) -> dict[str, Any]:
    found = judge(*arguments)
    return found | {"peak_bytes_of_a_worker": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024}


def judge_hostile(cases: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the reasons, and how far over the wall clock the worst verdict came."""
    with GraderPool(num_workers=1, seconds=SECONDS) as pool:
        started = time.perf_counter()
        verdicts = pool.grade([GradeRequest(case["completion"], str(case["gold"])) for case in cases])
        seconds = time.perf_counter() - started
        after = pool.grade([GradeRequest(r"\boxed{1+x}", "x+1")])[0]
    return {
        "completions": len(cases),
        "reasons": dict(Counter(verdict.reason for verdict in verdicts)),
        "worst_seconds_over_clock": round(max(verdict.seconds for verdict in verdicts) - SECONDS, 3),
        "total_seconds": round(seconds, 1),
        "alive_afterwards": after.correct,
    }


def judge_random_texts() -> dict[str, Any]:
    """Return the reasons, and how far over the wall clock the slowest call came, each with a single completion."""
    verdicts, calls = [], []
    with GraderPool(num_workers=1, seconds=SECONDS) as pool:
        pool.grade([GradeRequest(r"\boxed{1+x}", "x+1")])

        @seed(FUZZ_SEED)
        @settings(
            max_examples=FUZZ_PAIRS,
            phases=[Phase.generate],
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(completion=TEXTS, gold=GOLDS, mode=MODES)
        def judge_pair(completion: str, gold: str, mode: GradeMode) -> None:
            for text in (completion, rf"\boxed{{{completion}}}"):
                started = time.perf_counter()
                verdicts.extend(pool.grade([GradeRequest(text, gold, mode)]))
                calls.append(time.perf_counter() - started)

        judge_pair()
        after = pool.grade([GradeRequest(r"\boxed{2+x}", "x+2")])[0]
    return {
        "verdicts": len(verdicts),
        "reasons": dict(Counter(verdict.reason for verdict in verdicts)),
        "worst_call_seconds_over_clock": round(max(calls) - SECONDS, 3),
        "alive_afterwards": after.correct,
    }


def judge_steps(solutions: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the seconds of a first step, which starts the workers, and of later ones with new problems."""
    rows = solutions[: len(solutions) // STEP_COMPLETIONS * STEP_COMPLETIONS][: 10 * STEP_COMPLETIONS]
    requests = [GradeRequest(row["solution"], str(row["answer"])) for row in rows]
    steps = [requests[start : start + STEP_COMPLETIONS] for start in range(0, len(requests), STEP_COMPLETIONS)]
    seconds = []
    with GraderPool(seconds=SECONDS) as pool:
        for step in steps:
            started = time.perf_counter()
            pool.grade(step)
            seconds.append(round(time.perf_counter() - started, 3))
    return {"steps": len(steps), "first_seconds": seconds[0], "worst_later_seconds": max(seconds[1:])}


def judge_language(solutions: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the language fraction of a text costs, on texts of the length of the paper's completions."""
    words = "\n".join(row["solution"] for row in solutions)
    texts = [words[start : start + LANGUAGE_CHARACTERS] for start in range(0, len(words), LANGUAGE_CHARACTERS)]
    texts = texts[:STEP_COMPLETIONS]
    language_share(texts[0], "en")  # loads the identifier's model
    started = time.perf_counter()
    shares = [language_share(text, "en") for text in texts]
    seconds = time.perf_counter() - started
    return {
        "texts": len(texts),
        "characters": LANGUAGE_CHARACTERS,
        "milliseconds_per_text": round(1000 * seconds / len(texts), 1),
        "lowest_share": round(min(share for share in shares if share is not None), 3),
    }
