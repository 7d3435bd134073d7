"""Gold answers inside longer texts: GSM8K's ####, boxes, sentences."""

import json
from pathlib import Path
from typing import Any

import pytest

from leanrl.config.schema import DataConfig
from leanrl.data.golds import gold_text_at, reads_as_sentence
from leanrl.data.load import load_problems
from leanrl.errors import DataError
from leanrl.types import ProblemSet

WORKED = "Natalia sold 48/2 = <<48/2=24>>24 clips in May.\nAltogether 48+24 = <<48+24=72>>72.\n#### 72"


def _load(folder: Path, golds: list[Any], **keys: Any) -> ProblemSet:
    path = folder / "mine.jsonl"
    path.write_text("".join(json.dumps({"problem": f"{n}?", "answer": gold}) + "\n" for n, gold in enumerate(golds)))
    return load_problems(DataConfig(path=str(path), **keys), seed=0)


def test_gsm8k_is_read_behind_its_hashes_and_says_so(tmp_path: Path) -> None:
    problems = _load(tmp_path, [WORKED, "It is\n#### 1,080", "#### -3", "#### 0.5"])
    assert [row.gold for row in problems.train] == ["72", "1080", "-3", "0.5"]
    assert problems.notes == [
        "Gold answers are read behind ####, as GSM8K writes them; `-s data.gold_from=answer` takes the whole text."
    ]


def test_a_few_hashes_decide_nothing(tmp_path: Path) -> None:
    problems = _load(tmp_path, ["1", "2", "3", "#### 4"])
    assert [row.gold for row in problems.train] == ["1", "2", "3", "#### 4"]
    assert problems.notes == []


def test_asked_for_hashes_drop_rows_without_them(tmp_path: Path) -> None:
    problems = _load(tmp_path, ["#### 1", "two"], gold_from="hashes")
    assert [row.gold for row in problems.train] == ["1"]
    assert problems.dropped[0].reason == "no gold answer behind #### of 'two' (column 'answer')"


def test_the_last_box_where_it_is_asked_for(tmp_path: Path) -> None:
    problems = _load(tmp_path, [r"First \boxed{1}, so \boxed{\frac{1}{2}}."], gold_from="boxed")
    assert [row.gold for row in problems.train] == [r"\frac{1}{2}"]


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("The answer is 5.", True),
        (WORKED, True),
        ("x = 5", False),
        (r"5 \text{ apples and pears for all}", False),
        ("New York City", False),
        (r"The answer is \boxed{5} of them.", False),
    ],
)
def test_sentences_are_told_from_answers(text: str, is_one: bool) -> None:
    assert reads_as_sentence(text) == is_one


def test_sentences_are_named_with_the_keys_that_help(tmp_path: Path) -> None:
    (note,) = _load(tmp_path, ["The answer is 5.", "7", "8"]).notes
    assert note.startswith("1 of 3 gold answers read as sentences, such as 'The answer is 5.'")
    assert "-s data.answer_column=NAME" in note
    assert "-s data.gold_from=boxed" in note


@pytest.mark.parametrize(("text", "gold"), [("#### 12,34", "12,34"), ("####   7 \n", "7"), ("none", None)])
def test_what_stands_behind_hashes(text: str, gold: str | None) -> None:
    """12,34 is no number with thousands: its comma stays."""
    assert gold_text_at("hashes", text) == gold


# The shape of verl's and DAPO's data sets.
VERL = {"prompt": [{"role": "user", "content": "2 + 2?"}], "reward_model": {"ground_truth": "4", "style": "rule"}}


def test_nested_columns_and_a_conversation_are_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text(json.dumps(VERL))
    data = DataConfig(path=str(path), problem_column="prompt", answer_column="reward_model.ground_truth")
    (row,) = load_problems(data, seed=0).train
    assert (row.problem, row.gold) == ("2 + 2?", "4")


def test_nested_columns_are_offered_by_their_whole_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text(json.dumps(VERL))
    with pytest.raises(DataError) as caught:
        load_problems(DataConfig(path=str(path)), seed=0)
    assert "Its columns are: prompt, reward_model, reward_model.ground_truth, reward_model.style." in str(caught.value)
    assert "-s data.problem_column=prompt -s data.answer_column=reward_model.ground_truth" in str(caught.value.hint)


def test_a_longer_conversation_is_dropped_with_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2 + 2?"}]
    path.write_text(json.dumps({"problem": turns, "answer": 4}) + "\n" + json.dumps({"problem": "1?", "answer": 1}))
    (dropped,) = load_problems(DataConfig(path=str(path)), seed=0).dropped
    assert dropped.reason.startswith("a conversation of system, user: leanrl asks one user message")
    assert "data.system_prompt" in dropped.reason


def test_a_column_with_spaces_is_quoted_in_the_hint(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text(json.dumps({"Problem (Text)": "1?", "Answer": 1}))
    with pytest.raises(DataError) as caught:
        load_problems(DataConfig(path=str(path)), seed=0)
    assert "-s data.problem_column='Problem (Text)' -s data.answer_column=Answer" in str(caught.value.hint)


def test_a_dataset_with_several_configurations_names_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "gsm"
    for config in ("main", "socratic"):
        (folder / config).mkdir(parents=True)
        (folder / config / "train.jsonl").write_text(json.dumps({"question": "1?", "answer": f"#### {len(config)}"}))
    listing = "".join(f"- config_name: {name}\n  data_files: {name}/train.jsonl\n" for name in ("main", "socratic"))
    (folder / "README.md").write_text(f"---\nconfigs:\n{listing}---\n")
    data = DataConfig(hub_id=str(folder), problem_column="question")
    with pytest.raises(DataError) as caught:
        load_problems(data, seed=0)
    assert caught.value.hint == "-s data.hub_config=main or -s data.hub_config=socratic"
    (row,) = load_problems(data.model_copy(update={"hub_config": "socratic"}), seed=0).train
    assert row.gold == "8"
