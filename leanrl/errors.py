"""Every error a user can fix, with its exit code.

LeanRLError
 ├─ ConfigError      exit 2  a key, value or combination; holds all problems at once
 │   ├─ NoFormulaError        a model that the planner has no formula for; it can still be simulated and trained
 │   └─ SimulationError       a model whose step does not run without numbers; it can still be trained
 ├─ DoesNotFitError  exit 3  the plan, or the disk, says no
 ├─ DataError        exit 4  a dataset file or row
 ├─ RewardError      exit 4  a reward function of the user's own
 │   └─ PluginError          another function of the user's own, or what it returned
 ├─ MissingError     exit 5  a package, a backend, a model that cannot be had
 └─ StoppedError     exit 6  the run ended early; a checkpoint can be resumed
     └─ InterruptedRunError  exit 128 + signal (130 Ctrl-C, 143 SIGTERM)

To add one: subclass, give it an exit code, and raise it with a message (what, where, which value)
and a hint (the command or key that fixes it). What leanrl itself broke is no LeanRLError: let the
traceback show.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a configuration."""

    where: str
    what: str
    hint: str | None = None

    def __str__(self) -> str:
        line = f"{self.where}: {self.what}"
        return line if self.hint is None else f"{line} (hint: {self.hint})"


class LeanRLError(Exception):
    """A problem that the user can fix: a message, and a hint that says how."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None, problems: Sequence[Problem] = ()) -> None:
        self.problems = tuple(problems)
        self.message = "\n".join([message, *(f"  - {problem}" for problem in self.problems)])
        self.hint = hint
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message if self.hint is None else f"{self.message}\nhint: {self.hint}"

    def _render_traceback_(self) -> list[str]:
        """Return what a notebook shows in the place of a traceback: what the command line would print."""
        return [f"error: {self.message}", *([] if self.hint is None else [f"hint: {self.hint}"])]

    def lines(self) -> list[str]:
        """Return each problem as one line with its hint; the message where there is no list of problems."""
        if self.problems:
            return [str(problem) for problem in self.problems]
        return [self.message if self.hint is None else f"{self.message} (hint: {self.hint})"]


class ConfigError(LeanRLError):
    """The configuration cannot be used; `problems` lists everything that is wrong with it."""

    exit_code = 2


class NoFormulaError(ConfigError):
    """The planner has no formula for the model: its memory can be simulated, and it can be trained without a plan."""


class SimulationError(ConfigError):
    """A step of the model cannot be simulated: transformers does not know it, or its code needs real numbers."""


class DoesNotFitError(LeanRLError):
    """Memory or disk is too small for what was asked."""

    exit_code = 3


class DataError(LeanRLError):
    """A dataset cannot be read or holds nothing that can be trained on."""

    exit_code = 4


class RewardError(LeanRLError):
    """A reward function raised, or returned something that is no finite number."""

    exit_code = 4


class PluginError(RewardError):
    """A plug-in of the algorithm raised, or returned something that a step cannot use."""


class MissingError(LeanRLError):
    """Something that has to be installed or fetched first is not there."""

    exit_code = 5


class StoppedError(LeanRLError):
    """The run ended before its last step and left a checkpoint that can be resumed."""

    exit_code = 6


class InterruptedRunError(StoppedError):
    """A signal ended the run after a checkpoint; the exit code is the shell's for that signal."""

    def __init__(self, message: str, *, hint: str | None = None, signal_number: int) -> None:
        super().__init__(message, hint=hint)
        self.exit_code = 128 + signal_number


def all_at_once(errors: Sequence[LeanRLError], message: str) -> LeanRLError:
    """Return one error that says what all of them say, with the class and the exit code of the first."""
    first = errors[0]
    if len(errors) == 1:
        return first
    lines = [line.replace("\n", "\n    ") for error in errors for line in error.lines()]
    return type(first)("\n".join([message, *(f"  - {line}" for line in lines)]))
