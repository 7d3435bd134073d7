"""A source of a recipe: a row means there what it means to a run that trains on it or is measured on it."""

import json
from pathlib import Path
from typing import Any

import pytest

from leanrl.config.sections.data import DataConfig
from leanrl.curation.building.asking import ModelAsker
from leanrl.curation.building.output import write_rows
from leanrl.curation.building.reading import read_source
from leanrl.curation.decontamination.files import decontaminate
from leanrl.curation.decontamination.index import EvaluationProblem
from leanrl.curation.recipes.recipe import ModelConfig, SourceConfig
from leanrl.curation.stages.stage import Asks
from leanrl.data.load import load_problems
from leanrl.eval.benchmarks.named import find_benchmark
from leanrl.eval.benchmarks.protocols import find_protocol
from leanrl.evaluation.benchmark_data import load_benchmark
from leanrl.types import GoldList

CHOICES = {"choices": ["Rome", "Oslo", "Paris"]}
TALK = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "4 + 5"},
    {"role": "assistant", "content": "9"},
    {"role": "user", "content": "And one more?"},
]
ROWS: list[dict[str, Any]] = [
    {"id": "index", "problem": "Capital of France?", **CHOICES, "answer": 2},
    {"id": "letter", "problem": "Capital of Italy?", **CHOICES, "answer": "A"},
    {"id": "out of range", "problem": "Capital of Spain?", **CHOICES, "answer": 3},
    {"id": "number", "problem": "1 + 1", "answer": 2},
    {"id": "whole float", "problem": "1 + 2", "answer": 3.0},
    {"id": "several", "problem": "root of 4", "answer": ["2", "-2"]},
    {"id": "written list", "problem": "root of 9", "answer": '["3", "-3"]'},
    {"id": "hashes", "problem": "2 + 2", "answer": "two and two make\n#### 4"},
    {"id": "box", "problem": "2 + 3", "answer": r"so it is \boxed{5}"},
    {"id": "prose", "problem": "Why is it so?", "answer": "It is so because the two sides of it are the same."},
    {"id": "missing", "problem": "3 + 3", "answer": None},
    {"id": "true", "problem": "Is 4 even?", "answer": True},
    {"id": "turn", "problem": [{"role": "user", "content": "4 + 4"}], "answer": "8"},
    {"id": "talk", "problem": [*TALK, {"role": "assistant", "content": "10"}], "answer": "10"},
    {"id": 17, "problem": "4 + 5", "answer": "9"},
    {"id": " ", "problem": "5 + 5", "answer": "10"},
    {"id": "nothing", "problem": " ", "answer": "1"},
]


def _answers(gold: str | GoldList) -> tuple[str, ...]:
    return gold.answers if isinstance(gold, GoldList) else (gold,)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return path


def test_training_evaluation_and_curation_read_a_row_alike(file: Path):
    """16 of the 17 rows ask something; three of those have no gold answer, which curation notes and training drops."""
    trained = load_problems(DataConfig(path=str(file), shuffle=False, max_word_golds=1.0), seed=0)
    expected = [(row.id, row.problem, _answers(row.gold)) for row in trained.train]
    assert len(expected) == 13
    assert expected[0] == ("index", "Capital of France?\n\nA) Rome\nB) Oslo\nC) Paris", ("C",))

    curated = read_source("s", SourceConfig(path=str(file)), where="parts.p.sources.s", seed=0)
    assert [(row.id, row.problem, row.answers) for row in curated.rows if row.answers] == expected
    without = {row.id: row.why_no_answer for row in curated.rows if not row.answers}
    assert list(without) == ["prose", "missing", "true"]
    dropped = {row.where.rpartition(":")[2]: row.reason.rpartition(" (column")[0] for row in trained.dropped}
    assert [*without.values()] == [dropped[str(number)] for number in (10, 11, 12)]

    measured = load_benchmark(find_benchmark(str(file)), find_protocol("greedy")).rows
    assert [(row.id, row.problem, _answers(row.gold)) for row in measured if row.id != "prose"] == expected


def test_decontamination_reads_the_letter(file: Path):
    """The options of a row are part of what it asks, and the letter is its gold answer."""
    problem = "Capital of France?\n\nA) Rome\nB) Oslo\nC) Paris"
    found = decontaminate(file, [EvaluationProblem("set", "1", problem, "C")], data=DataConfig(path=str(file)))
    assert [(text, leak.same_answer) for text, leak in found.examples] == [(problem, True)]


def test_a_built_dataset_trains_as_its_source_does(tmp_path: Path):
    """Options, gold answers and conversations: the model is asked the same, and so is a solver of the recipe."""
    rows = [row for row in ROWS if row["id"] in ("index", "number", "hashes", "turn", "talk")]
    source, written = tmp_path / "rows.jsonl", tmp_path / "rows.parquet"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    curated = read_source("s", SourceConfig(path=str(source), kept_columns=["choices"]), where="s", seed=0)
    write_rows(written, curated.rows)
    of_source, of_written = (load_problems(DataConfig(path=str(path)), seed=0).train for path in (source, written))
    assert [(row.id, row.prompt, row.gold) for row in of_written] == [
        (row.id, row.prompt, row.gold) for row in of_source
    ]
    assert len(of_written) == 5


def test_a_build_says_which_columns_it_takes(tmp_path: Path):
    """As training says it: they were not named."""
    (tmp_path / "rows.jsonl").write_text('{"question": "1 + 1", "ground_truth": "2"}\n')
    source = SourceConfig(path=str(tmp_path / "rows.jsonl"))
    assert read_source("s", source, where="parts.p.sources.s", seed=0).lines == [
        "parts.p.sources.s: problems are read from the column 'question'; "
        "`-s parts.p.sources.s.problem_column=NAME` names another",
        "parts.p.sources.s: gold answers are read from the column 'ground_truth'; "
        "`-s parts.p.sources.s.answer_column=NAME` names another",
    ]


def test_a_solver_is_asked_what_training_asks(file: Path, tmp_path: Path):
    trained = {
        row.id: row.prompt for row in load_problems(DataConfig(path=str(file), max_word_golds=1.0), seed=0).train
    }
    curated = read_source("s", SourceConfig(path=str(file)), where="parts.p.sources.s", seed=0).rows
    asker = ModelAsker(tmp_path, ModelConfig(id="m"), grader=None, listener=None)  # type: ignore[arg-type]
    asked = {row.id: asker._row(row, Asks()).prompt for row in curated if row.answers}
    assert asked == trained
    assert asked["talk"] == TALK


def test_choices_of_a_dataset_of_the_hub_are_read(file: Path, tmp_path: Path):
    """A dataset with many columns is asked for those that are needed, and the options are among them."""
    folder = tmp_path / "capitals"
    folder.mkdir()
    rows = [{**ROWS[0], "subject": "geography"}, {**ROWS[0], "id": "2", "problem": "Capital of Norway?", "answer": 1}]
    (folder / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    data = DataConfig(hub_id=str(folder), max_word_golds=1.0)
    assert [row.gold for row in load_problems(data, seed=0).train] == ["C", "B"]
