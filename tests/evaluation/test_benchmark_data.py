"""Problems of a benchmark from local files: columns, choices, hashes, pins, and what is missing."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from leanrl.config.sections.data import WorkedExample
from leanrl.errors import ConfigError, DataError, MissingError
from leanrl.eval.benchmarks.named import find_benchmark
from leanrl.eval.benchmarks.protocols import find_protocol
from leanrl.evaluation.benchmark_data import load_benchmark, pin

ROWS = [{"id": "a", "problem": "2 + 2", "answer": "4"}, {"id": "b", "problem": "3 + 3", "answer": "6"}]
OPTIONS = {
    "Question": "Which is even?", "Correct Answer": "8",
    "Incorrect Answer 1": "7", "Incorrect Answer 2": "5", "Incorrect Answer 3": "3",
}  # fmt: skip


def write_rows(path: Path, rows: Sequence[dict]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_local_file_takes_the_place_of_the_hub(tmp_path: Path):
    write_rows(tmp_path / "aime24.jsonl", ROWS)
    loaded = load_benchmark(find_benchmark("aime24"), find_protocol("open-rs"), data_dir=tmp_path)
    assert [(row.id, row.gold) for row in loaded.rows] == [("a", "4"), ("b", "6")]
    asked = loaded.rows[0].prompt[-1]["content"]
    assert asked.startswith("Solve the following math problem")
    assert asked.endswith("\n\n2 + 2")
    assert (loaded.is_local, loaded.is_verified) == (True, False)
    assert loaded.notes == ["aime24 has 2 problems here, 30 are expected"]


def test_other_file_names_and_endings(tmp_path: Path):
    (tmp_path / "gsm8k_test.csv").write_text("question,answer\nHow many?,so it is 3\\n#### 3\n".replace("\\n", " "))
    loaded = load_benchmark(find_benchmark("gsm8k"), find_protocol("robust"), data_dir=tmp_path)
    assert loaded.rows[0].gold == "3"


def test_columns_of_the_hub_stand_in_a_local_file_too(tmp_path: Path):
    write_rows(tmp_path / "minerva.jsonl", [{"problem": "p", "solution": "so \\boxed{1} then \\boxed{2.5e3}"}])
    loaded = load_benchmark(find_benchmark("minerva"), find_protocol("robust"), data_dir=tmp_path)
    assert loaded.rows[0].gold == "2.5e3"


def test_the_prompt_of_training_asks_where_the_protocol_has_none(tmp_path: Path):
    file = write_rows(tmp_path / "mine.jsonl", ROWS)
    asks = {"prompt_template": "Solve: {problem}", "system_prompt": "Be brief."}
    greedy = load_benchmark(find_benchmark(str(file)), find_protocol("greedy"), **asks)
    assert [turn["content"] for turn in greedy.rows[0].prompt] == ["Be brief.", "Solve: 2 + 2"]
    robust = load_benchmark(find_benchmark(str(file)), find_protocol("robust"), **asks)
    assert [turn["role"] for turn in robust.rows[0].prompt] == ["user"]


def test_worked_examples_of_training_are_shown_where_its_prompt_asks(tmp_path: Path):
    file = write_rows(tmp_path / "mine.jsonl", ROWS)
    asks = {"prompt_template": "Solve: {problem}", "examples": [WorkedExample(problem="1 + 1", answer="2")]}
    greedy = load_benchmark(find_benchmark(str(file)), find_protocol("greedy"), **asks)
    assert [turn["content"] for turn in greedy.rows[0].prompt] == ["Solve: 1 + 1", "2", "Solve: 2 + 2"]
    robust = load_benchmark(find_benchmark(str(file)), find_protocol("robust"), **asks)
    assert len(robust.rows[0].prompt) == 1
    write_rows(tmp_path / "gpqa-diamond.jsonl", [OPTIONS])
    own = load_benchmark(find_benchmark("gpqa-diamond"), find_protocol("greedy"), data_dir=tmp_path, **asks)
    assert len(own.rows[0].prompt) == 1, "a benchmark with a prompt of its own"


def test_options_get_letters_in_one_order_everywhere(tmp_path: Path):
    write_rows(tmp_path / "gpqa-diamond.jsonl", [OPTIONS | {"Question": f"{n}: which is even?"} for n in range(40)])
    loaded = load_benchmark(find_benchmark("gpqa-diamond"), find_protocol("robust"), data_dir=tmp_path)
    for row in loaded.rows:
        assert f"{row.gold}) 8" in row.problem
    assert {row.gold for row in loaded.rows} == set("ABCD")
    again = load_benchmark(find_benchmark("gpqa-diamond"), find_protocol("robust"), data_dir=tmp_path)
    assert again.sha256 == loaded.sha256
    assert "put the letter" in loaded.rows[0].prompt[-1]["content"]


def test_a_tolerance_stays_with_its_row(tmp_path: Path):
    write_rows(tmp_path / "olympiadbench.jsonl", [{"question": "q", "answer": ["4.2"], "error": "1e-1"}])
    loaded = load_benchmark(find_benchmark("olympiadbench"), find_protocol("robust"), data_dir=tmp_path)
    assert loaded.rows[0].columns == {"error": "1e-1"}


def test_the_hash_knows_problems_and_golds_alone(tmp_path: Path):
    hashes = []
    changed = [{**ROWS[0], "answer": "5"}, ROWS[1]]
    for name, rows in (("a", ROWS), ("b", [{**row, "id": row["id"] * 2} for row in reversed(ROWS)]), ("c", changed)):
        file = write_rows(tmp_path / f"{name}.jsonl", rows)
        hashes.append(load_benchmark(find_benchmark(str(file)), find_protocol("greedy")).sha256)
    assert hashes[0] == hashes[1]
    assert hashes[0] != hashes[2]


def test_a_pinned_benchmark_refuses_other_problems(tmp_path: Path):
    write_rows(tmp_path / "sums.jsonl", ROWS)
    (tmp_path / "sums.yaml").write_text("# my sums\nabout: sums\npath: sums.jsonl # beside this file\n")
    named, protocol = find_benchmark(str(tmp_path / "sums.yaml")), find_protocol("greedy")
    pinned = pin(load_benchmark(named, protocol), named, out=tmp_path / "pinned")
    assert "# my sums" in pinned.read_text()
    write_rows(tmp_path / "pinned" / "sums.jsonl", ROWS)
    assert load_benchmark(find_benchmark(str(pinned)), protocol).is_verified
    write_rows(tmp_path / "pinned" / "sums.jsonl", ROWS[:1])
    with pytest.raises(DataError, match="their hash is"):
        load_benchmark(find_benchmark(str(pinned)), protocol)
    with pytest.raises(ConfigError, match="there already"):
        pin(load_benchmark(named, protocol), named, out=tmp_path / "pinned")


def test_two_rows_of_one_id_are_refused(tmp_path: Path):
    file = write_rows(tmp_path / "mine.jsonl", [ROWS[0], {**ROWS[1], "id": "a"}])
    with pytest.raises(DataError) as caught:
        load_benchmark(find_benchmark(str(file)), find_protocol("greedy"))
    assert "mine" in caught.value.message
    assert "mine.jsonl:1" in caught.value.message


def test_a_benchmark_that_is_not_at_hand_names_both_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("leanrl.evaluation.benchmark_data.load_problems", _unreachable)
    with pytest.raises(MissingError) as caught:
        load_benchmark(find_benchmark("aime25"), find_protocol("robust"), data_dir=tmp_path)
    assert f"aime25 is not at hand: --data-dir {tmp_path} has no aime25.jsonl" in caught.value.message
    assert "hf download" in caught.value.hint
    assert "--data-dir" in caught.value.hint
    assert "aime25.jsonl" in caught.value.hint


def _unreachable(*_: object, **__: object) -> None:
    raise MissingError("the Hub cannot be reached")


def test_a_data_dir_that_is_not_there():
    with pytest.raises(ConfigError, match="no such folder"):
        load_benchmark(find_benchmark("aime24"), find_protocol("robust"), data_dir=Path("nowhere"))


def test_a_broken_file_in_a_data_dir_is_not_called_missing(tmp_path: Path):
    (tmp_path / "gsm8k.jsonl").write_text('{"problem": "1 + 1", "answer": 2}\n{"problem"\n')
    with pytest.raises(DataError) as caught:
        load_benchmark(find_benchmark("gsm8k"), find_protocol("robust"), data_dir=tmp_path)
    assert "gsm8k.jsonl:2: not valid JSON" in caught.value.message
    assert "hf download" not in caught.value.hint


def test_a_column_that_was_taken_is_said_in_the_keys_of_a_benchmark(tmp_path: Path):
    file = write_rows(tmp_path / "mine.jsonl", [{"question": "1 + 1", "answer": "2"}])
    (line,) = load_benchmark(find_benchmark(str(file)), find_protocol("greedy")).lines
    assert "`problem_column: NAME`" in line
    assert "-s " not in line
