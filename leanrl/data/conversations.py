"""A conversation in place of a problem, as TRL and verl write it in `prompt` and `messages`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leanrl.data.values import plain
from leanrl.types import Message

_ROLES = ("system", "user", "assistant")


@dataclass(frozen=True)
class Asked:
    """A question with what a conversation says before it."""

    question: str
    earlier: tuple[Message, ...] = ()  # turns of the user and the assistant
    system: str | None = None
    is_cut: bool = False  # whether the assistant's turns at the end are left out: they answer the question

    @property
    def text(self) -> str:
        """All that is asked, as one text."""
        return "\n\n".join([*(turn["content"] for turn in self.earlier), self.question])

    @property
    def turns(self) -> list[Message]:
        """The conversation that ends with the question; a single turn where nothing stands before it."""
        system: list[Message] = [] if self.system is None else [{"role": "system", "content": self.system}]
        return [*system, *self.earlier, {"role": "user", "content": self.question}]


@dataclass(frozen=True)
class NotAsked:
    """Why a value asks nothing."""

    reason: str


def read_asked(value: Any) -> Asked | NotAsked:
    """Return what a problem's value asks: a text, or a conversation with the user's question at its end."""
    value = plain(value)
    if isinstance(value, str):
        return Asked(value) if value.strip() else NotAsked("no problem")
    if value is None:
        return NotAsked("no problem")
    if not _is_conversation(value):
        return NotAsked(f"no problem in text, but {value!r:.40}")
    turns = [_read_turn(turn) for turn in value]
    wrong = next((turn for turn in turns if isinstance(turn, NotAsked)), None)
    return wrong or _read_turns([turn for turn in turns if not isinstance(turn, NotAsked)])


def last_assistant_text(value: Any) -> str | None:
    """Return the text of the assistant's last turn, or None where a value is no conversation with one."""
    if not _is_conversation(value):
        return None
    turns = [turn for turn in map(_read_turn, value) if not isinstance(turn, NotAsked)]
    return next((turn["content"] for turn in reversed(turns) if turn["role"] == "assistant"), None)


def _is_conversation(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(turn, Mapping) for turn in value)


def _read_turns(turns: Sequence[Message]) -> Asked | NotAsked:
    roles = [turn["role"] for turn in turns]
    asked = list(turns)
    while asked and asked[-1]["role"] == "assistant":
        asked.pop()
    system = asked.pop(0)["content"] if asked and asked[0]["role"] == "system" else None
    if not asked or asked[-1]["role"] != "user" or any(turn["role"] == "system" for turn in asked):
        return NotAsked(
            f"a conversation of {', '.join(roles)}: leanrl asks one that ends with the user's question, with at most "
            "one system message, at its start"
        )
    if not asked[-1]["content"].strip():
        return NotAsked("no problem: the user's last message is empty")
    return Asked(asked[-1]["content"], tuple(asked[:-1]), system, is_cut=roles[-1] == "assistant")


def _read_turn(turn: Mapping[str, Any]) -> Message | NotAsked:
    if "role" not in turn or "content" not in turn:
        return NotAsked(f"a conversation whose turns have the keys {', '.join(turn)}: leanrl reads role and content")
    role, content = str(turn["role"]), _text_of(plain(turn["content"]))
    if role not in _ROLES:
        return NotAsked(f"a conversation with a turn of the role {role}: leanrl reads {', '.join(_ROLES)}")
    if content is None:
        return NotAsked(f"a conversation with content that is no text, but {turn['content']!r:.40}")
    return {"role": role, "content": content}


def _text_of(content: Any) -> str | None:
    """Return the text of a turn, which may be a list of parts that are all text."""
    if isinstance(content, str):
        return content
    if isinstance(content, list) and content and all(isinstance(part, Mapping) for part in content):
        texts = [part.get("text") for part in content if part.get("type", "text") == "text"]
        if len(texts) == len(content) and all(isinstance(text, str) for text in texts):
            return "".join(str(text) for text in texts)
    return None
