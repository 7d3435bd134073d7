"""A rollout of one prompt and one reply, as rewards of verifiers 0.4 read it."""

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any


class ReplyTrace:
    """What a rollout of one turn holds, under the names of verifiers' `Trace`.

    The reply is the completion as it was sampled, with its thinking part. A name that is not here raises
    AttributeError, which says what there is.
    """

    def __init__(self, data: Any, completion: Any) -> None:
        text = completion if isinstance(completion, str) else completion[-1]["content"]
        reply = SimpleNamespace(role="assistant", content=text, reasoning_content=None, tool_calls=None)
        prompt = data.prompt
        asked = [SimpleNamespace(role="user", content=prompt)] if isinstance(prompt, str) else list(prompt)
        system = getattr(data, "system_prompt", None)
        before = [] if system is None else [SimpleNamespace(role="system", content=system)]
        self.task = SimpleNamespace(data=data)
        self.messages = [*before, *asked, reply]
        self.assistant_messages = [reply]
        self.tool_messages: list[Any] = []
        self.last_message = reply
        self.last_reply = text.strip()
        self.num_turns = 1
        self.info: dict[str, Any] = {}
        self.metrics: dict[str, float] = {}

    def record_metric(self, name: str, value: float) -> None:
        """Keep a number beside the reward; leanrl writes none of them."""
        self.metrics[name] = float(value)

    def record_metrics(self, values: Mapping[str, float]) -> None:
        """Keep several of them."""
        for name, value in values.items():
            self.record_metric(name, value)

    def __getattr__(self, name: str) -> Any:
        there = ", ".join(sorted(vars(self)))
        raise AttributeError(f"a trace of leanrl, which holds one reply, has no {name!r}; it has {there}")


def text_of(turn: Any) -> str | None:
    """Return the text of a message; None where it holds images, tool calls or nothing."""
    if getattr(turn, "tool_calls", None):
        return None
    if isinstance(turn.content, str):
        return turn.content
    parts = [getattr(part, "text", None) for part in turn.content or ()]
    return None if not parts or None in parts else "\n".join(map(str, parts))
