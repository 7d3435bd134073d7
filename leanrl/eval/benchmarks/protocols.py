"""How benchmarks are asked: prompt, sampling, and how many completions of each problem."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from leanrl.config.names.nearest import did_you_mean, nearest_name
from leanrl.errors import ConfigError

# The user message of the paper's evaluation (its task file has one text for all benchmarks).
_PAPER_PROMPT = (
    "Solve the following math problem efficiently and clearly.  The last line of your response should be of the "
    "following format: 'Therefore, the final answer is: $\\boxed{ANSWER}$. I hope it is correct' (without quotes) "
    "where ANSWER is just the final number or expression that solves the problem. Think step by step before "
    "answering.\n\n{problem}"
)
# A list of all completions is made before the first is drawn, and a typing error should not fill the memory.
MOST_SAMPLES = 10_000
_FEW_PROBLEMS = 50  # a benchmark of fewer is asked more often: AIME has 30, AMC 40


@dataclass(frozen=True)
class Protocol:
    """A way to ask.

    `prompt_template` None asks with the prompt of the model's own training, where that is known, else with the problem
    alone. `num_samples_of_few` is for benchmarks of fewer than 50 problems, `num_samples_of` for those named in it.
    """

    name: str
    about: str
    temperature: float
    top_p: float
    max_completion_tokens: int
    seed: int
    num_samples: int
    num_samples_of_few: int
    num_samples_of: Mapping[str, int] = field(default_factory=dict)
    prompt_template: str | None = None

    def samples(self, name: str, *, num_problems: int) -> int:
        """Return how many completions each problem of a benchmark gets."""
        of_size = self.num_samples_of_few if num_problems < _FEW_PROBLEMS else self.num_samples
        return self.num_samples_of.get(name, of_size)

    def with_samples(self, num_samples: int) -> "Protocol":
        """Return the protocol with as many completions for every problem.

        Raises:
            ConfigError: if there are none or too many, or several greedy ones, which would be equal.
        """
        if num_samples < 1:
            raise ConfigError(f"--samples is {num_samples}: each problem needs a completion.", hint="--samples 1")
        if num_samples > MOST_SAMPLES:
            what = f"--samples is {num_samples}, and a problem has at most {MOST_SAMPLES:,} completions."
            raise ConfigError(what, hint="--samples 16")
        if num_samples > 1 and self.temperature == 0:
            raise ConfigError(
                f"--samples is {num_samples}, and protocol {self.name} takes the likeliest token: all would be equal.",
                hint="--samples 1, or --protocol robust",
            )
        return replace(self, num_samples=num_samples, num_samples_of_few=num_samples, num_samples_of={})


_LONGEST = 32_768
PROTOCOLS: Mapping[str, Protocol] = {
    each.name: each
    for each in (
        # lighteval gives vLLM's engine seed 1234 by default, and the paper's logs confirm it.
        Protocol(
            "open-rs",
            "the paper's: one completion a problem at temperature 0.6",
            temperature=0.6,
            top_p=0.95,
            max_completion_tokens=_LONGEST,
            seed=1234,
            num_samples=1,
            num_samples_of_few=1,
            prompt_template=_PAPER_PROMPT,
        ),
        # The re-evaluation of arXiv 2504.07086: run.sh of its repository.
        Protocol(
            "sober",
            "the independent re-evaluation's: 10 completions of few problems, 3 of many, at temperature 0.8",
            temperature=0.8,
            top_p=0.9,
            max_completion_tokens=_LONGEST,
            seed=0,
            num_samples=3,
            num_samples_of_few=10,
            prompt_template=_PAPER_PROMPT,
        ),
        Protocol(
            "robust",
            "as sober, with 16 completions of few problems, 4 of MATH-500, 3 of others",
            temperature=0.8,
            top_p=0.9,
            max_completion_tokens=_LONGEST,
            seed=0,
            num_samples=3,
            num_samples_of_few=16,
            num_samples_of={"math500": 4},
            prompt_template=_PAPER_PROMPT,
        ),
        Protocol(
            "greedy",
            "the likeliest token each time, with the prompt of the model's training",
            temperature=0.0,
            top_p=1.0,
            max_completion_tokens=_LONGEST,
            seed=0,
            num_samples=1,
            num_samples_of_few=1,
        ),
    )
}


def find_protocol(name: str) -> Protocol:
    """Return a protocol by its name.

    Raises:
        ConfigError: if there is none.
    """
    if name in PROTOCOLS:
        return PROTOCOLS[name]
    near = did_you_mean(nearest_name(name, list(PROTOCOLS)))
    hint = " ".join(part for part in (near, f"protocols: {', '.join(PROTOCOLS)}") if part)
    raise ConfigError(f"There is no protocol {name!r}.", hint=hint)
