"""Replies of models about rows: drawn as evaluations are, saved one by one, and never drawn twice."""

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leanrl.curation.recipes.recipe import ModelConfig
from leanrl.curation.stages.stage import Answered, Asks, CuratedRow, Reply
from leanrl.data.prompts import build_prompt
from leanrl.errors import ConfigError
from leanrl.eval.benchmarks.protocols import Protocol
from leanrl.eval.drawing.schedule import Draw
from leanrl.eval.store.folder import EvaluationFolder
from leanrl.eval.store.question import Question, differences
from leanrl.evaluation.asked import Asked, EngineName
from leanrl.evaluation.drawing import Drawing, Listener
from leanrl.evaluation.engines import LocalModel, choose_engine, dtype_here, open_endpoint, open_stream, read_model
from leanrl.evaluation.recording import Recorder
from leanrl.evaluation.subject import Subject, find_subject
from leanrl.prompting.thinking import tag_in_force
from leanrl.storage.run_folder import read_json
from leanrl.types import Grader, GradeRequest, Row, Verdict

if TYPE_CHECKING:
    from leanrl.rollout.streams.stream import CompletionStream

_NAME = "rows"  # under which an evaluation's folder keeps them


class ModelAsker:
    """Asks one model about the rows of one stage.

    Args:
        folder: where replies are kept; a second start draws those that are missing.
        config: the model and how it is sampled.
        grader: judges replies by the rows' gold answers.
        replies_of: the same folder of another build, whose replies are taken over where the question is the same.
    """

    def __init__(
        self,
        folder: Path,
        config: ModelConfig,
        *,
        grader: Grader,
        listener: Listener,
        replies_of: Path | None = None,
    ) -> None:
        self._folder = EvaluationFolder(folder)
        self._replies_of = replies_of
        self._config = config
        self._grader = grader
        self._listener = listener

    def ask(self, rows: Sequence[CuratedRow], *, num_samples: int, asks: Asks) -> Answered:
        """Return the replies to every row, in order.

        Raises:
            ConfigError: if the folder holds replies to another question.
            MissingError: if the model or the engine cannot be had.
            StoppedError: if an endpoint fails for good; the same command goes on.
        """
        protocol = _protocol(self._config, num_samples)
        asked = Asked(model=self._config.id, engine=self._config.engine, endpoint=self._config.endpoint)
        engine = choose_engine(asked)
        subject = find_subject(self._config.id, endpoint=self._config.endpoint, warn=self._listener.warn)
        local = None if subject.found is None else read_model(subject.found, protocol)
        asked_rows = [self._row(row, asks) for row in rows]
        texts = _texts(asked_rows, local)
        by_key = {_key(row, text): row for row, text in zip(asked_rows, texts, strict=True)}
        question = _question(subject, protocol, engine, local)
        self._take_over(question)
        self._folder.begin(question, {})
        earlier = [each for each in self._folder.answers() if each.id in by_key and each.sample < num_samples]
        drawing = self._drawing(by_key, dict(zip(by_key, texts, strict=True)), earlier, subject, num_samples)
        if drawing.missing:
            self._say_what_is_missing(len(drawing.missing), len(earlier))
            self._draw(drawing, self._stream(protocol, engine, local, by_key), asks)
        return Answered(self._replies(list(by_key), num_samples), self._config.id, _sampling(self._config))

    def _take_over(self, question: Question) -> None:
        """Copy the replies of another build, where this one has none yet.

        Raises:
            ConfigError: if they were drawn otherwise, with each value that differs.
        """
        other = self._replies_of
        if other is None or not (other / "evaluation.json").is_file() or self._folder.evaluation.is_file():
            return
        found = differences(read_json(other / "evaluation.json"), question)
        if found:
            lines = "\n".join(f"  - {one}" for one in found)
            raise ConfigError(
                f"The replies in {other} cannot be taken over:\n{lines}",
                hint="the same model and sampling, or no --replies-of",
            )
        beside = self._folder.path.with_name(f"{self._folder.path.name}.copied")
        shutil.rmtree(beside, ignore_errors=True)
        shutil.copytree(other, beside)
        shutil.rmtree(self._folder.path, ignore_errors=True)
        beside.rename(self._folder.path)
        self._listener.say(f"{self._config.id}: replies are taken over from {other}")

    def _row(self, row: CuratedRow, asks: Asks) -> Row:
        if asks.message is None:
            own = self._config.system_prompt
            prompt = build_prompt(
                row.asked.question,
                template=self._config.prompt_template,
                system_prompt=row.asked.system if own is None else own,
                earlier=row.asked.earlier,
            )
        else:
            prompt = build_prompt(asks.message(row), template="{problem}", system_prompt=self._config.system_prompt)
        return Row(row.id, row.problem, row.gold if row.answers else "", prompt)

    def _drawing(
        self,
        by_id: Mapping[str, Row],
        texts: Mapping[str, str],
        earlier: Sequence[Any],
        subject: Subject,
        num_samples: int,
    ) -> Drawing:
        configured = subject.config.model.thinking_tag
        return Drawing(
            {(_NAME, each): row for each, row in by_id.items()},
            [Draw(_NAME, each, sample) for sample in range(num_samples) for each in by_id],
            earlier,
            opened_tags={(_NAME, each): tag_in_force(configured, text) for each, text in texts.items()},
            seed=self._config.seed,
        )

    def _draw(self, drawing: Drawing, stream: "CompletionStream", asks: Asks) -> None:
        grader: Grader = self._grader if asks.reader is None else _ReadingGrader(asks.reader)
        with closing(stream), self._folder.appending() as appender:
            open_recorder = partial(Recorder, grader, appender)
            drawing.run(stream, lambda told: open_recorder(told=told), self._listener)

    def _stream(
        self, protocol: Protocol, engine: EngineName, local: LocalModel | None, by_id: Mapping[str, Row]
    ) -> "CompletionStream":
        if self._config.endpoint is not None:
            return open_endpoint(self._config.endpoint, self._config.id, protocol, say=self._listener.warn)
        assert local is not None, "only an endpoint has a model elsewhere"
        longest = max(len(local.reader.ids(row.prompt)) for row in by_id.values())
        return open_stream(local, protocol, engine, longest_prompt_tokens=longest)

    def _replies(self, keys: Sequence[str], num_samples: int) -> list[tuple[Reply, ...]]:
        found = {
            (record.id, record.sample): Reply(record.text, record.seed, record.verdict)
            for record in self._folder.answers()
        }
        return [tuple(found[key, sample] for sample in range(num_samples)) for key in keys]

    def _say_what_is_missing(self, missing: int, there: int) -> None:
        known = f", {there:,} are there" if there else ""
        self._listener.say(f"{self._config.id}: {missing:,} completions to draw{known}")


