"""An evaluation from its question to its scores, in order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leanrl.eval.store.folder import EvaluationFolder
from leanrl.evaluation.asked import Asked
from leanrl.evaluation.drawing import Listener
from leanrl.evaluation.engines import choose_engine
from leanrl.evaluation.prepared import begin, draw_missing, prepare, stream_of
from leanrl.evaluation.question import AskedBenchmark, read_benchmarks
from leanrl.evaluation.scoring import write_scores
from leanrl.evaluation.subject import find_subject
from leanrl.storage.output_folder import require_writable
from leanrl.storage.run_lock import hold


@dataclass(frozen=True)
class Evaluated:
    """Where an evaluation lies, its scores (the content of scores.json), and how many completions this start drew."""

    folder: Path
    scores: dict[str, Any]
    num_drawn: int


def evaluate(asked: Asked, *, listener: Listener, chosen_by: Mapping[str, Any] | None = None) -> Evaluated:
    """Draw what an evaluation lacks, and score it; a second call draws nothing.

    Args:
        chosen_by: how the model was chosen among several, for evaluation.json and scores.json.

    Raises:
        ConfigError: if the question cannot be asked, or its folder holds another one.
        DataError: if a benchmark's problems cannot be used.
        MissingError: if the model, an engine or a benchmark cannot be had.
        StoppedError: if an endpoint fails for good; the same command goes on.
    """
    protocol, engine = asked.chosen_protocol(), choose_engine(asked)
    subject = find_subject(asked.model, endpoint=asked.endpoint, warn=listener.warn)
    benchmarks = read_benchmarks(asked, protocol, subject)
    tell_of(benchmarks, listener)
    prepared = prepare(subject, protocol, benchmarks, engine)
    folder = EvaluationFolder(asked.out or subject.default_folder(asked.folder_suffix()))
    require_writable(folder.path, what=f"--out is {folder.path}", hint="--out DIR")
    listener.say(f"evaluation: {folder.path}")
    saved = begin(folder, prepared, with_math_verify=asked.with_math_verify)
    with hold(folder.path, doing="written"):
        if chosen_by is not None:
            saved = folder.note(saved, chosen_by=dict(chosen_by))
        saved, num_drawn = draw_missing(
            folder,
            saved,
            prepared,
            prepared.draws(),
            with_math_verify=asked.with_math_verify,
            open_stream=lambda each: stream_of(each, asked, listener),
            listener=listener,
        )
        scores = write_scores(folder, saved, {each.name: [row.id for row in each.rows] for each in benchmarks})
    return Evaluated(folder.path, scores, num_drawn)


def tell_of(benchmarks: Sequence[AskedBenchmark], listener: Listener) -> None:
    """Say how the data of benchmarks was read, and warn of what is not as described."""
    for each in benchmarks:
        for line in each.loaded.lines:
            listener.say(line)
        for note in each.loaded.notes:
            listener.warn(note)
