"""Gold answers against themselves, and how fast an answer that needs a parser is judged."""

import time
from dataclasses import asdict
from typing import Any

from benchmarks.graders.judges import LONG_SECONDS
from leanrl.grading.answers.structure import read_structure
from leanrl.grading.judgement import judge
from leanrl.grading.pool import GraderPool
from leanrl.grading.process.warmup import EACH_KIND
from leanrl.grading.task import Task, plan_request
from leanrl.grading.text.normalisation import normalise
from leanrl.types import GradeRequest


def judge_golds(name: str, golds: list[str]) -> dict[str, Any]:
    """Return how many gold answers can be read and equal themselves, and how fast answers that need a parser are."""
    with GraderPool(num_workers=1, seconds=LONG_SECONDS) as pool:
        pool.grade([GradeRequest(r"\boxed{1+x}", "x+1")])
        readable = [gold for gold, can in zip(golds, pool.can_parse_gold(golds), strict=True) if can]
        verdicts = pool.grade([GradeRequest(rf"$\boxed{{{gold}}}$", gold) for gold in readable])
    # Adding zero changes no value, but makes another text of it: the parser has to compare the two. The lenient mode
    # asks for no finished form.
    terms = [gold for gold in dict.fromkeys(map(normalise, readable)) if is_term(gold)]
    plans = [plan_request(GradeRequest(rf"$\boxed{{{gold} + 0}}$", gold, "lenient")) for gold in terms]
    tasks = [plan for plan in plans if isinstance(plan, Task)]
    for task in EACH_KIND:
        judge(**asdict(task))
    # CPU seconds of this process, as a worker's limit counts them: what else the machine does is no part of them.
    started = time.process_time()
    parsed = [judge(**asdict(task)) for task in tasks]
    seconds = time.process_time() - started
    num_equal = parsed.count("correct") + plans.count("correct")
    return {
        "benchmark": name,
        "golds": len(golds),
        "unreadable": len(golds) - len(readable),
        "equal_themselves": round(sum(verdict.correct for verdict in verdicts) / len(readable), 4),
        "terms": len(terms),
        "equal_plus_zero": round(num_equal / max(1, len(terms)), 4),
        "parsed_per_cpu_second": round(len(parsed) / max(seconds, 1e-9)),
    }


def is_term(gold: str) -> bool:
    """Return whether a gold answer is one expression, to which zero can be added."""
    is_set = any(word in gold for word in (r"\cup", r"\mathbb", "matrix"))
    return read_structure(gold).kind == "expression" and not gold.endswith(r"\%") and not is_set
