"""The run that `leanrl plan` is asked about: preset, settings, and what this machine or another run has measured."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from leanrl.cli.terminal.colour import painted
from leanrl.cli.terminal.default_preset import preset_or_default

if TYPE_CHECKING:
    from leanrl.config.schema import RunConfig
    from leanrl.planner.past_runs.calibration import Calibration


def planned_run(
    preset: str | None, given: Sequence[str], from_run: Path | None, *, measure: bool, plugins: Sequence[Path] = ()
) -> "tuple[RunConfig, Calibration | None]":
    """Return the config that is planned, and what `from_run` has measured.

    Args:
        preset: a name or a file; None is the preset of `from_run`, on its card, else the default.
        given: settings as `-s` takes them.
        from_run: a run that has measured lengths, speeds and memory.
        measure: whether to sample completions here first, for their lengths.
        plugins: files of plug-ins that the config may name.
    """
    from leanrl.cli.configured import configured
    from leanrl.cli.plan.from_run import card_of, preset_of, with_what_was_measured
    from leanrl.cli.plan.lengths import measured_lengths

    if from_run is not None and preset is None:
        preset, given = preset_of(from_run), [*card_of(from_run), *given]
    preset = preset_or_default(preset)
    config = configured(preset, given, plugins).config
    if measure:
        given = [*given, *measured_lengths(config)]
        config = configured(preset, given, plugins).config
    return (config, None) if from_run is None else with_what_was_measured(config, from_run, typed=given)


def print_warnings(config: "RunConfig", found: Sequence[str]) -> None:
    """Print what is warned of in the config, what was found on this machine, and which card a short name stands for."""
    from leanrl.config.checks.check import find_warnings
    from leanrl.planner.machine.card_names import size_note

    for warning in [*find_warnings(config), *found]:
        print(f"{painted('warning:', 'warning', stream=sys.stderr)} {warning}", file=sys.stderr)
    note = size_note(config.hardware.gpu)
    if note is not None:
        print(note, file=sys.stderr)
