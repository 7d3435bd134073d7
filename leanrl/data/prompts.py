"""The prompt of a problem: a conversation of an optional system message, worked examples, and the question."""

from collections.abc import Sequence
from dataclasses import dataclass

from leanrl.config.sections.data import WorkedExample
from leanrl.errors import ConfigError, Problem
from leanrl.types import Message

PLACEHOLDER = "{problem}"


@dataclass(frozen=True)
class PromptTemplate:
    """How a dataset asks its problems."""

    template: str
    system_prompt: str | None
    examples: tuple[WorkedExample, ...] = ()

    def build(self, problem: str) -> list[Message]:
        """Return the messages that ask a problem, as `build_prompt` does."""
        return build_prompt(problem, template=self.template, system_prompt=self.system_prompt, examples=self.examples)


def build_prompt(
    problem: str,
    *,
    template: str,
    system_prompt: str | None,
    examples: Sequence[WorkedExample] = (),
    earlier: Sequence[Message] = (),
) -> list[Message]:
    """Return the messages that ask `problem`, after the examples with their answers and the earlier turns.

    The placeholder is replaced literally and never by str.format: prompts of mathematics are full of braces
    (`\\boxed{}`), in the template and in the problem.

    Raises:
        ConfigError: if the template has no placeholder; every problem would be asked with the same words.
    """
    if PLACEHOLDER not in template:
        problem_found = Problem(
            "data.prompt_template",
            f"{template!r} does not contain {PLACEHOLDER}",
            hint=f"write {PLACEHOLDER} where the problem's text belongs",
        )
        raise ConfigError("The prompt template leaves the problem out.", problems=[problem_found])
    system = [] if system_prompt is None else [{"role": "system", "content": system_prompt}]
    shown = [
        turn
        for example in examples
        for turn in (_ask(example.problem, template), {"role": "assistant", "content": example.answer})
    ]
    return [*system, *shown, *earlier, _ask(problem, template)]


def _ask(problem: str, template: str) -> Message:
    return {"role": "user", "content": template.replace(PLACEHOLDER, problem)}
