"""The stream on an OpenAI-compatible server: as many requests at once as there are slots."""

import asyncio
import re
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from huggingface_hub.utils import httpx

from leanrl.errors import ConfigError, MissingError, StoppedError
from leanrl.hints import quoted
from leanrl.machine.loopback import is_loopback
from leanrl.rollout.streams.chat_reply import EventsReply, ReplyError, WholeReply
from leanrl.rollout.streams.loop_thread import LoopThread
from leanrl.rollout.streams.silence import Silence, SilentError
from leanrl.rollout.streams.stream import SlotMeter, StreamAnswer, StreamRequest, StreamSampling, Take

_NUM_TRIES = 6
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 1.0, 600.0
_CONNECT_SECONDS = 30.0
_BUSY = frozenset((408, 409, 425, 429))
_FAULT_OF_SERVER = 500  # and above, such as 529 of a server that is overloaded
_MOVED = range(300, 400)
_NO_LEAVE = frozenset((401, 403))
_REFUSED = frozenset((400, 422))
_NOT_FOUND = 404
_OF_LENGTH = re.compile("token|length|context", re.IGNORECASE)
_SHOWN = 200
_SECRET_CHARACTERS = 8
_CHARACTERS_OF_A_TOKEN = 4
_PIECE_BY_PIECE = {"stream": True, "stream_options": {"include_usage": True}}


