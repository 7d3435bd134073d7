"""What the watchdog says of a signal, in numbers."""

from leanrl.config.schema import RunConfig
from leanrl.config.sections.watchdog import WatchdogConfig
from leanrl.hints import setting
from leanrl.watch.judged import Judgement
from leanrl.watch.signals import signals_of


def described(judgement: Judgement, watchdog: WatchdogConfig) -> str:
    """Return what a signal is, and what it was, without a full stop."""
    level, reference = judgement.level, judgement.reference
    if judgement.name == "reward":
        return f"the mean reward fell to {level:.3g} from {reference:.3g} in the run's best steps"
    signal = next(one for one in signals_of(watchdog) if one.name == judgement.name)
    now, then = (f"{level:.0%}", f"{reference:.0%}") if signal.is_share else (f"{level:.3g}", f"{reference:.3g}")
    return (
        f"{now} {signal.words} (median of {watchdog.window_steps} steps; {then} in the first {watchdog.baseline_steps})"
    )


def no_reward_text(config: RunConfig, *, num_steps: int) -> str:
    """Return the warning that nothing was rewarded from the start."""
    names = ", ".join(config.rewards)
    return (
        f"No completion of the first {num_steps} steps earned a reward ({names}), so nothing is learned. Look at "
        f"completions/ of the run; easier problems or more completions may help: "
        f"{setting('train.num_completions', 2 * config.train.num_completions)}"
    )
