"""`leanrl eval EVALUATION --grader math-verify`: kept completions graded by a second grader."""

import json
from collections.abc import Sequence
from pathlib import Path


def grade_again(
    evaluation: str, grader: str, benchmarks: Sequence[str], data_dir: Path | None, *, as_json: bool
) -> None:
    """Grade the completions of an evaluation by another grader, and print its scores.

    Raises:
        ConfigError: if the grader is leanrl's own, whose verdicts are there.
    """
    from leanrl.cli.evaluation.scores_table import print_scores
    from leanrl.evaluation.regrading.regrade import regrade
    from leanrl.evaluation.standing import listening
    from leanrl.machine.environment import quiet_libraries

    quiet_libraries()
    with listening() as listener:
        done = regrade(evaluation, grader, benchmarks=benchmarks, data_dir=data_dir, say=listener.say)
    if as_json:
        print(json.dumps({"folder": str(done.folder), **done.scores}, indent=2))
    else:
        print_scores(done)
