"""Options that do nothing beside another one, or without one: none is passed over without a word."""

from collections.abc import Mapping

from leanrl.errors import ConfigError


def refuse_idle_flags(why: str, others: Mapping[str, object], *, hint: str) -> None:
    """Refuse options that do nothing; `others` has the value of each, and `why` says beside what.

    Raises:
        ConfigError: naming those that were given.
    """
    given = [flag for flag, value in others.items() if value]
    if given:
        does = "do" if len(others) > 1 else "does"
        raise ConfigError(f"{why}, for which {', '.join(others)} {does} nothing; given: {', '.join(given)}.", hint=hint)
