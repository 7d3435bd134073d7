"""The grader against other graders, gold answers, hostile completions and random texts, and against the clock.

    python benchmarks/grading.py DATA_DIR

DATA_DIR holds grader_cases.jsonl ({"prediction_text", "gold", "expected"}), hostile_completions.jsonl ({"completion",
"gold"}) and benchmark files ({"answer", ...}), any of which may be missing. Prints tables and writes
benchmarks/results/<machine>-<date>-grading.json with command, commit and versions.
"""

import argparse
import json
import logging
import resource
import time
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from nasty_texts import GOLDS, MODES, TEXTS

from leanrl.environment import describe_machine
from leanrl.grading.answers.structure import Expression, read_structure
from leanrl.grading.pool import GraderPool
from leanrl.grading.text.normalisation import normalise
from leanrl.rewards.language import language_share
from leanrl.types import GradeMode, GradeRequest

RESULTS = Path(__file__).parent / "results"
CASES, HOSTILE = "grader_cases.jsonl", "hostile_completions.jsonl"
STEP_COMPLETIONS = 72  # completions of one step of the paper's run
LANGUAGE_CHARACTERS = 10_000  # some 3,000 tokens, a long completion of the paper's run
SECONDS = 2.0  # wall clock of one answer, the pool's default
FUZZ_PAIRS, FUZZ_SEED = 500, 3  # pairs of a completion and a gold answer; each is asked bare and boxed
Judge = Callable[[list[tuple[str, str]]], list[bool]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data_dir", type=Path)
    data_dir = parser.parse_args().data_dir
    logging.disable(logging.ERROR)
    found: dict[str, Any] = {}
    if (data_dir / CASES).is_file():
        found["cases"] = compare_graders(read_lines(data_dir / CASES))
        print_table("cases", found["cases"])
    benchmarks = {path.stem: read_lines(path) for path in sorted(data_dir.glob("*.jsonl"))}
    golds = {name: [str(row["answer"]) for row in rows] for name, rows in benchmarks.items() if "answer" in rows[0]}
    found["golds"] = [judge_golds(name, answers) for name, answers in golds.items()]
    print_table("gold answers against themselves", found["golds"])
    if (data_dir / HOSTILE).is_file():
        found["hostile"] = judge_hostile(read_lines(data_dir / HOSTILE))
        print_table("hostile completions", [found["hostile"]])
    found["fuzz"] = judge_random_texts()
    print_table("random texts", [found["fuzz"]])
    solutions = [row for rows in benchmarks.values() for row in rows if "\\boxed" in str(row.get("solution"))]
    if len(solutions) >= 2 * STEP_COMPLETIONS:
        found["step"] = judge_steps(solutions)
        print_table(f"a step of {STEP_COMPLETIONS} completions", [found["step"]])
        found["language"] = judge_language(solutions)
        print_table("language share", [found["language"]])
    print(write_results(found))


def compare_graders(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what each grader makes of the labelled cases."""
    pairs = [(case["gold"], case["prediction_text"]) for case in cases]
    rows = []
    for name, judge in GRADERS.items():
        verdicts = judge(pairs)
        expected = [case["expected"] for case in cases]
        rows.append(
            {
                "grader": name,
                "cases": len(cases),
                "accuracy": round(sum(map(bool.__eq__, verdicts, expected)) / len(cases), 4),
                "false_positives": sum(found and not right for found, right in zip(verdicts, expected, strict=True)),
                "false_negatives": sum(right and not found for found, right in zip(verdicts, expected, strict=True)),
            }
        )
    return rows


def leanrl_strict(pairs: list[tuple[str, str]]) -> list[bool]:
    with GraderPool(seconds=SECONDS) as pool:
        return [verdict.correct for verdict in pool.grade([GradeRequest(text, gold) for gold, text in pairs])]


def leanrl_as_run(pairs: list[tuple[str, str]]) -> list[bool]:
    with GraderPool(seconds=SECONDS) as pool:
        requests = [GradeRequest(text, f"${gold}$", "as_run") for gold, text in pairs]
        return [verdict.correct for verdict in pool.grade(requests)]


def math_verify_default(pairs: list[tuple[str, str]]) -> list[bool]:
    from math_verify import parse, verify

    return [verify(parse(rf"$\boxed{{{gold}}}$"), parse(text)) for gold, text in pairs]


def open_r1(pairs: list[tuple[str, str]]) -> list[bool]:
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
    for gold, text in pairs:
        parsed_gold = parse(f"${gold}$", extraction_mode="first_match")
        parsed_answer = parse(text, extraction_config=answer_config, extraction_mode="first_match")
        verdicts.append(verify(parsed_gold, parsed_answer))
    return verdicts


def trl_reward(pairs: list[tuple[str, str]]) -> list[bool]:
    from trl.rewards import accuracy_reward

    completions = [[{"role": "assistant", "content": text}] for _, text in pairs]
    rewards = accuracy_reward(completions, [f"${gold}$" for gold, _ in pairs])
    return [reward == 1.0 for reward in rewards]


GRADERS: dict[str, Judge] = {
    "leanrl, strict": leanrl_strict,
    "math-verify 0.9.0, default": math_verify_default,
    "open-r1's configuration": open_r1,
    "TRL's accuracy_reward": trl_reward,
    "leanrl, as_run (the paper's)": leanrl_as_run,
}


def judge_golds(name: str, golds: list[str]) -> dict[str, Any]:
    """Return how many gold answers can be read and equal themselves, and how fast answers that need a parser are."""
    with GraderPool(num_workers=1, seconds=SECONDS) as pool:
        pool.grade([GradeRequest(r"\boxed{1+x}", "x+1")])
        readable = [gold for gold, can in zip(golds, pool.can_parse_gold(golds), strict=True) if can]
        verdicts = pool.grade([GradeRequest(rf"$\boxed{{{gold}}}$", gold) for gold in readable])
        # Adding zero changes no value, but makes another text of it: the parser has to compare the two.
        terms = [gold for gold in dict.fromkeys(map(normalise, readable)) if is_term(gold)]
        started = time.perf_counter()
        parsed = pool.grade([GradeRequest(rf"$\boxed{{{gold} + 0}}$", gold) for gold in terms])
        seconds = time.perf_counter() - started
    return {
        "benchmark": name,
        "golds": len(golds),
        "unreadable": len(golds) - len(readable),
        "equal_themselves": round(sum(verdict.correct for verdict in verdicts) / len(readable), 4),
        "terms": len(terms),
        "equal_plus_zero": round(sum(verdict.correct for verdict in parsed) / max(1, len(parsed)), 4),
        "parsed_per_second_and_core": round(len(parsed) / seconds),
    }


def is_term(gold: str) -> bool:
    """Return whether a gold answer is one expression, to which zero can be added."""
    is_set = any(word in gold for word in (r"\cup", r"\mathbb", "matrix"))
    return isinstance(read_structure(gold), Expression) and not gold.endswith(r"\%") and not is_set


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
        "peak_bytes_of_a_worker": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024,
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
    """Return what the language share of a text costs, on texts of the length of the paper's completions."""
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


def read_lines(path: Path) -> list[dict[str, Any]]:
    # Texts may hold other line separators than "\n".
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]


def print_table(title: str, rows: Iterable[dict[str, Any]]) -> None:
    """Print rows as a Markdown table."""
    rows = list(rows)
    print(f"\n{title}\n\n| {' | '.join(rows[0])} |\n|{'---|' * len(rows[0])}")
    for row in rows:
        print(f"| {' | '.join(str(value) for value in row.values())} |")


def write_results(found: dict[str, Any]) -> Path:
    machine = describe_machine()
    name = f"{machine['system'].lower().replace(' ', '-')}-{machine['num_cpus']}cpu"
    path = RESULTS / f"{name}-{date.today().isoformat()}-grading.json"
    RESULTS.mkdir(exist_ok=True)
    written = {"command": "python benchmarks/grading.py DATA_DIR", "date": date.today().isoformat(), "machine": machine}
    path.write_text(json.dumps(written | found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return path


if __name__ == "__main__":
    main()
