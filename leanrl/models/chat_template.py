"""Whether a chat template keeps what a prompt says: a system message, worked examples with their thinking, the problem.

Templates drop a system message, refuse it, or write it into the user's turn; those of reasoning models cut the
thinking out of earlier answers. All of that is silent, so the first prompt of a run is rendered and read.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase

from leanrl.config.schema import ModelConfig
from leanrl.errors import ConfigError, Problem
from leanrl.hints import setting
from leanrl.prompting.rendering import Prompt, TemplateError, prompt_text
from leanrl.prompting.thinking import drop_thinking
from leanrl.storage.run_folder import RunFolder
from leanrl.types import Message

_NO_SYSTEM = f"{setting('data.system_prompt', None)}; its text can stand in data.prompt_template"
_NO_EXAMPLES = setting("data.examples", [])
_OTHER_TEMPLATE = f"{setting('model.chat_template', 'FILE')} names another template"
# Between a system message and the user's where a template writes both into one turn.
_JOINTS = ("\n\n", "\n", " ", "")

Render = Callable[[Sequence[Message]], str]


@dataclass
class Findings:
    """What is wrong with the rendering of a prompt, and what a user should know of it."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def require_chat_template(tokenizer: PreTrainedTokenizerBase, model: ModelConfig) -> None:
    """Check that messages can be turned into text; call it where a prompt is a conversation.

    Raises:
        ConfigError: if the tokenizer has no chat template.
    """
    if tokenizer.chat_template is None:
        raise ConfigError(
            f"{model.id or model.wheel} has no chat template, and the prompts are chat messages.",
            hint="-s model.chat_template=FILE names a Jinja template",
        )


def require_in_embedding(tokenizer: PreTrainedTokenizerBase, ids: Sequence[int], *, num_rows: int | None) -> None:
    """Check that every token of a prompt has a row in the embedding; on a GPU a missing one is a device assert.

    Raises:
        ConfigError: naming the token.
    """
    beyond = [] if num_rows is None else [token for token in ids if token >= num_rows]
    if beyond:
        raise ConfigError(
            f"a prompt holds {tokenizer.convert_ids_to_tokens(beyond[0])!r}, token {beyond[0]}, and the embedding of "
            f"the model has {num_rows} rows: the token was added to the tokenizer and not to the weights.",
            hint=f"{_OTHER_TEMPLATE} that does without it, or take a model whose weights have it",
        )


def check_prompt(tokenizer: PreTrainedTokenizerBase, prompt: Prompt, template_kwargs: Mapping[str, Any]) -> list[str]:
    """Return what to warn of before a run asks prompts like this one; plain text passes no template.

    Raises:
        ConfigError: if the template does not render the messages, or leaves a part of them out; each problem has the
            key to change.
    """
    if isinstance(prompt, str):
        return []
    findings = read_rendering(lambda given: prompt_text(tokenizer, given, template_kwargs), prompt)
    if findings.problems:
        raise ConfigError("The chat template does not ask the prompts as configured:", problems=findings.problems)
    return [*_unknown_arguments(tokenizer, template_kwargs), *findings.warnings]


def read_rendering(render: Render, messages: Sequence[Message]) -> Findings:
    """Return what a template does to a conversation of an optional system message, examples and the problem."""
    try:
        text = render(messages)
    except TemplateError as failure:
        return Findings(problems=_causes(render, messages, failure))
    problems = [*_lost_system(text, messages), *_lost_turns(text, messages)]
    return Findings(problems, [] if problems else _merged_system(render, text, messages))


def with_kept_template(model: ModelConfig, run: RunFolder | None) -> ModelConfig:
    """Return the model with the template that its run was started with, whatever has become of that file since."""
    kept = None if run is None else run.kept_template()
    return model if kept is None else model.model_copy(update={"chat_template": str(kept)})


def read_template(file: Path) -> str:
    """Return the text of a template's file.

    Raises:
        ConfigError: if it cannot be read.
    """
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"model.chat_template is {file}, which cannot be read: {error}", hint="-s model.chat_template=FILE"
        ) from error


