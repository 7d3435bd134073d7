"""`leanrl plan --from RUN`: the run that is planned, and what is taken over from the one that has measured."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from leanrl.cli.terminal.colour import painted

if TYPE_CHECKING:
    from leanrl.config.schema import RunConfig
    from leanrl.planner.past_runs.calibration import Calibration

_LENGTHS = "rollout.lengths"


def preset_of(run: Path) -> str:
    """Return the configuration of a run, as a preset: what is planned where no other is named.

    Raises:
        ConfigError: if there is no run.
    """
    from leanrl.storage.run_folder import open_run_folder

    return str(open_run_folder(run).config)


def card_of(run: Path) -> list[str]:
    """Return the setting that names the card on which a run was: its preset may have been made for another."""
    from leanrl.planner.machine.cards import CARDS
    from leanrl.storage.run_folder import RunFolder, read_json_if_whole

    card = read_json_if_whole(RunFolder(run).plan).get("card")
    return [f"hardware.gpu={card}"] if card in CARDS else []


def with_what_was_measured(config: "RunConfig", run: Path, *, typed: Sequence[str]) -> "tuple[RunConfig, Calibration]":
    """Return the config with the measured lengths, unless some were typed, and the constants; warn of what is left.

    Raises:
        ConfigError: if the run has measured nothing.
    """
    from leanrl.planner.past_runs.next_run import with_measured_lengths
    from leanrl.planning import learn

    calibration = learn(config, run)
    for reason in calibration.refused:
        warning = painted("warning:", "warning", stream=sys.stderr)
        print(f"{warning} not taken over from {run}: {reason}", file=sys.stderr)
    if any(setting.startswith(_LENGTHS) for setting in typed):
        return config, replace(calibration, lengths=None)
    return with_measured_lengths(config, calibration), calibration
