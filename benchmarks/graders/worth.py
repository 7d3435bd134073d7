"""What each mechanism of the grader is worth: its lines, and the verdicts that are wrong without it.

    python -m benchmarks.graders.worth [--every N]

Judges the pairs and the forms of tests/grading, or each Nth of them, first with every mechanism, then without one at
a time. A mechanism is a function in one place of the grader: without it, a text passes as it came, or a reader reads
nothing. Writes benchmarks/results/grading-worth-<date>.json.
"""

import argparse
import os
import re
import resource
import signal
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.results_file import RESULTS, write_results_file
from leanrl.grading.answers import structure
from leanrl.grading.judgement import judge
from leanrl.grading.task import Task, plan_request
from leanrl.machine.environment import describe_machine
from leanrl.types import FORMS, Form, GradeRequest

HERE = Path(__file__).parents[2]
ROOM = HERE / "leanrl" / "grading"
CASES = HERE / "tests" / "grading"
CPU_SECONDS, MEMORY_BYTES = 2.0, 4 * 2**30  # of one verdict, as in the pool; of this process
SHOWN = 8  # verdicts of one mechanism

_PAIR = re.compile(r"(?!#)(?P<gold>.+?) (?P<sign>==|!=) (?P<answer>.+)")


def _as_it_came(text: str, *_: Any) -> str:
    return text


def _nothing(*_: Any) -> None:
    return None


# The module in which a mechanism is used, its name there, and what stands in for it.
USES: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    *(("text.normalisation", name, _as_it_came) for name in (
        "spell_in_latex", "undress", "join_groups", "brace_arguments", "as_fractions", "drop_sentence",
        "read_numerals", "join_compounds", "mark_currencies", "mark_units", "join_at_commas",
    )),
    *(("answers.structure", reader.__name__, _nothing) for reader in structure._READERS),
    ("task", "mark_nouns", _as_it_came),
    ("answers.comparison", "with_letters_of", lambda gold, answer: iter([answer])),
    ("answers.comparison", "free_letter_of", _nothing),
    ("answers.equality", "_as_points", _nothing),
    ("answers.equality", "_are_same_choices", _nothing),
    ("answers.equality", "numbers_of", _nothing),
    ("answers.equality", "read_components", _nothing),
    ("answers.equality", "value_beside_a_number", _nothing),
    ("values.expressions", "avoid_traps", lambda gold, answer: (gold, answer)),
    ("values.expressions", "read_set_algebra", _nothing),
    ("values.expressions", "have_same_solutions", _nothing),
    ("values.expressions", "agree_at_points", _nothing),
    ("form.forms", "is_echo", lambda *_: False),
    ("form.forms", "_is_finished", lambda *_: True),
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A gold answer, an answer, the problem, the forms that are refused, and whether the answer is paid."""

    gold: str
    answer: str
    problem: str | None
    refused: tuple[Form, ...]
    is_right: bool


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=1, metavar="N")
    every = parser.parse_args().every
    cases = list(read_cases())[::every]
    whole = verdicts(cases)
    mechanisms = [without(*use, cases, whole) for use in USES]
    content = {
        "command": f"python -m benchmarks.graders.worth --every {every}",
        "date": date.today().isoformat(),
        "machine": describe_machine(),
        "cases": len(cases),
        "wrong_with_all": sum(paid != case.is_right for paid, case in zip(whole, cases, strict=True)),
        "files": by_file(mechanisms),
        "mechanisms": sorted(mechanisms, key=lambda row: -row["wrong_without"]),
    }
    write_results_file(RESULTS / f"grading-worth-{date.today().isoformat()}.json", content)


def by_file(mechanisms: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the files, those first whose lines are worth least, with the sums of lines and of verdicts up to each."""
    wrong = Counter[tuple[str, int]]()
    for row in mechanisms:
        wrong[row["file"], row["file_lines"]] += row["wrong_without"]
    rows, num_lines, num_wrong = [], 0, 0
    for (file, lines), lost in sorted(wrong.items(), key=lambda one: one[1] / one[0][1]):
        num_lines, num_wrong = num_lines + lines, num_wrong + lost
        rows.append({"file": file, "wrong_without": lost, "lines_so_far": num_lines, "wrong_so_far": num_wrong})
    return rows


