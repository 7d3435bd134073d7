"""What the watchdog costs a step: its judgement, and the two measures of completions that it added.

    python benchmarks/watch/step_seconds.py [--repeats 20]

A step is that of a preset at its full size: so many completions, each at the token limit, of words and formulas. Its
length is what `leanrl plan` predicts for the preset on its own card, where the completions are as short as the plan
takes them to be: the shortest step is the hardest case. Writes benchmarks/results/watchdog-seconds-<date>.json.
"""

import argparse
import random
import statistics
import time
from collections.abc import Callable
from datetime import date
from typing import Any

from benchmarks.results_file import RESULTS, write_results_file
from benchmarks.watch.traces import trace
from leanrl.config.load import load_config
from leanrl.config.schema import RunConfig
from leanrl.machine.environment import describe_machine
from leanrl.planning import plan
from leanrl.rewards.text.fourgrams import repeated_4gram_share
from leanrl.rewards.text.language import other_script_share
from leanrl.watch.watchdog import Watchdog

PRESETS = ("a40x4-full-exp2", "single-gpu-lora", "single-gpu-qlora", "single-gpu-full")
_WORDS = ("so", "we", "have", "x^2", "+", "3", "=", "\\frac{a}{b}", "π", "and", "therefore", "the", "é", "sum")
_VOCABULARY, _CHARACTERS_A_TOKEN = 151_936, 4
_MOST_SHARE = 0.01


def main() -> None:
    """Measure, print a table, and write the results file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20, help="medians are of so many repetitions")
    arguments = parser.parse_args()
    rows = [measured(name, repeats=arguments.repeats) for name in PRESETS]
    for row in rows:
        print(row)
    write_results_file(
        RESULTS / f"watchdog-seconds-{date.today().isoformat()}.json",
        {
            "command": f"python benchmarks/watch/step_seconds.py --repeats {arguments.repeats}",
            **describe_machine(),
            "limit_share": _MOST_SHARE,
            "steps": rows,
        },
    )


def measured(preset: str, *, repeats: int) -> dict[str, Any]:
    """Return the seconds that a step of a preset spends on being watched, and their part of the planned step."""
    config = load_config(preset).config
    rng = random.Random(0)
    size, tokens = config.completions_per_rank, config.rollout.max_completion_tokens
    ids = [[rng.randrange(_VOCABULARY) for _ in range(tokens)] for _ in range(size)]
    texts = [_text(rng, tokens * _CHARACTERS_A_TOKEN) for _ in range(size)]
    judge = _median_seconds(_judging(config), repeats=repeats)
    measure = _median_seconds(
        lambda: ([repeated_4gram_share(one) for one in ids], [other_script_share(text, "en") for text in texts]),
        repeats=repeats,
    )
    shortest = min(plan(config).to_json()["time"]["step_seconds_by_mean"].values())
    return {
        "preset": preset,
        "completions": size,
        "tokens": tokens,
        "judge_seconds": judge,
        "measure_seconds": measure,
        "planned_step_seconds": shortest,
        "share": (judge + measure) / shortest,
    }


def _judging(config: RunConfig) -> Callable[[], object]:
    watchdog, steps = Watchdog(config), iter(trace("exp2", collapses=False, seed=0, num_steps=10_000))
    for _ in range(100):
        watchdog.see(next(steps))
    return lambda: watchdog.see(next(steps))


def _median_seconds(run: Callable[[], object], *, repeats: int) -> float:
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def _text(rng: random.Random, num_characters: int) -> str:
    words: list[str] = []
    length = 0
    while length < num_characters:
        words.append(rng.choice(_WORDS))
        length += len(words[-1]) + 1
    return " ".join(words)


if __name__ == "__main__":
    main()
