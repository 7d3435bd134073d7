"""The prompt of a problem: a conversation of an optional system message and a user message."""

from leanrl.errors import ConfigError, Problem
from leanrl.types import Message

PLACEHOLDER = "{problem}"


def build_prompt(problem: str, *, template: str, system_prompt: str | None) -> list[Message]:
    """Return the messages that ask `problem`.

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
    user = {"role": "user", "content": template.replace(PLACEHOLDER, problem)}
    return [user] if system_prompt is None else [{"role": "system", "content": system_prompt}, user]