class EndpointStream:
    """`CompletionStream` on a server's chat completions.

    A server that is busy (429, 5xx, no answer), or sends no completion, is asked again, after the time that it names or
    a growing one. Completions are asked for piece by piece, so that a slow server differs from a silent one; a server
    that refuses this is asked for whole ones. A server of this machine is never asked through a proxy. Tokens are those
    that the server counts, or one for each four characters. What a server says is told without the key, which some
    servers repeat.

    Args:
        url: the address up to /v1.
        model: name of the model at the server.
        key: sent as a bearer token, and written nowhere.
        num_slots: requests at once.
        silent_seconds: a server that sends nothing to any request for so long is given up.
        longer: how a user sets a longer silence, for messages.
        say: hears of answers that are asked for again.
        sleep: waits, in place of the clock's.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        key: str | None,
        sampling: StreamSampling,
        num_slots: int,
        silent_seconds: float,
        longer: str,
        say: Callable[[str], None],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self.meter = SlotMeter()
        self._url = f"{url.rstrip('/')}/chat/completions"
        self._model = model
        self._sampling = sampling
        self._num_slots = num_slots
        self._say = _Voice(say)
        # A short one, such as EMPTY, is no secret and may be a word of a completion.
        self._secret = key if key and len(key) >= _SECRET_CHARACTERS else None
        self._has_key = key is not None
        self._num_answers = self._num_empty = 0
        self._sleep = sleep
        self._streams = True
        self._silent_seconds, self._longer = silent_seconds, longer
        self._silence = Silence(silent_seconds, tell=self._tell_of_silence)
        self._client = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(None, connect=_CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=num_slots),
            trust_env=not is_loopback(url),
        )
        self._loop = LoopThread("leanrl-endpoint")
        self._is_closed = False

    def draw(self, take: Take) -> Iterator[StreamAnswer]:
        running: set[Future[StreamAnswer]] = set()
        try:
            while True:
                while len(running) < self._num_slots and (request := take()) is not None:
                    running.add(self._loop.submit(self._ask(request)))
                if not running:
                    break
                ended, running = self._wait(running)
                for answer in _answers(ended):
                    self._num_answers += 1
                    self._num_empty += not answer.text
                    yield answer
        finally:
            for future in running:
                future.cancel()
        if self._num_empty:
            self._say.once(f"{self._num_empty} of {self._num_answers} completions of {self._model} have no text")

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._loop.submit(self._client.aclose()).result()
            self._loop.close()

    def _wait(self, running: set[Future[StreamAnswer]]) -> tuple[set[Future[StreamAnswer]], set[Future[StreamAnswer]]]:
        started = time.monotonic()
        ended, left = wait(running, return_when=FIRST_COMPLETED)
        seconds = time.monotonic() - started
        self.meter.count(num_busy=len(running) * seconds, num_slots=self._num_slots * seconds)
        return ended, left

    async def _ask(self, request: StreamRequest) -> StreamAnswer:
        started, failed = time.monotonic(), _TryAgainError("nothing")
        for number in range(_NUM_TRIES):
            if number:
                own_seconds = _FIRST_WAIT_SECONDS * 2 ** (number - 1)
                seconds = max(own_seconds, min(failed.asked_seconds, _LONGEST_WAIT_SECONDS))
                self._say.again(f"{self._url} answered with {failed}", number, seconds)
                await self._sleep(seconds)
            try:
                return await self._try(request, started)
            except _TryAgainError as error:
                failed = error
        raise StoppedError(
            f"{self._url} answered {_NUM_TRIES} times with {failed}.",
            hint="the same command goes on where this one stopped",
        ) from failed

    async def _try(self, request: StreamRequest, started: float) -> StreamAnswer:
        is_streamed = self._streams
        try:
            reply = await self._silence.bound(self._reply(request, is_streamed=is_streamed))
            if reply.status == httpx.codes.OK:
                return self._answer(reply, request, seconds=time.monotonic() - started)
        except httpx.HTTPError as error:
            raise _TryAgainError(f"no answer ({type(error).__name__}: {error})") from error
        except ReplyError as error:
            raise _TryAgainError(f"{error.lack} but {self._said(error.said)!r}") from error
        except SilentError as error:
            raise self._given_up(was_heard=error.was_heard) from error
        failure = f"status {reply.status}: {self._said(reply.body.text)!r}"
        if reply.status in _BUSY or reply.status >= _FAULT_OF_SERVER:
            raise _TryAgainError(failure, _seconds_asked(reply))
        if reply.status in _NO_LEAVE:
            hint = "export LEANRL_ENDPOINT_KEY=..." + (" (the key that was sent is not taken)" if self._has_key else "")
            raise MissingError(f"{self._url} refuses to answer, {failure}.", hint=hint)
        if is_streamed and reply.status in _REFUSED and "stream" in reply.body.text:
            self._streams = False
            self._say.once(f"{self._url} sends no completion piece by piece, {failure}; whole ones are asked for")
            return await self._try(request, started)
        raise ConfigError(f"{self._url} refuses the request, {failure}.", hint=_way_out(self._url, reply))

    async def _reply(self, request: StreamRequest, *, is_streamed: bool) -> "_Reply":
        body = self._body(request) | (_PIECE_BY_PIECE if is_streamed else {})
        async with self._client.stream("POST", self._url, json=body) as response:
            status, kind = response.status_code, response.headers.get("content-type", "")
            is_events = status == httpx.codes.OK and kind.startswith("text/event-stream")
            reply = _Reply(status, response.headers, EventsReply() if is_events else WholeReply())
            async for part in response.aiter_bytes():
                if reply.body.feed(part):
                    self._silence.heard()
        return reply

    def _answer(self, reply: "_Reply", request: StreamRequest, *, seconds: float) -> StreamAnswer:
        content = reply.body.content()
        self._compare_models(content)
        answer = _read(content, request, said=reply.body.text, seconds=seconds)
        return replace(answer, text=self._without_key(answer.text))

    def _given_up(self, *, was_heard: bool) -> Exception:
        """Return what ends a try of a silent server: another try only where it sent something to anybody meanwhile."""
        silent = _duration(self._silent_seconds)
        if was_heard:
            return _TryAgainError(f"no piece of an answer in {silent}")
        models = quoted(f"{self._url.removesuffix('/chat/completions')}/models")
        return StoppedError(
            f"{self._url} took the request and sent no piece of an answer in {silent}.",
            hint=f"`curl {models}` says whether it lives; `{self._longer}` waits longer, for a server that sends whole "
            "completions; the same command goes on where this one stopped",
        )

    def _tell_of_silence(self, seconds: float) -> None:
        limit = _duration(self._silent_seconds)
        self._say.once(
            f"{self._url} has sent no piece of an answer for {_duration(seconds)}; it is given up after {limit}"
        )

    def _said(self, text: str) -> str:
        """Return the first characters of what a server says, without the key."""
        return self._without_key(text)[:_SHOWN]

    def _without_key(self, text: str) -> str:
        return text.replace(self._secret, "[the key]") if self._secret else text

    def _compare_models(self, content: Any) -> None:
        """Say once where a server answers with a model of another name; one name may be a longer form of the other."""
        with suppress(AttributeError):
            named = content.get("model")
            asked = self._model.lower()
            if isinstance(named, str) and named and asked not in named.lower() and named.lower() not in asked:
                self._say.once(f"{self._url} says that {named!r} answers, and {self._model!r} was asked")

    def _body(self, request: StreamRequest) -> dict[str, Any]:
        prompt = request.prompt
        return {
            "model": self._model,
            "messages": [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt,
            "temperature": self._sampling.temperature,
            "top_p": self._sampling.top_p,
            "max_tokens": self._sampling.max_completion_tokens,
            "seed": request.seed % 2**31,  # servers differ in how wide a seed they take
        }


@dataclass(frozen=True)
class _Reply:
    status: int
    headers: Any
    body: WholeReply | EventsReply


def _answers(ended: set[Future[StreamAnswer]]) -> Iterator[StreamAnswer]:
    """Yield what has come before the first error is raised: no completion that is there gets lost."""
    errors = [future.exception() for future in ended]
    yield from (future.result() for future in ended if future.exception() is None)
    for error in errors:
        if error is not None:
            raise error


class _TryAgainError(Exception):
    """What came in the place of a completion, and the seconds that the server asks to wait."""

    def __init__(self, what: str, asked_seconds: float = 0.0) -> None:
        super().__init__(what)
        self.asked_seconds = asked_seconds


class _Voice:
    """Says each thing once, and one line where many requests wait for their next try together."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._lock = threading.Lock()
        self._said: set[str] = set()
        self._silent_until: dict[int, float] = {}

    def once(self, line: str) -> None:
        with self._lock:
            is_new = line not in self._said
            self._said.add(line)
        if is_new:
            self._say(line)

    def again(self, what: str, number: int, seconds: float) -> None:
        """Say that a request is sent again, unless another one of the same number of tries waits by now."""
        now = time.monotonic()
        with self._lock:
            is_told = now < self._silent_until.get(number, 0.0)
            if not is_told:
                self._silent_until[number] = now + seconds
        if not is_told:
            self._say(f"{what}; asked again in {seconds:g} s")