class _ReadingGrader:
    """A `Grader` that reads verdicts out of replies, whatever the gold answer is."""

    def __init__(self, reader: Callable[[str], str]) -> None:
        self._reader = reader

    def grade(self, requests: Sequence[GradeRequest]) -> list[Verdict]:
        read = [self._reader(request.completion) for request in requests]
        return [Verdict("correct" if verdict == "correct" else "wrong", 0.0) for verdict in read]

    def close(self) -> None:
        pass


def _protocol(config: ModelConfig, num_samples: int) -> Protocol:
    return Protocol(
        "curation",
        "a stage of a recipe",
        temperature=config.temperature,
        top_p=config.top_p,
        max_completion_tokens=config.max_completion_tokens,
        seed=config.seed,
        num_samples=num_samples,
        num_samples_of_few=num_samples,
    )


def _texts(rows: Sequence[Row], local: LocalModel | None) -> list[str]:
    """Return each prompt as the model reads it, or as it is sent to an endpoint."""
    prompts = [row.prompt for row in rows]
    return [json.dumps(each, ensure_ascii=False) for each in prompts] if local is None else local.prompt_texts(prompts)


def _key(row: Row, text: str) -> str:
    """Return what a row's replies are kept by: its id with a hash of prompt and gold; a changed row is asked anew."""
    content = json.dumps([text, str(row.gold)]).encode()
    return f"{row.id}@{hashlib.sha256(content).hexdigest()[:16]}"


def _question(subject: Subject, protocol: Protocol, engine: EngineName, local: LocalModel | None) -> Question:
    """Return what all replies of a folder share; what is asked of each row is in its key."""
    return Question(
        model=subject.as_json(),
        protocol={name: getattr(protocol, name) for name in ("temperature", "top_p", "max_completion_tokens", "seed")},
        benchmarks={},
        prompt_sha256={},
        grader="leanrl",
        engine=engine,
        dtype=None if local is None else dtype_here(local.found, engine),
    )


def _sampling(config: ModelConfig) -> dict[str, Any]:
    names = ("temperature", "top_p", "max_completion_tokens", "seed", "system_prompt", "prompt_template")
    return {name: getattr(config, name) for name in names}
