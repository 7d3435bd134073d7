"""The watchdog: what it takes for a sick run, and what it does then. Each threshold names its source."""

from typing import Annotated, Literal

from pydantic import Field

from leanrl.config.sections.field_types import Fraction, NonNegative, NonNegativeInt, Positive, PositiveInt
from leanrl.config.sections.section import Section, key

_AXOLOTL = "axolotl, docs/training_stability"
_OURS = "our proposal"


class WatchdogConfig(Section):
    """A bound of null is not watched. `warn` warns; `act` ends the run or rolls it back at level act."""

    level: Literal["off", "warn", "act"] = key(
        "warn", "off: watch nothing; warn: say what goes wrong; act: also save, roll back and do what response says"
    )
    response: Literal["stop", "halve_learning_rate"] = key(
        "stop",
        "after a rollback; stop: end with exit code 6; halve_learning_rate: go on in the same command with half of it",
    )
    max_rollbacks: NonNegativeInt = key(2, "rollbacks after which the next one ends the run, whatever response says")
    baseline_steps: Annotated[int, Field(ge=2)] = key(
        20, f"first steps of the run, with which later ones are compared ({_OURS})"
    )
    window_steps: Annotated[int, Field(ge=2)] = key(
        9, f"a signal is the median of so many last steps, so that one bad step says nothing ({_OURS})"
    )
    act_steps: PositiveInt = key(10, f"steps in a row that a fault lasts before level act acts ({_OURS})")
    deviations: Positive = key(
        6.0, f"standard errors of a window by which a signal has to leave the first steps ({_OURS})"
    )
    zero_std_warn: Fraction | None = key(
        0.5,
        f"fraction of groups whose rewards are equal, unless the reward is up ({_OURS}; GRESO 2506.02177 aims at 0.25)",
    )
    zero_std_act: Fraction | None = key(0.8, f"the same; {_AXOLOTL}")
    truncated_warn: Fraction | None = key(0.3, f"fraction of completions that are cut; {_AXOLOTL}")
    truncated_act: Fraction | None = key(0.8, f"the same; {_AXOLOTL}")
    entropy_fall_warn: Fraction | None = key(
        0.5, f"fraction of the first steps' entropy below which it has collapsed, unless the reward is up ({_OURS})"
    )
    entropy_low_act: NonNegative | None = key(0.01, f"nats a token; {_AXOLOTL}")
    entropy_high_warn: NonNegative | None = key(
        0.5, f"nats a token, where it is 1.5 times that of the first steps too; {_AXOLOTL}"
    )
    entropy_high_act: NonNegative | None = key(1.0, f"the same; {_AXOLOTL}")
    kl_warn: NonNegative | None = key(0.5, f"nats a token to the reference policy; {_AXOLOTL}")
    kl_act: NonNegative | None = key(2.0, f"the same; {_AXOLOTL}")
    grad_norm_warn: NonNegative | None = key(1.0, f"where it is 3 times that of the first steps too; {_AXOLOTL}")
    grad_norm_act: NonNegative | None = key(10.0, f"the same; {_AXOLOTL}")
    clipped_ratio_warn: Fraction | None = key(0.1, f"fraction of tokens beyond the clip bounds; {_AXOLOTL}")
    clipped_ratio_act: Fraction | None = key(0.3, f"the same; {_AXOLOTL}")
    mismatch_warn: NonNegative | None = key(
        0.1, f"mean difference of log-probs between rollout engine and trainer, nats; {_AXOLOTL}"
    )
    mismatch_act: NonNegative | None = key(1.0, f"the same; {_AXOLOTL}")
    language_rise_warn: Fraction | None = key(
        0.05, f"fraction of words in other languages above the first steps ({_OURS})"
    )
    language_rise_act: Fraction | None = key(0.2, f"the same ({_OURS})")
    script_rise_warn: Fraction | None = key(
        0.02, f"fraction of letters in other scripts above the first steps ({_OURS})"
    )
    script_rise_act: Fraction | None = key(0.1, f"the same ({_OURS})")
    repetition_rise_warn: Fraction | None = key(
        0.1, f"fraction of 4-grams of tokens that repeat an earlier one, above the first steps ({_OURS})"
    )
    repetition_rise_act: Fraction | None = key(0.3, f"the same ({_OURS})")
    reward_fall_warn: Fraction | None = key(0.2, f"fraction of the run's best mean reward that is lost ({_OURS})")
    reward_fall_act: Fraction | None = key(0.3, f"the same ({_OURS})")
    no_reward_steps: PositiveInt | None = key(
        20, f"first steps in which every reward is 0, after which level warn says so; {_AXOLOTL}"
    )
