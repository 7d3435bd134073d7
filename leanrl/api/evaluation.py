"""Evaluations from Python, by the same path as `leanrl eval`, and how they show themselves in a notebook."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from leanrl.api.run import Run
from leanrl.errors import ConfigError
from leanrl.evaluation.asked import PAPER_BENCHMARKS, Asked
from leanrl.evaluation.drawing import Listener
from leanrl.machine.environment import quiet_libraries
from leanrl.report.rendering import fill

_HEAD = ("benchmark", "problems", "k", "avg@k", "95 % interval", "cut", "no box")


@dataclass(frozen=True, repr=False)
class Evaluation:
    """The scores of a model; `scores` is the content of scores.json in `folder`."""

    folder: Path
    scores: dict[str, Any]

    @property
    def accuracy(self) -> dict[str, float]:
        """avg@k of each benchmark."""
        return {name: score["accuracy"] for name, score in self.scores["benchmarks"].items()}

    def __str__(self) -> str:
        return "\n".join(["  ".join(row) for row in [_HEAD, *self._rows()]] + [str(self.folder)])

    def __repr__(self) -> str:
        shown = ", ".join(f"{name} {accuracy:.1%}" for name, accuracy in self.accuracy.items())
        return f"<Evaluation {self.folder}: {shown}>"

    def _repr_html_(self) -> str:
        return str(fill("notebook/scores.html", head=_HEAD, rows=self._rows(), folder=str(self.folder)))

    def _rows(self) -> list[tuple[str, ...]]:
        return [_row(name, score) for name, score in self.scores["benchmarks"].items()]


def evaluate(
    model: "Run | Evaluation | Path | str",
    *,
    benchmarks: Sequence[str | Path] = PAPER_BENCHMARKS,
    protocol: str = "robust",
    samples: int | None = None,
    max_tokens: int | None = None,
    engine: Literal["vllm", "hf"] | None = None,
    endpoint: str | None = None,
    grader: Literal["leanrl", "math-verify"] = "leanrl",
    data_dir: Path | str | None = None,
    limit: int | None = None,
    out: Path | str | None = None,
    listener: Listener | None = None,
) -> Evaluation:
    """Measure a model on benchmarks, with intervals; a second call draws only what is missing.

    Args:
        model: a run, a checkpoint, a model's folder or Hub id, a name that `endpoint` serves; or an evaluation, whose
            completions math-verify grades. Nothing is drawn then; only `benchmarks` (files) and `data_dir` go with it.
        benchmarks: names, benchmark files, or files of problems.
        protocol: how problems are asked: robust, sober, open-rs or greedy.
        samples: completions of each problem; None takes the protocol's.
        max_tokens: the longest completion; None takes the protocol's.
        engine: what draws; None takes vLLM where it is installed.
        endpoint: address of an OpenAI-compatible server.
        grader: math-verify stores its verdicts beside leanrl's.
        data_dir: a folder whose files take the place of the Hub.
        limit: the first problems of each benchmark.
        out: the folder of the evaluation.
        listener: hears progress and warnings; by default they go to stderr.

    Raises:
        ConfigError: if the question cannot be asked, or its folder holds another one.
        DataError: if a benchmark's problems cannot be used.
        MissingError: if the model, an engine or a benchmark cannot be had.
    """
    quiet_libraries()
    from leanrl.evaluation.evaluate import evaluate as run
    from leanrl.evaluation.regrading.regrade import is_evaluation, regrade
    from leanrl.evaluation.standing import PlainStandings

    listener = listener or PlainStandings()
    name = str(model.folder if isinstance(model, Run | Evaluation) else model)
    names = tuple(map(str, [benchmarks] if isinstance(benchmarks, str | Path) else benchmarks))
    data = None if data_dir is None else Path(data_dir)
    if endpoint is None and is_evaluation(name):
        of_drawing = {"samples": samples, "max_tokens": max_tokens, "engine": engine, "limit": limit, "out": out}
        _refuse_idle(name, of_drawing | {"protocol": None if protocol == "robust" else protocol})
        files = () if benchmarks is PAPER_BENCHMARKS else names
        done = regrade(name, grader, benchmarks=files, data_dir=data, say=listener.say)
        return Evaluation(done.folder, done.scores)
    asked = Asked(
        name,
        benchmarks=names,
        protocol=protocol,
        samples=samples,
        max_tokens=max_tokens,
        engine=engine,
        endpoint=endpoint,
        with_math_verify=grader == "math-verify",
        data_dir=data,
        limit=limit,
        out=None if out is None else Path(out),
    )
    done = run(asked, listener=listener)
    return Evaluation(done.folder, done.scores)


def _refuse_idle(evaluation: str, given: dict[str, Any]) -> None:
    idle = ", ".join(name for name, value in given.items() if value is not None)
    if idle:
        raise ConfigError(
            f"{evaluation} is an evaluation, whose completions are graded: {idle} would do nothing.",
            hint="leave them out",
        )


def _row(name: str, score: dict[str, Any]) -> tuple[str, ...]:
    low, high = score["interval_95"]
    return (
        name,
        f"{score['num_problems']:,}",
        str(score["num_samples"]),
        f"{score['accuracy']:.1%}",
        f"{low:.1%} to {high:.1%}",
        f"{score['truncated_share']:.1%}",
        f"{score['no_box_share']:.1%}",
    )
