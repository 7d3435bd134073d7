"""Lengths as a user gives them: `run:RUN` or `mean=600,cv=0.6,cut=0.1`, as settings of `rollout.lengths`."""

import shlex
from collections.abc import Mapping

from leanrl.config.names.nearest import did_you_mean, nearest_name
from leanrl.config.sections.lengths import ASSUMED_CV
from leanrl.errors import ConfigError, Problem
from leanrl.hints import setting
from leanrl.planner.past_runs.run_lengths import read_run_lengths
from leanrl.planner.time.length_profile import LengthProfile
from leanrl.storage.home import expanded

_RUN = "run:"
_KEYS = {"mean": "mean_tokens", "cv": "cv", "cut": "cut_share", "limit": "limit_tokens"}
_HINT = "`--lengths mean=600,cv=0.6,cut=0.1`, with limit=TOKENS where another limit cut them, or `--lengths run:RUN`"


def length_settings(text: str) -> list[str]:
    """Return the settings `rollout.lengths.KEY=VALUE` that the text of `--lengths` stands for.

    All keys are set, so that nothing of a preset's lengths is left.

    Raises:
        ConfigError: for a name that is not known, a value that is no number, and a run without lengths.
    """
    if text.strip() == _RUN:
        raise ConfigError(f"--lengths {text!r} names no run.", hint=_HINT)
    if text.startswith(_RUN):
        return profile_settings(read_run_lengths(expanded(text.removeprefix(_RUN))))
    values, problems = _read(text)
    if not problems and "mean" not in values:
        problems = [Problem("mean", "is missing: a spread or a fraction alone says nothing")]
    if problems:
        raise ConfigError(f"--lengths {text!r} cannot be read:", hint=_HINT, problems=problems)
    unset = {"cv": ASSUMED_CV, "cut_share": None, "limit_tokens": None}
    return _settings({**unset, **{_KEYS[name]: value for name, value in values.items()}, "source": "--lengths"})


def profile_settings(profile: LengthProfile) -> list[str]:
    """Return the settings that give a run these lengths."""
    return _settings(_values(profile))


def profile_flags(profile: LengthProfile) -> str:
    """Return the `-s` flags that give a run these lengths, quoted for the shell."""
    return " ".join(setting(f"rollout.lengths.{key}", value) for key, value in _values(profile).items())


def _values(profile: LengthProfile) -> dict[str, object]:
    return {
        "mean_tokens": round(profile.mean_tokens, 1),
        "cv": round(profile.cv, 3),
        "cut_share": None if profile.cut_share is None else round(profile.cut_share, 3),
        "limit_tokens": profile.limit_tokens,
        "source": profile.source,
    }


def _settings(values: Mapping[str, object]) -> list[str]:
    """Return the settings as `-s` takes them from a shell, without its quotes."""
    return [shlex.split(setting(f"rollout.lengths.{key}", value))[1] for key, value in values.items()]


def _read(text: str) -> tuple[dict[str, object], list[Problem]]:
    values: dict[str, object] = {}
    problems: list[Problem] = []
    for part in text.split(","):
        name, _, number = (piece.strip() for piece in part.partition("="))
        if name not in _KEYS:
            hint = did_you_mean(nearest_name(name, _KEYS)) or f"one of {', '.join(_KEYS)}"
            problems.append(Problem(name or repr(part), "is no part of lengths", hint))
            continue
        if name in values:
            problems.append(Problem(name, "is given twice", f"keep one `{name}=`"))
            continue
        try:
            values[name] = int(number) if name == "limit" else _share_or_number(number)
        except ValueError:
            kind = "a whole number of tokens" if name == "limit" else "a number"
            problems.append(Problem(name, f"{number!r} is not {kind}"))
    return values, problems


def _share_or_number(text: str) -> float:
    return float(text.removesuffix("%")) / 100 if text.endswith("%") else float(text)