def read_cases() -> Iterator[Case]:
    """Yield the pairs, whose form does not matter, and the forms."""
    for path in sorted((CASES / "answers").glob("*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if pair := _PAIR.fullmatch(line):
                yield Case(pair["gold"], pair["answer"], None, (), pair["sign"] == "==")
    for line in (CASES / "form" / "form_cases.txt").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            reason, gold, answer, problem = [*line.split(" ;; "), None][:4]
            yield Case(str(gold), str(answer), problem, FORMS, reason in ("ok", "correct"))


def verdicts(cases: Sequence[Case]) -> list[bool]:
    """Return whether each answer is paid; a process judges them, and another goes on behind a case that ends it."""
    found: list[bool] = []
    while len(found) < len(cases):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
            for case in cases[len(found) :]:
                os.write(writing, b"y" if verdict(case) else b"n")
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            found += [byte == ord("y") for byte in pipe.read()]
        if os.waitpid(child, 0)[1]:
            found.append(False)
    return found


def verdict(case: Case) -> bool:
    """Return whether an answer is paid; one that takes too long or ends the judge is not."""
    request = GradeRequest(rf"So it is $\boxed{{{case.answer}}}$.", case.gold, problem=case.problem)
    try:
        with _limit():
            plan = plan_request(request, refused=case.refused)
            if not isinstance(plan, Task):
                return plan == "correct"
            return judge(plan.mode, plan.golds, plan.answer, plan.problem, plan.refused) == "correct"
    except Exception:  # a parser that meets what a mechanism kept from it raises what it likes
        return False


def without(user: str, name: str, stand_in: Callable[..., Any], cases: list[Case], whole: list[bool]) -> dict[str, Any]:
    """Return a mechanism's row: where it is written, and which verdicts are wrong that were right."""
    module = import_module(f"leanrl.grading.{user}")
    original = getattr(module, name)
    with _replaced(module, name, original, stand_in):
        found = verdicts(cases)
    judged = zip(cases, whole, found, strict=True)
    lost = [(case, paid) for case, before, paid in judged if before == case.is_right != paid]
    source = Path(import_module(original.__module__).__file__ or "")
    return {
        "mechanism": f"{original.__module__.removeprefix('leanrl.grading.')}.{name}",
        "file": str(source.relative_to(HERE)),
        "file_lines": len(source.read_text(encoding="utf-8").splitlines()),
        "wrong_without": len(lost),
        "false_positives": sum(paid for _, paid in lost),
        "false_negatives": sum(not paid for _, paid in lost),
        "examples": [f"{case.gold}  {'!=' if paid else '=='}  {case.answer}" for case, paid in lost[:SHOWN]],
    }


@contextmanager
def _replaced(module: Any, name: str, original: Any, stand_in: Callable[..., Any]) -> Iterator[None]:
    """Put a stand-in in a function's place, and in that of a table of readers that holds it."""
    readers = getattr(module, "_READERS", ())
    setattr(module, name, stand_in)
    if readers:
        module._READERS = tuple(one for one in readers if one is not original)
    _forget()
    try:
        yield
    finally:
        setattr(module, name, original)
        if readers:
            module._READERS = readers
        _forget()


def _forget() -> None:
    """Empty the caches of the grader, which hold what another set of mechanisms made."""
    for name, module in list(sys.modules.items()):
        for member in vars(module).values() if name.startswith("leanrl.grading.") else ():
            if hasattr(member, "cache_clear"):
                member.cache_clear()


@contextmanager
def _limit() -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise TimeoutError

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


if __name__ == "__main__":
    main()
