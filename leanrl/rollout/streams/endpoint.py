"""The stream on an OpenAI-compatible server: as many requests at once as there are slots."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import replace
from typing import Any

from huggingface_hub.utils import httpx

from leanrl.errors import ConfigError, MissingError, StoppedError
from leanrl.hints import quoted
from leanrl.machine.loopback import is_loopback
from leanrl.rollout.streams.stream import SlotMeter, StreamAnswer, StreamRequest, StreamSampling, Take

_NUM_TRIES = 6
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 1.0, 600.0
_LONGEST_ANSWER_SECONDS = 3600.0  # 32,768 tokens at 10 a second
_BUSY = frozenset((408, 409, 425, 429))
_FAULT_OF_SERVER = 500  # and above, such as 529 of a server that is overloaded
_MOVED = range(300, 400)
_NO_LEAVE = frozenset((401, 403))
_NOT_FOUND = 404
_OF_LENGTH = re.compile("token|length|context", re.IGNORECASE)
_SHOWN = 200
_SECRET_CHARACTERS = 8
_CHARACTERS_OF_A_TOKEN = 4


class EndpointStream:
    """`CompletionStream` on a server's chat completions.

    A server that is busy (429, 5xx, no answer), or sends no completion, is asked again, after the time that it names or
    a growing one. A server of this machine is never asked through a proxy. Tokens are those that the server counts, or
    one for each four characters. What a server says is told without the key, which some servers repeat.

    Args:
        url: the address up to /v1.
        model: name of the model at the server.
        key: sent as a bearer token, and written nowhere.
        num_slots: requests at once.
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
        say: Callable[[str], None],
        sleep: Callable[[float], object] | None = None,
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
        self._ends = threading.Event()
        self._sleep = sleep or self._ends.wait  # so that nothing waits for another try once the stream ends
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(_LONGEST_ANSWER_SECONDS, connect=30.0),
            limits=httpx.Limits(max_connections=num_slots),
            trust_env=not is_loopback(url),
        )

    def draw(self, take: Take) -> Iterator[StreamAnswer]:
        with ThreadPoolExecutor(self._num_slots, thread_name_prefix="leanrl-endpoint") as threads:
            running: set[Future[StreamAnswer]] = set()
            try:
                while True:
                    while len(running) < self._num_slots and (request := take()) is not None:
                        running.add(threads.submit(self._ask, request))
                    if not running:
                        break
                    ended, running = self._wait(running)
                    for answer in _answers(ended):
                        self._num_answers += 1
                        self._num_empty += not answer.text
                        yield answer
            finally:
                if running:
                    self._ends.set()
                for future in running:
                    future.cancel()
        if self._num_empty:
            self._say.once(f"{self._num_empty} of {self._num_answers} completions of {self._model} have no text")

    def close(self) -> None:
        self._ends.set()
        self._client.close()

    def _wait(self, running: set[Future[StreamAnswer]]) -> tuple[set[Future[StreamAnswer]], set[Future[StreamAnswer]]]:
        started = time.monotonic()
        ended, left = wait(running, return_when=FIRST_COMPLETED)
        seconds = time.monotonic() - started
        self.meter.count(num_busy=len(running) * seconds, num_slots=self._num_slots * seconds)
        return ended, left

    def _ask(self, request: StreamRequest) -> StreamAnswer:
        started, failed = time.monotonic(), _TryAgainError("nothing")
        for number in range(_NUM_TRIES):
            if number:
                own_seconds = _FIRST_WAIT_SECONDS * 2 ** (number - 1)
                seconds = max(own_seconds, min(failed.asked_seconds, _LONGEST_WAIT_SECONDS))
                self._say.again(f"{self._url} answered with {failed}", number, seconds)
                self._sleep(seconds)
            if self._ends.is_set():
                break
            try:
                return self._try(request, started)
            except _TryAgainError as error:
                failed = error
        raise StoppedError(
            f"{self._url} answered {_NUM_TRIES} times with {failed}.",
            hint="the same command goes on where this one stopped",
        ) from failed

    def _try(self, request: StreamRequest, started: float) -> StreamAnswer:
        try:
            response = self._client.post(self._url, json=self._body(request))
        except httpx.HTTPError as error:
            raise _TryAgainError(f"no answer ({type(error).__name__}: {error})") from error
        status, said = response.status_code, self._said(response)
        if status == httpx.codes.OK:
            self._compare_models(response)
            answer = _read(response, request, said=said, seconds=time.monotonic() - started)
            return replace(answer, text=self._without_key(answer.text))
        failure = f"status {status}: {said!r}"
        if status in _BUSY or status >= _FAULT_OF_SERVER:
            raise _TryAgainError(failure, _seconds_asked(response))
        if status in _NO_LEAVE:
            hint = "export LEANRL_ENDPOINT_KEY=..." + (" (the key that was sent is not taken)" if self._has_key else "")
            raise MissingError(f"{self._url} refuses to answer, {failure}.", hint=hint)
        raise ConfigError(f"{self._url} refuses the request, {failure}.", hint=_way_out(self._url, response))

    def _said(self, response: Any) -> str:
        """Return the first characters of a response, without the key."""
        return self._without_key(response.text)[:_SHOWN]

    def _without_key(self, text: str) -> str:
        return text.replace(self._secret, "[the key]") if self._secret else text

    def _compare_models(self, response: Any) -> None:
        """Say once where a server answers with a model of another name; one name may be a longer form of the other."""
        with suppress(ValueError, AttributeError):
            named = response.json().get("model")
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


def _read(response: Any, request: StreamRequest, *, said: str, seconds: float) -> StreamAnswer:
    """Return the answer of a response.

    Raises:
        _TryAgainError: naming what came, where it is no chat completion.
    """
    try:
        content = response.json()
        choice = content["choices"][0]
        message = choice["message"]
        text = message.get("content") or ""
        thoughts = message.get("reasoning_content") or message.get("reasoning") or ""
        num_tokens = max(0, int((content.get("usage") or {}).get("completion_tokens") or 0))
        is_text = isinstance(text, str) and isinstance(thoughts, str)
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise _TryAgainError(f"no chat completion but {said!r}") from error
    if not is_text:
        raise _TryAgainError(f"no text but {said!r}")
    whole = f"<think>{thoughts}</think>{text}" if thoughts else text
    return StreamAnswer(
        request.key,
        whole,
        num_tokens or -(-len(whole) // _CHARACTERS_OF_A_TOKEN),
        is_truncated=choice.get("finish_reason") == "length",
        seconds=seconds,
    )


def _seconds_asked(response: Any) -> float:
    """Return the seconds of Retry-After; a date in it counts as nothing."""
    try:
        return max(0.0, float(response.headers.get("retry-after", 0)))
    except ValueError:
        return 0.0


def _way_out(url: str, response: Any) -> str:
    """Return what to change about a request that no second try makes right."""
    status, base = response.status_code, url.removesuffix("/chat/completions")
    place = response.headers.get("location", "")
    if status in _MOVED and place.endswith("/chat/completions"):
        return f"--endpoint {quoted(place.removesuffix('/chat/completions'))}, where the server points to"
    if status in _MOVED:
        return "the address of the server itself, without a redirection"
    if status == _NOT_FOUND:
        return f"`curl {quoted(f'{base}/models')}` lists the server's models; the address usually ends in /v1"
    if _OF_LENGTH.search(response.text):
        return "fewer tokens: `--max-tokens N`, or max_completion_tokens of a recipe's model"
    return "the server's own words say which field it does not take"