def try_template(tokenizer: PreTrainedTokenizerBase, model: ModelConfig) -> None:
    """Check that a user's own template renders one message.

    Raises:
        ConfigError: if it does not, or the message is not in what it renders.
    """
    probe = "What is 3 + 4?"
    hint = "its input is `messages`, a list of {role, content}, and `add_generation_prompt`"
    try:
        text = prompt_text(tokenizer, [{"role": "user", "content": probe}], model.chat_template_kwargs)
    except TemplateError as failure:
        raise ConfigError(
            f"model.chat_template is {model.chat_template}, which does not render a message: {failure}", hint=hint
        ) from failure
    if probe not in text:
        raise ConfigError(
            f"model.chat_template is {model.chat_template}, whose output does not contain the user's message: {text!r}",
            hint=hint,
        )


def _causes(render: Render, messages: Sequence[Message], failure: TemplateError) -> list[Problem]:
    """Return which part of the messages the template does not take, found by leaving parts out."""
    system, question = [one for one in messages if one["role"] == "system"], messages[-1:]
    examples = [one for one in messages[:-1] if one["role"] != "system"]
    no_system = Problem("data.system_prompt", f"the template takes no system message ({failure})", _NO_SYSTEM)
    no_examples = Problem("data.examples", f"the template takes no worked examples ({failure})", _NO_EXAMPLES)
    tries = [
        ([*examples, *question], [no_system] if system else []),
        ([*system, *question], [no_examples] if examples else []),
        (question, [no_system, no_examples]),
    ]
    for rest, problems in tries:
        if problems and _renders(render, rest):
            return problems
    return [Problem("model.chat_template", f"the template does not render a message ({failure})", _OTHER_TEMPLATE)]


def _renders(render: Render, messages: Sequence[Message]) -> bool:
    try:
        render(messages)
    except TemplateError:
        return False
    return True


def _lost_system(text: str, messages: Sequence[Message]) -> list[Problem]:
    system = next((one["content"] for one in messages if one["role"] == "system"), "")
    if _bare(system) in _bare(text):
        return []
    return [Problem("data.system_prompt", "the template leaves the system message out", _NO_SYSTEM)]


def _lost_turns(text: str, messages: Sequence[Message]) -> list[Problem]:
    """Return a problem for each example, or the problem itself, that does not stand in the text in its order."""
    turns = [one for one in messages if one["role"] != "system"]
    bare, position, lost = _bare(text), 0, []
    for number, turn in enumerate(turns):
        found = bare.find(_bare(turn["content"]), position)
        if found < 0:
            lost.append(_lost(turn, number, bare[position:], is_question=number == len(turns) - 1))
        else:
            position = found + len(_bare(turn["content"]))
    return lost


def _lost(turn: Message, number: int, rest: str, *, is_question: bool) -> Problem:
    if is_question:
        return Problem("model.chat_template", "the template leaves the problem itself out", _OTHER_TEMPLATE)
    where = f"data.examples, number {number // 2 + 1}"
    answer = drop_thinking(turn["content"])
    if answer not in ("", turn["content"]) and _bare(answer) in rest:
        hint = f"write the answer without its thinking, or {_OTHER_TEMPLATE} that keeps it"
        return Problem(where, "the template cuts the thinking out of earlier answers", hint)
    part = "answer" if turn["role"] == "assistant" else "problem"
    return Problem(where, f"the template leaves the {part} out, or changes it", f"{_NO_EXAMPLES}, or {_OTHER_TEMPLATE}")


def _merged_system(render: Render, text: str, messages: Sequence[Message]) -> list[str]:
    if messages[0]["role"] != "system":
        return []
    system, first, *rest = messages
    for joint in _JOINTS:
        merged = {"role": first["role"], "content": f"{system['content'].strip()}{joint}{first['content'].strip()}"}
        if _renders(render, [merged, *rest]) and _bare(render([merged, *rest])) == _bare(text):
            return ["the chat template has no system turn: data.system_prompt stands at the head of the user's message"]
    return []


def _unknown_arguments(tokenizer: PreTrainedTokenizerBase, template_kwargs: Mapping[str, Any]) -> list[str]:
    template = str(tokenizer.get_chat_template())
    unknown = [name for name in template_kwargs if not re.search(rf"\b{re.escape(name)}\b", template)]
    if not unknown:
        return []
    names = " and ".join(f"model.chat_template_kwargs.{name}" for name in unknown)
    return [f"{names} {'has' if len(unknown) == 1 else 'have'} no effect: the chat template does not mention it"]


def _bare(text: str) -> str:
    """Return the text without white space: templates trim, and break lines around thinking."""
    return "".join(text.split())
