"""Keys that contradict each other, and settings without effect."""

from leanrl.config.checks.hardware import hardware_contradictions
from leanrl.config.checks.idle import idle_settings
from leanrl.config.checks.plugins import plugin_contradictions
from leanrl.config.checks.schedules import schedule_contradictions
from leanrl.config.checks.sources import source_contradictions
from leanrl.config.checks.text import text_warnings
from leanrl.config.checks.training import training_contradictions
from leanrl.config.checks.unsloth import unsloth_contradictions, unsloth_warnings
from leanrl.config.checks.watchdog import watchdog_contradictions
from leanrl.config.schema import RunConfig
from leanrl.errors import Problem


def find_contradictions(config: RunConfig) -> list[Problem]:
    """Return every combination of keys that cannot be run; `where` names the keys."""
    checks = (
        *(source_contradictions, hardware_contradictions, training_contradictions),
        *(plugin_contradictions, unsloth_contradictions, watchdog_contradictions),
        schedule_contradictions,
    )
    return [problem for check in checks for problem in check(config)]


def find_warnings(config: RunConfig) -> list[str]:
    """Return a sentence for every setting that has no effect beside the others, or a wasteful one."""
    return [sentence for check in (idle_settings, text_warnings, unsloth_warnings) for sentence in check(config)]
