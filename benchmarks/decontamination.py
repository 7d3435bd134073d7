"""Seconds and memory of decontamination, on generated problems, as the number of rows grows.

    python benchmarks/decontamination.py [NUM_ROWS ...]

Each number of rows has its own process. Rows are drawn from 4,000 words; one in 500 repeats one of 1,500 evaluation
problems with words around it, and one in ten ends in a form of speech that evaluation problems have too. `growth` is
the resident memory that the process gains while it works, `curve` its resident memory after each 100,000 rows. Prints a
line a case and writes benchmarks/results/<machine>-<date>-decontamination.json.
"""

import argparse
import json
import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.own_process import in_a_process, peak_bytes, resident_bytes
from benchmarks.results_file import RESULTS, results_path, write_results_file
from leanrl.config.sections.data import DataConfig
from leanrl.curation.decontamination.files import decontaminate
from leanrl.curation.decontamination.index import EvaluationProblem
from leanrl.machine.environment import describe_machine

_MIB = 2**20
_NUM_EVALUATION = 1500
_WORDS = [f"w{number:x}" for number in range(4000)]
_FORM = "where m and n are whole numbers without a common factor find m plus n"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("num_rows", nargs="*", type=int, default=[40_000, 400_000, 2_000_000])
    num_rows = parser.parse_args().num_rows
    cases = [in_a_process(_measure, count) for count in num_rows]
    path = results_path(RESULTS, "decontamination", gpu={}, vram_gib=None, tiny=False)
    counts = " ".join(map(str, num_rows))
    about = {"command": f"python benchmarks/{Path(__file__).name} {counts}", "machine": describe_machine()}
    write_results_file(path, about | {"num_evaluation_problems": _NUM_EVALUATION, "cases": cases})
    for case in cases:
        print({key: value for key, value in case.items() if key != "curve"})
    print(path)


def _measure(num_rows: int) -> dict[str, Any]:
    evaluation = list(_evaluation_problems())
    with tempfile.TemporaryDirectory() as folder:
        rows, out = Path(folder) / "rows.jsonl", Path(folder) / "clean.jsonl"
        with rows.open("w") as file:
            file.writelines(json.dumps(row) + "\n" for row in _rows(num_rows, evaluation))
        before, started = resident_bytes(), time.monotonic()
        curve: list[int] = []
        found = decontaminate(
            rows,
            evaluation,
            data=DataConfig(),
            out=out,
            say=lambda _: curve.append(round(resident_bytes() / _MIB)),
        )
        seconds = time.monotonic() - started
        file_mib = rows.stat().st_size / _MIB
    peak = peak_bytes()
    return {
        "num_rows": num_rows,
        "file_mib": round(file_mib),
        "seconds": round(seconds, 1),
        "peak_growth_mib": round((peak - before) / _MIB),
        "peak_mib": round(peak / _MIB),
        "num_dropped": found.num_dropped,
        "curve": curve,
    }


def _evaluation_problems() -> Iterator[EvaluationProblem]:
    generator = random.Random(1)
    for number in range(_NUM_EVALUATION):
        words = generator.choices(_WORDS, k=generator.randint(20, 80))
        text = " ".join(words + ([_FORM] if number % 5 == 0 else []))
        yield EvaluationProblem("generated", str(number), text, str(number))


def _rows(num_rows: int, evaluation: list[EvaluationProblem]) -> Iterator[dict[str, Any]]:
    generator = random.Random(2)
    for number in range(num_rows):
        words = generator.choices(_WORDS, k=generator.randint(20, 80))
        if number % 500 == 0:
            words = [*words[:5], *evaluation[number // 500 % _NUM_EVALUATION].text.split(), *words[:5]]
        yield {"problem": " ".join(words + ([_FORM] if number % 10 == 0 else [])), "answer": number}


if __name__ == "__main__":
    main()
