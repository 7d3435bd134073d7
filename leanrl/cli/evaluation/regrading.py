"""`leanrl eval EVALUATION --grader math-verify`: kept completions graded by a second grader."""

import json
from collections.abc import Sequence
from pathlib import Path

from leanrl.storage.home import expanded


def grade_again(
    evaluation: str, grader: str, benchmarks: Sequence[str], data_dir: Path | None, *, as_json: bool
) -> None:
    """Grade the completions of an evaluation by another grader, and print its scores.

    Raises:
        ConfigError: if the grader is leanrl's own, whose verdicts are there.
    """
    from leanrl.cli.evaluation.scores_table import print_scores
    from leanrl.errors import ConfigError
    from leanrl.evaluation.regrading.regrade import grade_by_math_verify
    from leanrl.evaluation.standing import listening
    from leanrl.hints import command
    from leanrl.machine.environment import quiet_libraries

    if grader == "leanrl":
        raise ConfigError(
            f"{evaluation} is no model but an evaluation, which leanrl has graded.",
            hint=f"{command('eval', evaluation, '--grader', 'math-verify')} stores other verdicts beside; "
            f"{command('compare', 'BASE', evaluation)} compares it",
        )
    quiet_libraries()
    with listening() as listener:
        done = grade_by_math_verify(expanded(evaluation), benchmarks=benchmarks, data_dir=data_dir, say=listener.say)
    if as_json:
        print(json.dumps({"folder": str(done.folder), **done.scores}, indent=2))
    else:
        print_scores(done)
