"""The missing completions of an evaluation, drawn, graded and saved."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from leanrl.eval.drawing.progress import Progress, Standing
from leanrl.eval.drawing.schedule import Draw, ProblemKey, Schedule
from leanrl.eval.drawing.seeds import seed_of
from leanrl.eval.store.answers import AnswerRecord
from leanrl.evaluation.recording import DrawnText, Recorder
from leanrl.types import Row

if TYPE_CHECKING:
    from leanrl.rollout.streams.stream import CompletionStream, StreamAnswer, StreamRequest


class Listener(Protocol):
    """Hears what an evaluation has to say while it works."""

    def say(self, text: str) -> None:
        """Take one line of talk."""
        ...

    def warn(self, text: str) -> None:
        """Take a warning: something a user should look at."""
        ...

    def stand(self, standing: Standing, *, busy_share: float | None) -> None:
        """Take where the evaluation stands, after each completion."""
        ...


@dataclass(frozen=True)
class Start:
    """What one start of an evaluation drew, and how fast."""

    num_drawn: int
    num_tokens: int
    seconds: float
    busy_slots_share: float | None

    def as_json(self) -> dict[str, Any]:
        rate = self.num_tokens / self.seconds if self.seconds else None
        return {**vars(self), "tokens_per_second": rate}


class Drawing:
    """Draws the missing completions of all benchmarks in one stream, without a pause between two benchmarks.

    Args:
        rows: every problem by its key.
        wanted: every completion that the evaluation has in the end.
        earlier: those that are there already.
        opened_tags: the thinking tag that each problem's prompt leaves open.
        seed: of the protocol.
    """

    def __init__(
        self,
        rows: Mapping[ProblemKey, Row],
        wanted: Iterable[Draw],
        earlier: Sequence[AnswerRecord],
        *,
        opened_tags: Mapping[ProblemKey, str],
        seed: int,
    ) -> None:
        self._rows, self._opened_tags, self._seed = rows, opened_tags, seed
        wanted = list(wanted)
        there = {Draw(record.benchmark, record.id, record.sample) for record in earlier}
        self.missing = [draw for draw in wanted if draw not in there]
        self._earlier = [record for record in earlier if (record.benchmark, record.id) in rows]
        known = {(record.benchmark, record.id): record.num_tokens for record in self._earlier}
        self._schedule = Schedule(self.missing, known_tokens=known)
        self._progress = Progress((draw.problem for draw in wanted), self._earlier)

    def run(
        self,
        stream: "CompletionStream",
        open_recorder: Callable[[Callable[[AnswerRecord], None]], Recorder],
        listener: Listener,
    ) -> Start:
        """Draw what is missing; whatever ends this early, what came before is saved.

        Args:
            open_recorder: makes a recorder that tells of each saved completion.
        """

        def tell(record: AnswerRecord) -> None:
            self._progress.add(record)
            listener.stand(self._progress.standing(), busy_share=stream.meter.share)

        started, num_tokens = time.monotonic(), 0
        with open_recorder(tell) as recorder, closing(stream.draw(self._take)) as answers:
            for answer in answers:
                self._schedule.finished(answer.key, num_tokens=answer.num_tokens)
                num_tokens += answer.num_tokens
                recorder.add(self._drawn(answer))
            seconds = time.monotonic() - started
        return Start(len(self.missing), num_tokens, seconds, stream.meter.share)

    def _take(self) -> "StreamRequest | None":
        from leanrl.rollout.streams.stream import StreamRequest

        draw = self._schedule.take()
        if draw is None:
            return None
        return StreamRequest(draw, self._rows[draw.problem].prompt, seed_of(draw, seed=self._seed))

    def _drawn(self, answer: "StreamAnswer") -> DrawnText:
        draw: Draw = answer.key
        return DrawnText(
            draw,
            self._rows[draw.problem],
            seed_of(draw, seed=self._seed),
            answer.text,
            answer.num_tokens,
            is_truncated=answer.is_truncated,
            seconds=answer.seconds,
            opened_tag=self._opened_tags.get(draw.problem, ""),
        )
