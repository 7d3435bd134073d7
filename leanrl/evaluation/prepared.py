"""Everything about an evaluation that is known before its first completion, and the drawing of what is missing."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from leanrl.eval.benchmarks.protocols import Protocol
from leanrl.eval.drawing.schedule import Draw, ProblemKey
from leanrl.eval.store.answers import AnswerRecord
from leanrl.eval.store.folder import EvaluationFolder
from leanrl.eval.store.question import Question
from leanrl.evaluation.asked import Asked, EngineName
from leanrl.evaluation.drawing import Drawing, Listener, Start
from leanrl.evaluation.engines import LocalModel, dtype_here, open_endpoint, open_stream, read_model
from leanrl.evaluation.question import AskedBenchmark, make_question, rows_by_key
from leanrl.evaluation.recording import Recorder, judged_by_math_verify, tolerances
from leanrl.evaluation.subject import Subject
from leanrl.grading.pool import GraderPool
from leanrl.machine.environment import describe_machine, gpu_names
from leanrl.machine.typed_command import typed_command
from leanrl.prompting.rendering import Prompt
from leanrl.prompting.thinking import tag_in_force

if TYPE_CHECKING:
    from leanrl.rollout.streams.stream import CompletionStream


@dataclass(frozen=True)
class Prepared:
    """An evaluation before its first completion; `texts` has every prompt as the model reads it."""

    subject: Subject
    protocol: Protocol
    benchmarks: Sequence[AskedBenchmark]
    local: LocalModel | None
    texts: Mapping[ProblemKey, str]
    engine: EngineName

    def draws(self) -> list[Draw]:
        """Return every completion that the evaluation has in the end."""
        return [draw for each in self.benchmarks for draw in each.draws()]


OpenStream = Callable[[Prepared], AbstractContextManager["CompletionStream"]]


def prepare(subject: Subject, protocol: Protocol, benchmarks: Sequence[AskedBenchmark], engine: EngineName) -> Prepared:
    """Render every prompt of the benchmarks for a model; no weights are loaded."""
    rows = rows_by_key(benchmarks)
    local = None if subject.found is None else read_model(subject.found, protocol)
    prompts = [row.prompt for row in rows.values()]
    texts = list(map(_as_text, prompts)) if local is None else local.prompt_texts(prompts)
    return Prepared(subject, protocol, benchmarks, local, dict(zip(rows, texts, strict=True)), engine)


def begin(folder: EvaluationFolder, prepared: Prepared, *, with_math_verify: bool) -> dict[str, Any]:
    """Note the question in the folder, or check that the folder was asked the same; return evaluation.json.

    Raises:
        ConfigError: if it holds another question.
    """
    return folder.begin(_question(prepared, with_math_verify=with_math_verify), _circumstances())


def draw_missing(
    folder: EvaluationFolder,
    saved: dict[str, Any],
    prepared: Prepared,
    wanted: Iterable[Draw],
    *,
    with_math_verify: bool,
    open_stream: OpenStream,
    listener: Listener,
) -> tuple[dict[str, Any], int]:
    """Draw, grade and save what a folder lacks of `wanted`; return evaluation.json and how many were drawn."""
    earlier = folder.answers()
    drawing = _drawing(prepared, wanted, earlier)
    num_missing = len(drawing.missing)
    _say_what_is_missing(num_missing, len(earlier), listener)
    if num_missing:
        start = _draw(drawing, prepared, folder, open_stream, listener, with_math_verify=with_math_verify)
        saved = folder.note_start(saved, start.as_json())
    return saved, num_missing


def stream_of(prepared: Prepared, asked: Asked, listener: Listener) -> "AbstractContextManager[CompletionStream]":
    """Open what draws from a model; it is closed at the end of the context."""
    if asked.endpoint is not None:
        return closing(open_endpoint(asked.endpoint, asked.model, prepared.protocol, say=listener.warn))
    assert prepared.local is not None, "only an endpoint has a model elsewhere"
    longest = _longest_prompt_tokens(prepared, prepared.local)
    return closing(open_stream(prepared.local, prepared.protocol, prepared.engine, longest_prompt_tokens=longest))


def _as_text(prompt: Prompt) -> str:
    """Return a conversation as it is sent to an endpoint, whose template nobody sees."""
    return json.dumps(prompt, ensure_ascii=False)


def _question(prepared: Prepared, *, with_math_verify: bool) -> Question:
    return make_question(
        prepared.subject,
        prepared.protocol,
        prepared.benchmarks,
        prepared.texts,
        with_math_verify=with_math_verify,
        engine=prepared.engine,
        dtype=None if prepared.local is None else dtype_here(prepared.local.found, prepared.engine),
    )


def _circumstances() -> dict[str, Any]:
    """Return when, where and by which command an evaluation began."""
    machine = describe_machine()
    return {
        "machine": {key: value for key, value in machine.items() if key not in ("versions", "commit")},
        "gpus": gpu_names(),
        "versions": machine["versions"],
        "commit": machine["commit"],
        "command": typed_command() or "leanrl.evaluate",
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _drawing(prepared: Prepared, wanted: Iterable[Draw], earlier: Sequence[AnswerRecord]) -> Drawing:
    configured = prepared.subject.config.model.thinking_tag
    tags = {problem: tag_in_force(configured, text) for problem, text in prepared.texts.items()}
    return Drawing(rows_by_key(prepared.benchmarks), wanted, earlier, opened_tags=tags, seed=prepared.protocol.seed)


def _say_what_is_missing(num_missing: int, num_there: int, listener: Listener) -> None:
    if not num_missing:
        listener.say(f"all {num_there:,} completions are there: nothing is drawn")
    elif num_there:
        listener.say(f"{num_there:,} completions are there, {num_missing:,} are missing")
    else:
        listener.say(f"drawing {num_missing:,} completions")


def _draw(
    drawing: Drawing,
    prepared: Prepared,
    folder: EvaluationFolder,
    open_stream: OpenStream,
    listener: Listener,
    *,
    with_math_verify: bool,
) -> Start:
    allow = tolerances({each.name: each.loaded.benchmark.tolerance_column for each in prepared.benchmarks})
    with open_stream(prepared) as stream, GraderPool() as grader, folder.appending() as appender:
        lettered = {each.name for each in prepared.benchmarks if each.loaded.benchmark.answer_kind == "letter"}
        second = partial(judged_by_math_verify, grader, lettered) if with_math_verify else None
        open_recorder = partial(Recorder, grader, appender, second_grader=second, allow=allow)
        return drawing.run(stream, lambda told: open_recorder(told=told), listener)


def _longest_prompt_tokens(prepared: Prepared, local: LocalModel) -> int:
    return max(len(local.reader.ids(row.prompt)) for row in rows_by_key(prepared.benchmarks).values())
