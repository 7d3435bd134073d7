"""Size of the report page of a long run, and seconds until a browser has loaded and drawn it.

    python benchmarks/report/page_speed.py [--steps 500] [--completions 72]

The run has 500 steps and 36,000 saved completions of 1,000 to 12,000 characters with mathematics. Chromium must be
installed. Opening is from the start of the navigation to the load event, after the page's script has run. Writes
benchmarks/results/report-page-<date>.json.
"""

import argparse
import json
import random
import statistics
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.results_file import RESULTS, write_results_file
from leanrl.machine.environment import describe_machine
from leanrl.report.page import write_report
from leanrl.storage.run_folder import RunFolder, write_jsonl
from tests.report.browser.chromium import address_of, chromium_tab
from tests.report.sample_run import write_sample_run

_SENTENCE = r"We substitute $x = \frac{{{0}}}{{7}}$ into the equation, so that $x^2 + {0}x = {1}$ holds. "
_PROMPTS_A_STEP = 12
_TIMES = 5


def write_long_run(path: Path, *, num_steps: int, num_completions: int) -> RunFolder:
    """Write a run with that many steps, and that many saved completions in each."""
    run = write_sample_run(path, num_steps=num_steps)
    draw = random.Random(5)
    for step in range(1, num_steps + 1):
        records = [_completion(step, place, draw) for place in range(num_completions)]
        write_jsonl(run.completions / f"step-{step:06d}.jsonl", records)
    return run


def _completion(step: int, place: int, draw: random.Random) -> dict[str, Any]:
    problem, is_right = f"{step}.{place % _PROMPTS_A_STEP}: solve for $x$.", draw.random() < 0.5
    sentences = [_SENTENCE.format(draw.randrange(99), draw.randrange(999)) for _ in range(draw.randrange(12, 140))]
    answer = place % _PROMPTS_A_STEP + (0 if is_right else 1)
    return {
        "step": step,
        "problem": problem,
        "gold": str(place % _PROMPTS_A_STEP),
        "completion": "".join(sentences) + rf"\boxed{{{answer}}}",
        "num_tokens": 30 * len(sentences),
        "rewards": {"one_box": 1.0, "accuracy": float(is_right)},
        "advantage": 1.0 if is_right else -1.0,
        "verdict": "correct" if is_right else "wrong",
    }


def seconds_to_open(page: Path, *, width: int) -> tuple[float, int]:
    """Return the median seconds until the page is loaded, and the figures that its script drew."""
    with chromium_tab() as tab:
        found = []
        for _ in range(_TIMES):
            tab.open(address_of(page), width=width)
            found.append(tab.run("performance.getEntriesByType('navigation')[0].loadEventStart / 1000"))
        assert tab.complaints == []
        return statistics.median(found), tab.run("document.querySelectorAll('figure[data-curve] .cursor').length")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=500)
    parser.add_argument("--completions", type=int, default=72)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = write_long_run(Path(folder) / "run", num_steps=arguments.steps, num_completions=arguments.completions)
        start = time.perf_counter()
        page = write_report(run)
        write_seconds = time.perf_counter() - start
        opened = {f"{width}_px": seconds_to_open(page, width=width) for width in (1200, 390)}
        content = {
            "num_steps": arguments.steps,
            "num_saved_completions": arguments.steps * arguments.completions,
            "page_megabytes": round(page.stat().st_size / 1e6, 2),
            "num_shown_completions": page.read_text(encoding="utf-8").count("<article "),
            "num_typeset_formulas": page.read_text(encoding="utf-8").count("<math"),
            "open_seconds": {name: round(seconds, 3) for name, (seconds, _) in opened.items()},
            "num_figures": opened["1200_px"][1],
            "write_seconds": round(write_seconds, 1),
        }
    print(json.dumps(content, indent=2))
    command = f"python benchmarks/report/page_speed.py --steps {arguments.steps} --completions {arguments.completions}"
    out = RESULTS / f"report-page-{date.today().isoformat()}.json"
    write_results_file(out, {"command": command, **describe_machine(), **content})


if __name__ == "__main__":
    main()
