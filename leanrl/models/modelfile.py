"""A Modelfile beside a GGUF file, so that Ollama asks the model as it was asked in training.

Ollama fills a template of Go's with one exchange: .System, .Prompt and .Response. The chat template is a program in
Jinja, so its fixed text is found by rendering marked messages and reading what stands between the marks.
"""

from dataclasses import dataclass
from itertools import takewhile

from transformers import PreTrainedTokenizerBase

from leanrl.config.schema import RunConfig
from leanrl.rendering import TemplateError, prompt_text
from leanrl.stopping import Stopping
from leanrl.types import Message

_PROBLEM = "{problem}"  # in data.prompt_template
_SYSTEM, _FIRST, _ANSWER, _SECOND = "Mark0System", "Mark1First", "Mark2Answer", "Mark3Second"


@dataclass(frozen=True)
class Exchange:
    """The fixed text of one exchange, around a system message, a question and an answer.

    `before_system` is None where the chat template has no place for a system message before the question.
    """

    before_system: str | None
    behind_system: str
    before_question: str
    behind_question: str
    behind_answer: str

    def go_template(self, question: str) -> str:
        """Return the exchange as a template of Go's; `question` holds `{problem}` where the problem stands."""
        opening = _literal(self.before_question)
        if self.before_system is not None:
            with_system = f"{_literal(self.before_system)}{{{{ .System }}}}{_literal(self.behind_system)}"
            opening = f"{{{{ if .System }}}}{with_system}{{{{ else }}}}{opening}{{{{ end }}}}"
        before, _, behind = question.partition(_PROBLEM)
        asked = f"{_literal(before)}{{{{ .Prompt }}}}{_literal(behind)}{_literal(self.behind_question)}"
        return f"{opening}{asked}{{{{ .Response }}}}{_literal(self.behind_answer)}"


def read_exchange(tokenizer: PreTrainedTokenizerBase, config: RunConfig) -> Exchange | None:
    """Return the fixed text of the tokenizer's chat template; None where it has none that can be read off."""
    if tokenizer.chat_template is None:
        return None

    def render(*turns: tuple[str, str]) -> str:
        messages: list[Message] = [{"role": role, "content": content} for role, content in turns]
        text = prompt_text(tokenizer, messages, config.model.chat_template_kwargs)
        return text.removeprefix(_bos_that_is_added(tokenizer))

    try:
        before, behind = _around(render(("user", _FIRST)), _FIRST)
        behind_answer = _behind_answer(
            render(("user", _FIRST), ("assistant", _ANSWER), ("user", _SECOND)), before_question=before
        )
    except (TemplateError, ValueError):
        return None
    try:
        text = render(("system", _SYSTEM), ("user", _FIRST))
        before_system, rest = _around(text, _SYSTEM)
        behind_system, _ = _around(rest, _FIRST)
    except (TemplateError, ValueError):
        return Exchange(None, "", before, behind, behind_answer)
    return Exchange(before_system, behind_system, before, behind, behind_answer)


def modelfile(gguf: str, tokenizer: PreTrainedTokenizerBase, stopping: Stopping, config: RunConfig) -> str:
    """Return a Modelfile for a GGUF file in the same folder: template, system message, examples, ends, lengths."""
    lines = [f"FROM ./{gguf}"]
    exchange = read_exchange(tokenizer, config)
    data, rollout = config.data, config.rollout
    if exchange is None:
        lines.append("# The chat template has no form in Ollama that could be read off; Ollama takes the GGUF file's.")
    else:
        lines.append(f"TEMPLATE {_quoted(exchange.go_template(data.prompt_template))}")
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


def _around(text: str, mark: str) -> tuple[str, str]:
    """Return what stands before and behind a mark that has to be there once."""
    if text.count(mark) != 1:
        raise ValueError(f"{mark} is {text.count(mark)} times in what the template renders")
    before, _, behind = text.partition(mark)
    return before, behind


def _behind_answer(text: str, *, before_question: str) -> str:
    """Return what ends an answer: what stands between it and the opening of the next question."""
    _, rest = _around(text, _ANSWER)
    between, _ = _around(rest, _SECOND)
    shared = takewhile(lambda pair: pair[0] == pair[1], zip(reversed(between), reversed(before_question), strict=False))
    return between[: len(between) - sum(1 for _ in shared)]


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
