"""The stream on an OpenAI-compatible server: as many requests at once as there are slots."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

from huggingface_hub.utils import httpx

from leanrl.errors import ConfigError, LeanRLError, MissingError, StoppedError
from leanrl.machine.loopback import is_loopback
from leanrl.rollout.streams.stream import SlotMeter, StreamAnswer, StreamRequest, StreamSampling, Take

_NUM_TRIES = 6
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 1.0, 600.0
_LONGEST_ANSWER_SECONDS = 3600.0  # 32,768 tokens at 10 a second
_BUSY = frozenset((408, 409, 425, 429, 500, 502, 503, 504))
_NO_LEAVE = frozenset((401, 403))
_REFUSED = {
    400: "`--max-tokens N`, where the server has no room for as many tokens",
    404: "`curl {url}/models` lists the server's models; the address usually ends in /v1",
    422: "the server's own words say which field it does not take",
}
_SHOWN = 200
_CHARACTERS_OF_A_TOKEN = 4


class EndpointStream:
    """`CompletionStream` on a server's chat completions.

    A server that is busy (429, 5xx, no answer), or sends no completion, is asked again, after the time that it names or
    a growing one. A server of this machine is never asked through a proxy. Tokens are those that the server counts, or
    one for each four characters.

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
        self._say = say
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
                        return
                    ended, running = self._wait(running)
                    yield from _answers(ended)
            finally:
                if running:
                    self._ends.set()
                for future in running:
                    future.cancel()

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
                self._say(f"{self._url} answered with {failed}; asked again in {seconds:g} s")
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
        if response.status_code == httpx.codes.OK:
            return _read(response, request, seconds=time.monotonic() - started)
        failure = f"status {response.status_code}: {response.text[:_SHOWN]!r}"
        if response.status_code in _BUSY:
            raise _TryAgainError(failure, _seconds_asked(response))
        raise _refusal(self._url, response.status_code, failure)

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


def _read(response: Any, request: StreamRequest, *, seconds: float) -> StreamAnswer:
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
        num_tokens = int((content.get("usage") or {}).get("completion_tokens") or 0)
        is_text = isinstance(text, str) and isinstance(thoughts, str)
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise _TryAgainError(f"no chat completion but {response.text[:_SHOWN]!r}") from error
    if not is_text:
        raise _TryAgainError(f"no text but {response.text[:_SHOWN]!r}")
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


def _refusal(url: str, status: int, failure: str) -> LeanRLError:
    """Return the error of an answer that no second try changes."""
    if status in _NO_LEAVE:
        return MissingError(f"{url} refuses to answer, {failure}.", hint="export LEANRL_ENDPOINT_KEY=...")
    hint = _REFUSED.get(status, _REFUSED[422]).format(url=url.removesuffix("/chat/completions"))
    return ConfigError(f"{url} refuses the request, {failure}.", hint=hint)