def _read(content: Any, request: StreamRequest, *, said: str, seconds: float) -> StreamAnswer:
    """Return the answer that a chat completion holds.

    Raises:
        ReplyError: where it is none.
    """
    try:
        choice = content["choices"][0]
        message = choice["message"]
        text = message.get("content") or ""
        thoughts = message.get("reasoning_content") or message.get("reasoning") or ""
        num_tokens = max(0, int((content.get("usage") or {}).get("completion_tokens") or 0))
        is_text = isinstance(text, str) and isinstance(thoughts, str)
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise ReplyError("no chat completion", said) from error
    if not is_text:
        raise ReplyError("no text", said)
    whole = f"<think>{thoughts}</think>{text}" if thoughts else text
    return StreamAnswer(
        request.key,
        whole,
        num_tokens or -(-len(whole) // _CHARACTERS_OF_A_TOKEN),
        is_truncated=choice.get("finish_reason") == "length",
        seconds=seconds,
    )


def _duration(seconds: float) -> str:
    return f"{seconds / 60:g} min" if seconds >= 60 else f"{seconds:g} s"


def _seconds_asked(reply: _Reply) -> float:
    """Return the seconds of Retry-After; a date in it counts as nothing."""
    try:
        return max(0.0, float(reply.headers.get("retry-after", 0)))
    except ValueError:
        return 0.0


def _way_out(url: str, reply: _Reply) -> str:
    """Return what to change about a request that no second try makes right."""
    status, base = reply.status, url.removesuffix("/chat/completions")
    place = reply.headers.get("location", "")
    if status in _MOVED and place.endswith("/chat/completions"):
        return f"--endpoint {quoted(place.removesuffix('/chat/completions'))}, where the server points to"
    if status in _MOVED:
        return "the address of the server itself, without a redirection"
    if status == _NOT_FOUND:
        return f"`curl {quoted(f'{base}/models')}` lists the server's models; the address usually ends in /v1"
    if _OF_LENGTH.search(reply.body.text):
        return "fewer tokens: `--max-tokens N`, or max_completion_tokens of a recipe's model"
    return "the server's own words say which field it does not take"
