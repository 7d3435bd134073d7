"""A Modelfile beside a GGUF file, so that Ollama asks the model as it was asked in training.

Ollama fills a template of Go's with .Messages and .System. The chat template is a program in Jinja, so its fixed text
is found by rendering marked messages and reading what stands between the marks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

from leanrl.config.schema import RunConfig
from leanrl.prompting.rendering import TemplateError, prompt_text
from leanrl.prompting.stopping import Stopping
from leanrl.types import Message

_PROBLEM = "{problem}"  # in data.prompt_template
_SYSTEM, _FIRST, _ANSWER, _SECOND = "Mark0System", "Mark1First", "Mark2Answer", "Mark3Second"


@dataclass(frozen=True)
class FixedText:
    """What a chat template writes around the messages of a conversation.

    `before_system` and `behind_system` are None where it has no place for a system message before the question.
    """

    before_system: str | None
    behind_system: str | None
    before_first: str
    before_answer: str
    behind_answer: str
    opening: str

    def go_template(self, question: str) -> str:
        """Return it as a template of Go's; `question` holds `{problem}` where the problem stands."""
        before, _, behind = question.partition(_PROBLEM)
        following, system = _literal(self.behind_answer), ""
        if self.before_system is not None and self.behind_system is not None:
            system = f'{{{{ if eq .Role "system" }}}}{_literal(self.before_system)}{{{{ .Content }}}}{{{{ end }}}}'
            behind_system = f"{{{{ else if and (eq $i 1) $.System }}}}{_literal(self.behind_system)}"
            following = f"{behind_system}{{{{ else }}}}{following}"
        else:
            following = f"{{{{ else }}}}{following}"
        first = f"{{{{ if eq $i 0 }}}}{_literal(self.before_first)}{following}{{{{ end }}}}"
        user = f"{first}{_literal(before)}{{{{ .Content }}}}{_literal(behind)}"
        return (
            f"{{{{ range $i, $_ := .Messages }}}}{system}"
            f'{{{{ if eq .Role "user" }}}}{user}{{{{ end }}}}'
            f'{{{{ if eq .Role "assistant" }}}}{_literal(self.before_answer)}{{{{ .Content }}}}{{{{ end }}}}'
            f"{{{{ end }}}}{_literal(self.opening)}"
        )


def read_fixed_text(tokenizer: PreTrainedTokenizerBase, config: RunConfig) -> FixedText | None:
    """Return the fixed text of the tokenizer's chat template; None where it has none that can be read off."""
    if tokenizer.chat_template is None:
        return None

    def between(*turns: tuple[str, str]) -> list[str]:
        messages: list[Message] = [{"role": role, "content": content} for role, content in turns]
        text = prompt_text(tokenizer, messages, config.model.chat_template_kwargs)
        return _between(text.removeprefix(_bos_that_is_added(tokenizer)), [content for _, content in turns])

    conversation = (("user", _FIRST), ("assistant", _ANSWER), ("user", _SECOND))
    try:
        before_first, before_answer, behind_answer, opening = between(*conversation)
    except (TemplateError, ValueError):
        return None
    try:
        before_system, behind_system, *_ = between(("system", _SYSTEM), *conversation)
    except (TemplateError, ValueError):
        return FixedText(None, None, before_first, before_answer, behind_answer, opening)
    return FixedText(before_system, behind_system, before_first, before_answer, behind_answer, opening)


def modelfile(gguf: str, tokenizer: PreTrainedTokenizerBase, stopping: Stopping, config: RunConfig) -> str:
    """Return a Modelfile for a GGUF file in the same folder: template, system message, examples, ends, lengths."""
    lines = [f"FROM ./{gguf}"]
    fixed = read_fixed_text(tokenizer, config)
    data, rollout = config.data, config.rollout
    if fixed is None:
        lines.append("# The chat template has no form in Ollama that could be read off; Ollama takes the GGUF file's.")
    else:
        lines.append(f"TEMPLATE {_quoted(fixed.go_template(data.prompt_template))}")
    if data.system_prompt is not None:
        lines.append(f"SYSTEM {_quoted(data.system_prompt)}")
    for example in data.examples:
        lines += [f"MESSAGE user {_quoted(example.problem)}", f"MESSAGE assistant {_quoted(example.answer)}"]
    lines += [f"PARAMETER stop {_quoted(token)}" for token in tokenizer.convert_ids_to_tokens(list(stopping.stop_ids))]
    lines += [
        f"PARAMETER temperature {rollout.temperature:g}",
        f"PARAMETER top_p {rollout.top_p:g}",
        f"PARAMETER top_k {rollout.top_k}",
        f"PARAMETER min_p {rollout.min_p or 0.0:g}",
        f"PARAMETER repeat_penalty {rollout.repetition_penalty:g}",
        f"PARAMETER num_predict {rollout.max_completion_tokens}",
        f"PARAMETER num_ctx {config.max_model_tokens}",
    ]
    return "\n".join(lines) + "\n"


def _between(text: str, marks: Sequence[str]) -> list[str]:
    """Return what stands before, between and behind marks that have to be there once each, in their order."""
    parts = []
    for mark in marks:
        if text.count(mark) != 1:
            raise ValueError(f"{mark} is {text.count(mark)} times in what the template renders")
        before, _, text = text.partition(mark)
        parts.append(before)
    return [*parts, text]


def _bos_that_is_added(tokenizer: PreTrainedTokenizerBase) -> str:
    """Return the start token where llama.cpp puts it in front of every prompt by itself."""
    ids = tokenizer("a")["input_ids"]
    return str(tokenizer.bos_token) if ids and ids[0] == tokenizer.bos_token_id else ""


def _literal(text: str) -> str:
    """Return fixed text of a template of Go's, in which two braces, or one before an action, would begin an action."""
    escaped = text.replace("{{", '{{ "{{" }}')
    return f'{escaped[:-1]}{{{{ "{{" }}}}' if escaped.endswith("{") else escaped


def _quoted(text: str) -> str:
    """Return a text as a Modelfile reads it over several lines; three quotes, or one at the end, would end it early."""
    inside = text.replace('"""', "'''")
    return f'"""{inside} """' if inside.endswith('"') else f'"""{inside}"""'
