"""An evaluation from its question to its scores, in order."""

import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leanrl.eval.benchmarks.protocols import Protocol
from leanrl.eval.drawing.schedule import ProblemKey
from leanrl.eval.store.answers import AnswerRecord
from leanrl.eval.store.folder import EvaluationFolder
from leanrl.eval.store.question import Question
from leanrl.evaluation.asked import Asked, EngineName
from leanrl.evaluation.drawing import Drawing, Listener, Start
from leanrl.evaluation.engines import LocalModel, choose_engine, dtype_here, open_endpoint, open_stream, read_model
from leanrl.evaluation.question import AskedBenchmark, make_question, read_benchmarks, rows_by_key
from leanrl.evaluation.recording import Recorder, judged_by_math_verify, tolerances
from leanrl.evaluation.scoring import write_scores
from leanrl.evaluation.subject import Subject, find_subject
from leanrl.grading.pool import GraderPool
from leanrl.machine.environment import describe_machine, gpu_names
from leanrl.prompting.rendering import Prompt
from leanrl.prompting.thinking import tag_in_force
from leanrl.storage.output_folder import require_writable
from leanrl.storage.run_lock import hold

if TYPE_CHECKING:
    from leanrl.rollout.streams.stream import CompletionStream


@dataclass(frozen=True)
class Evaluated:
    """Where an evaluation lies, its scores (the content of scores.json), and how many completions this start drew."""

    folder: Path
    scores: dict[str, Any]
    num_drawn: int


@dataclass(frozen=True)
class _Prepared:
    """Everything that is known before the first completion."""

    subject: Subject
    protocol: Protocol
    benchmarks: Sequence[AskedBenchmark]
    local: LocalModel | None
    texts: Mapping[ProblemKey, str]
    engine: EngineName


def evaluate(asked: Asked, *, listener: Listener) -> Evaluated:
    """Draw what an evaluation lacks, and score it; a second call draws nothing.

    Raises:
        ConfigError: if the question cannot be asked, or its folder holds another one.
        DataError: if a benchmark's problems cannot be used.
        MissingError: if the model, an engine or a benchmark cannot be had.
        StoppedError: if an endpoint fails for good; the same command goes on.
    """
    prepared = _prepare(asked, listener)
    folder = EvaluationFolder(asked.out or prepared.subject.default_folder(asked.folder_suffix()))
    require_writable(folder.path, what=f"--out is {folder.path}", hint="--out DIR")
    listener.say(f"evaluation: {folder.path}")
    saved = folder.begin(_question(prepared, asked), _circumstances())
    with hold(folder.path, doing="written"):
        earlier = folder.answers()
        drawing = _drawing(prepared, earlier)
        _say_what_is_missing(drawing, earlier, listener)
        if drawing.missing:
            saved = folder.note_start(saved, _draw(drawing, prepared, folder, asked, listener).as_json())
        scores = write_scores(folder, saved, {each.name: [row.id for row in each.rows] for each in prepared.benchmarks})
    return Evaluated(folder.path, scores, len(drawing.missing))


def _prepare(asked: Asked, listener: Listener) -> _Prepared:
    """Find the model, read the problems, and render every prompt; no weights are loaded."""
    protocol, engine = asked.chosen_protocol(), choose_engine(asked)
    subject = find_subject(asked.model, endpoint=asked.endpoint, warn=listener.warn)
    benchmarks = read_benchmarks(asked, protocol, subject)
    for each in benchmarks:
        for line in each.loaded.lines:
            listener.say(line)
        for note in each.loaded.notes:
            listener.warn(note)
    rows = rows_by_key(benchmarks)
    local = None if subject.found is None else read_model(subject.found, protocol)
    prompts = [row.prompt for row in rows.values()]
    texts = list(map(_as_text, prompts)) if local is None else local.prompt_texts(prompts)
    return _Prepared(subject, protocol, benchmarks, local, dict(zip(rows, texts, strict=True)), engine)


def _as_text(prompt: Prompt) -> str:
    """Return a conversation as it is sent to an endpoint, whose template nobody sees."""
    return json.dumps(prompt, ensure_ascii=False)


def _question(prepared: _Prepared, asked: Asked) -> Question:
    return make_question(
        prepared.subject,
        prepared.protocol,
        prepared.benchmarks,
        prepared.texts,
        with_math_verify=asked.with_math_verify,
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
        "command": shlex.join(["leanrl", *sys.argv[1:]]),
        "started_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _drawing(prepared: _Prepared, earlier: Sequence[AnswerRecord]) -> Drawing:
    wanted = [draw for each in prepared.benchmarks for draw in each.draws()]
    configured = prepared.subject.config.model.thinking_tag
    tags = {problem: tag_in_force(configured, text) for problem, text in prepared.texts.items()}
    return Drawing(rows_by_key(prepared.benchmarks), wanted, earlier, opened_tags=tags, seed=prepared.protocol.seed)


def _say_what_is_missing(drawing: Drawing, earlier: Sequence[AnswerRecord], listener: Listener) -> None:
    missing, there = len(drawing.missing), len(earlier)
    if not missing:
        listener.say(f"all {there:,} completions are there: nothing is drawn")
    elif there:
        listener.say(f"{there:,} completions are there, {missing:,} are missing")
    else:
        listener.say(f"drawing {missing:,} completions")


def _draw(drawing: Drawing, prepared: _Prepared, folder: EvaluationFolder, asked: Asked, listener: Listener) -> Start:
    """Draw, grade and save what is missing."""
    allow = tolerances({each.name: each.loaded.benchmark.tolerance_column for each in prepared.benchmarks})
    with closing(_stream(prepared, asked, listener)) as stream, GraderPool() as grader, folder.appending() as appender:
        second = partial(judged_by_math_verify, grader) if asked.with_math_verify else None
        open_recorder = partial(Recorder, grader, appender, second_grader=second, allow=allow)
        return drawing.run(stream, lambda told: open_recorder(told=told), listener)


def _stream(prepared: _Prepared, asked: Asked, listener: Listener) -> "CompletionStream":
    if asked.endpoint is not None:
        return open_endpoint(asked.endpoint, asked.model, prepared.protocol, say=listener.warn)
    assert prepared.local is not None, "only an endpoint has a model elsewhere"
    return open_stream(
        prepared.local,
        prepared.protocol,
        prepared.engine,
        longest_prompt_tokens=_longest_prompt_tokens(prepared, prepared.local),
    )


def _longest_prompt_tokens(prepared: _Prepared, local: LocalModel) -> int:
    return max(len(local.reader.ids(row.prompt)) for row in rows_by_key(prepared.benchmarks).values())
