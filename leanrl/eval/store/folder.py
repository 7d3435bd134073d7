"""The folder of one evaluation: what was asked, what has been drawn so far, and the scores."""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from leanrl.errors import ConfigError, DataError
from leanrl.eval.store.answers import AnswerRecord
from leanrl.eval.store.question import Difference, Question, differences
from leanrl.hints import command, quoted
from leanrl.storage.run_folder import read_json, write_json

FORMAT = 1
_FIELDS = {field.name for field in fields(AnswerRecord)}
_KEY = ("benchmark", "id", "sample", "seed")
T = TypeVar("T")
_REQUIRED = ("benchmark", "id", "sample", "seed", "text", "num_tokens", "is_truncated", "verdict")


@dataclass(frozen=True)
class EvaluationFolder:
    """The files of one evaluation, by name."""

    path: Path

    @property
    def evaluation(self) -> Path:
        return self.path / "evaluation.json"

    @property
    def completions(self) -> Path:
        return self.path / "completions.jsonl"

    @property
    def math_verify(self) -> Path:
        """Verdicts of math-verify on completions that were graded by it later."""
        return self.path / "math_verify.jsonl"

    @property
    def scores(self) -> Path:
        return self.path / "scores.json"

    @property
    def exports(self) -> Path:
        """The scores in the forms of other programs."""
        return self.path / "exports"

    def begin(self, question: Question, circumstances: Mapping[str, Any]) -> dict[str, Any]:
        """Note what is asked, or check that the folder was asked the same; return the content of evaluation.json.

        Benchmarks that the folder does not have are added to it. `circumstances` are those of the first start.

        Raises:
            ConfigError: if the folder holds another question, with each value that differs, or something else.
        """
        saved = self._saved()
        if saved is None:
            saved = {"format": FORMAT, **question.as_json(), **circumstances}
        else:
            self._require_same(saved, question)
            asked = question.as_json()
            for name in ("benchmarks", "prompt_sha256"):
                saved[name] = {**saved[name], **asked[name]}
        self.path.mkdir(parents=True, exist_ok=True)
        write_json(self.evaluation, saved)
        return saved

    def begun(self) -> dict[str, Any]:
        """Return the content of evaluation.json of an evaluation that is there.

        Raises:
            ConfigError: if it is there in no form that this version reads.
        """
        saved = self._saved()
        assert saved is not None, "an evaluation is named by its evaluation.json"
        return saved

    def note_start(self, saved: Mapping[str, Any], start: Mapping[str, Any]) -> dict[str, Any]:
        """Note what one start has drawn and how fast; return the content of evaluation.json."""
        return self.note(saved, starts=[*saved.get("starts", ()), dict(start)])

    def note(self, saved: Mapping[str, Any], **facts: Any) -> dict[str, Any]:
        """Add facts to evaluation.json that are no part of the question; return its content."""
        noted = {**saved, **facts}
        write_json(self.evaluation, noted)
        return noted

    def answers(self) -> list[AnswerRecord]:
        """Return all completions that have been saved; a last line that a kill cut short is passed over.

        Raises:
            DataError: naming the line, if one that is not the last is broken.
        """
        later = {} if not self.math_verify.is_file() else dict(self._read(self.math_verify, _verdict))
        found = [] if not self.completions.is_file() else list(self._read(self.completions, _record))
        return [
            replace(one, math_verify=later[_key(one)]) if one.math_verify is None and _key(one) in later else one
            for one in found
        ]

    @contextmanager
    def adding_verdicts(self) -> Iterator["VerdictAppender"]:
        """Give what appends verdicts of math-verify on saved completions."""
        with self.math_verify.open("ab+") as file:
            _cut_torn_line(file)
            yield VerdictAppender(file)

    @contextmanager
    def appending(self) -> Iterator["Appender"]:
        """Give what appends completions; what a kill left of a last line is cut off first."""
        with self.completions.open("ab+") as file:
            _cut_torn_line(file)
            yield Appender(file)

    def _saved(self) -> dict[str, Any] | None:
        if self.evaluation.is_file():
            saved = read_json(self.evaluation)
            if saved.get("format") != FORMAT:
                raise ConfigError(
                    f"{self.evaluation} has format {saved.get('format')!r}, and this version of leanrl reads {FORMAT}.",
                    hint="name another folder with `--out DIR`",
                )
            return saved
        if self.path.is_file() or (self.path.is_dir() and any(_visible(self.path))):
            raise ConfigError(
                f"{self.path} exists and is no evaluation: it has no evaluation.json.",
                hint="name a new folder with `--out DIR`",
            )
        return None

    def _require_same(self, saved: Mapping[str, Any], question: Question) -> None:
        found = differences(saved, question)
        if found:
            raise ConfigError(
                "\n".join([f"{self.path} holds another evaluation:", *(f"  - {one}" for one in found)]),
                hint=self._way_on(found, question),
            )

    def _way_on(self, found: Sequence[Difference], question: Question) -> str:
        keep_both = f"keep both: `--out {quoted(f'{self.path}-2')}`"
        if [one.name for one in found] == ["grader"]:
            if "math-verify" not in question.grader:
                return f"add `--grader math-verify`, by which it is graded, too; or {keep_both}"
            later = command("eval", self.path, "--grader", "math-verify")
            return f"`{later}` grades what is there, without a model; or {keep_both}"
        return f"ask as before, or {keep_both}"

    def _read(self, file: Path, read: Callable[[Any], T]) -> Iterator[T]:
        lines = file.read_bytes().split(b"\n")
        for number, line in enumerate(lines[:-1], start=1):  # what follows the last line break was cut short
            try:
                yield read(json.loads(line))
            except (ValueError, TypeError) as error:
                raise DataError(
                    f"{file}, line {number}: {error}",
                    hint=f"remove the line, and the same command makes it anew: `sed -i {number}d {quoted(file)}`",
                ) from error


