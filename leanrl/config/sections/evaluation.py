"""What is asked of the held-out problems: before and after a run, and during training."""

from leanrl.config.sections.field_types import NonNegative, NonNegativeInt, PositiveInt
from leanrl.config.sections.section import Section, key


class EvalConfig(Section):
    """Evaluations of a run; none of them touches the random numbers of training."""

    greedy: bool = key(False, "ask the held-out problems greedily before and after training")
    batch_size: PositiveInt = key(16, "problems in one batch of the evaluation")
    every_steps: PositiveInt | None = key(
        None,
        "steps between evaluations during training, rounded up to whole rollouts; the start and the last step get one "
        "too; null evaluates nothing during training",
    )
    num_problems: PositiveInt | None = key(
        None, "held-out problems of an evaluation during training, the same ones at every step; null asks all"
    )
    samples: PositiveInt = key(1, "completions of each problem in an evaluation during training")
    temperature: NonNegative = key(
        0.0, "of evaluations during training; 0 takes the likeliest token, and then one sample says all"
    )
    seed: NonNegativeInt = key(42, "seed of the chosen problems, and of each sample by its problem and number")
