"""The reply of a chat server while it arrives: one JSON object, or events that each hold a piece of it."""

import json
from typing import Any

_KEPT_BYTES = 4096
_END = b"[DONE]"


class ReplyError(Exception):
    """What came is no chat completion: what it lacks, and the words of the server."""

    def __init__(self, lack: str, said: str) -> None:
        super().__init__(lack)
        self.lack = lack
        self.said = said


class WholeReply:
    """A reply whose body is one text."""

    def __init__(self) -> None:
        self._body = bytearray()

    @property
    def text(self) -> str:
        return self._body.decode(errors="replace")

    def feed(self, part: bytes) -> bool:
        """Take what has come; return whether it brings the answer on."""
        self._body += part
        return bool(part)

    def content(self) -> Any:
        """Return what the JSON holds.

        Raises:
            ReplyError: where it is none.
        """
        try:
            return json.loads(self._body)
        except ValueError as error:
            raise ReplyError("no chat completion", self.text) from error


class EventsReply:
    """A reply whose body is events (`text/event-stream`), which are put together while they arrive."""

    def __init__(self) -> None:
        self._begin = b""
        self._rest = b""
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self._facts: dict[str, Any] = {}
        self._finish_reason: Any = None
        self._is_ended = False

    @property
    def text(self) -> str:
        """The first characters of the body."""
        return self._begin.decode(errors="replace")

    def feed(self, part: bytes) -> bool:
        """Take what has come; return whether it brings the answer on.

        Comments do not: servers send them to keep a connection open, also while their engine stands.

        Raises:
            ReplyError: for an event that holds no piece of a chat completion.
        """
        if len(self._begin) < _KEPT_BYTES:
            self._begin += part
        # Not by `splitlines`: a piece of a text may hold other line breaks, such as U+2028.
        *lines, self._rest = (self._rest + part).split(b"\n")
        events = [line.removeprefix(b"data:").strip() for line in lines if line.startswith(b"data:")]
        for event in events:
            self._take(event)
        return bool(events)

    def content(self) -> Any:
        """Return the chat completion in the form of a reply that comes whole.

        Raises:
            ReplyError: where the events hold none, or end too early.
        """
        self.feed(b"\n")
        if not self._texts:
            raise ReplyError("no chat completion", self.text)
        if not self._is_ended:
            raise ReplyError("no end of a completion", self.text)
        message = {"content": "".join(self._texts), "reasoning_content": "".join(self._thoughts)}
        return {**self._facts, "choices": [{"message": message, "finish_reason": self._finish_reason}]}

    def _take(self, event: bytes) -> None:
        if event == _END:
            self._is_ended = True
            return
        try:
            content = json.loads(event)
            self._facts |= {name: content[name] for name in ("model", "usage") if content.get(name)}
            for choice in content["choices"] or ():  # none beside the count of tokens
                delta = choice.get("delta") or {}
                self._texts.append(delta.get("content") or "")
                self._thoughts.append(delta.get("reasoning_content") or delta.get("reasoning") or "")
                self._finish_reason = choice.get("finish_reason") or self._finish_reason
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise ReplyError("no chat completion", event.decode(errors="replace")) from error
        if not all(isinstance(piece, str) for piece in (*self._texts[-1:], *self._thoughts[-1:])):
            raise ReplyError("no text", event.decode(errors="replace"))
        self._is_ended |= self._finish_reason is not None
