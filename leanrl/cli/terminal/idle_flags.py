"""Options that do nothing beside another one, or without one: none is passed over without a word."""

from collections.abc import Mapping

from leanrl.errors import ConfigError


def refuse_idle_flags(why: str, others: Mapping[str, object], *, hint: str) -> None:
    """Refuse options that would do nothing; `others` has the value of each, and `why` says beside what.

    Raises:
        ConfigError: naming those that were given.
    """
    given = [flag for flag, value in others.items() if value]
    if given:
        raise ConfigError(f"{why}: {', '.join(given)} would do nothing.", hint=hint)
