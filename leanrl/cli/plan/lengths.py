"""`leanrl plan --lengths` and `--measure`: how long completions are, as settings."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leanrl.config.schema import RunConfig


def lengths_given(text: str | None) -> list[str]:
    """Return what the text of `--lengths` sets.

    Raises:
        ConfigError: if it cannot be read, or names a run without lengths.
    """
    from leanrl.planner.time.length_settings import length_settings

    return [] if text is None else length_settings(text)


def measured_lengths(config: "RunConfig") -> list[str]:
    """Sample completions, and return what their lengths set; the flags that set the same go to stderr."""
    from leanrl.cli.terminal.progress import listening
    from leanrl.planner.time.length_settings import profile_flags, profile_settings
    from leanrl.planning import measure_lengths

    with listening() as listener:
        profile = measure_lengths(config, say=listener.say)
        listener.say(f"measured: {profile_flags(profile)}")
    return profile_settings(profile)