class Appender:
    """Writes each completion as a line of its own, handed to the system at once: a kill loses none that is there."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def append(self, record: AnswerRecord) -> None:
        line = json.dumps(asdict(record), ensure_ascii=False)
        # Half a surrogate pair, which an endpoint may send, is no UTF-8.
        self._file.write(line.encode(errors="replace") + b"\n")
        self._file.flush()


class VerdictAppender:
    """Writes each verdict of math-verify as a line of its own."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def append(self, record: AnswerRecord, is_right: bool) -> None:
        named = dict(zip(_KEY, _key(record), strict=True))
        self._file.write(json.dumps({**named, "math_verify": is_right}).encode() + b"\n")
        self._file.flush()


def _key(record: AnswerRecord) -> tuple[Any, ...]:
    return tuple(getattr(record, name) for name in _KEY)


def _verdict(value: Any) -> tuple[tuple[Any, ...], bool]:
    if not isinstance(value, dict) or not isinstance(value.get("math_verify"), bool):
        raise TypeError("no verdict of math-verify")
    return tuple(value.get(name) for name in _KEY), value["math_verify"]


def _record(value: Any) -> AnswerRecord:
    if not isinstance(value, dict):
        raise TypeError(f"a {type(value).__name__}, not an object")
    lacking = [name for name in _REQUIRED if name not in value]
    if lacking:
        raise TypeError(f"no {', no '.join(lacking)}")
    return AnswerRecord(**{name: each for name, each in value.items() if name in _FIELDS})


def _cut_torn_line(file: BinaryIO) -> None:
    """Cut off what stands behind the last line break."""
    end = file.seek(0, os.SEEK_END)
    step, position = 65_536, end
    while position > 0:
        start = max(0, position - step)
        file.seek(start)
        found = file.read(position - start).rfind(b"\n")
        if found >= 0:
            position = start + found + 1
            break
        position = start
    if position < end:
        file.truncate(position)
    file.seek(0, os.SEEK_END)


def _visible(folder: Path) -> Iterator[Path]:
    """Yield what is in a folder, without hidden files and what a kill in its first moment leaves."""
    return (path for path in folder.iterdir() if not path.name.startswith(".") and path.name != "evaluation.json.tmp")
