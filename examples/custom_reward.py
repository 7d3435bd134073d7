"""A reward of one's own: prefer answers that do not repeat the problem.

    leanrl train -p cpu-demo --plugin examples/custom_reward.py -s rewards.no_echo=0.25

A reward is a pure function of one completion. Options are keyword arguments with a default; they are set with
`-s reward_options.no_echo.min_words=3`. The file is copied into the run folder, so that `--resume` finds it.
"""

from leanrl.rewards.registry import reward
from leanrl.types import Sample


@reward("no_echo")
def no_echo(sample: Sample, *, min_words: int = 2) -> float:
    """Return 1.0 unless the completion repeats the problem's text; short problems always earn it."""
    if len(sample.problem.split()) < min_words:
        return 1.0
    return float(sample.problem.lower() not in sample.text.lower())
