"""Gold answers of a column: what is read out of longer texts, what is none, and what is said of both."""

import decimal
import fractions
import json
from pathlib import Path
from typing import Any

import pytest

from leanrl.config.sections.data import DataConfig
from leanrl.data.golds.answer import Gold, NoGold, is_prose, is_words, read_value
from leanrl.data.load import load_problems
from leanrl.errors import DataError
from leanrl.types import GoldList, ProblemSet

WORKED = "Natalia sold 48/2 = <<48/2=24>>24 clips in May.\nAltogether 48+24 = <<48+24=72>>72.\n#### 72"


def _load(folder: Path, golds: list[Any], **keys: Any) -> ProblemSet:
    path = folder / "mine.jsonl"
    path.write_text("".join(json.dumps({"problem": f"{n}?", "answer": gold}) + "\n" for n, gold in enumerate(golds)))
    return load_problems(DataConfig(path=str(path), **keys), seed=0)


def test_gsm8k_is_read_behind_its_hashes_and_says_so(tmp_path: Path) -> None:
    problems = _load(tmp_path, [WORKED, "It is\n#### 1,080", "#### -3", "#### 0.5"])
    assert [row.gold for row in problems.train] == ["72", "1080", "-3", "0.5"]
    (line,) = problems.lines
    assert line.startswith("4 of 4 golds: what stands behind ####, such as '72' of '... ")
    assert problems.notes == []


def test_every_rule_is_counted_with_an_example(tmp_path: Path) -> None:
    golds = ["1", "#### 2", "The answer is 3.", "<answer>4</answer>", "5 (apples)", r"So \boxed{6}", "7"]
    problems = _load(tmp_path, golds)
    assert [row.gold for row in problems.train] == ["1", "2", "3", "4", "5", r"So \boxed{6}", "7"]
    assert [line.partition(",")[0] for line in problems.lines] == [
        "1 of 7 golds: what the last box holds",
        "1 of 7 golds: what the last <answer> tags hold",
        "1 of 7 golds: what stands behind ####",
        "1 of 7 golds: what the text announces at its end",
        "1 of 7 golds: the number before a note in brackets",
        "2 of 7 golds: the whole text",
    ]
    assert "such as '5' of '5 (apples)'" in problems.lines[4]


def test_bare_golds_need_no_word(tmp_path: Path) -> None:
    problems = _load(tmp_path, ["1", r"\frac{1}{2}", 3])
    assert (problems.lines, problems.notes) == ([], [])


def test_all_of_the_text_where_it_is_asked_for(tmp_path: Path) -> None:
    problems = _load(tmp_path, ["#### 4", "9 (apples)"], gold_from="answer")
    assert [row.gold for row in problems.train] == ["#### 4", "9 (apples)"]


def test_asked_for_hashes_drop_rows_without_them(tmp_path: Path) -> None:
    problems = _load(tmp_path, [r"\boxed{7} is wrong #### 1", "two"], gold_from="hashes")
    assert [row.gold for row in problems.train] == ["1"]
    assert problems.dropped[0].reason == "no gold answer behind #### of 'two' (column 'answer')"


def test_the_last_box_where_it_is_asked_for(tmp_path: Path) -> None:
    problems = _load(tmp_path, [r"First \boxed{1}, so \boxed{\frac{1}{2}}."], gold_from="boxed")
    assert [row.gold for row in problems.train] == [r"\frac{1}{2}"]


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("There are 5 green apples.", True),
        (WORKED.partition("####")[0], True),
        ("She sells 16 - 3 - 4 = 9 duck eggs a day and makes 18", True),
        ("Let n be an odd number, then its square is odd too", True),
        ("The proof is left to the reader.", True),
        ("因为三角形的内角和等于一百八十度所以答案是六十度", True),
        ("x = 5", False),
        (r"5 \text{ apples and pears for all the children of this town}", False),
        ("New York City", False),
        ("all real numbers except 0", False),
        ("充要条件", False),
        (r"f(x)=cx \text{ for any constant } c", False),
        ("x = 3 or x = -2", False),
        ("5.", False),
    ],
)
def test_prose_is_told_from_answers(text: str, is_one: bool) -> None:
    assert is_prose(text) == is_one


@pytest.mark.parametrize(
    ("gold", "are"),
    [
        ("Paris", True),
        ("proof", True),
        ("There are 5 green apples.", True),
        (GoldList(("to be", "Rome")), True),
        (GoldList(("Paris", "5")), False),
        ("yes", False),
        ("two", False),
        ("A", False),
        ("x=2", False),
        ("5 cm", False),
        (r"\text{east}", False),
        (r"\pi", False),
    ],
    ids=str,
)
def test_words_are_told_from_values(gold: str | GoldList, are: bool) -> None:
    assert is_words(gold) == are


def test_prose_is_dropped_counted_and_listed(tmp_path: Path) -> None:
    golds = ["1", "2", "3", "There are 5 green apples."]
    problems = _load(tmp_path, golds)
    assert [row.gold for row in problems.train] == ["1", "2", "3"]
    (dropped,) = problems.dropped
    assert dropped.where.endswith("mine.jsonl:4")
    assert dropped.reason.startswith("the gold answer is prose that no answer can match: 'There are 5")
    assert problems.notes[0].startswith("1 of 4 gold answers are prose that no answer can match, and are dropped")
    assert len(_load(tmp_path, golds, unparseable_gold="keep").train) == 4


def test_a_held_out_problem_has_a_gold_that_is_one(tmp_path: Path) -> None:
    golds = ["There are 5 green apples.", None, "7", "8", "9", "10"]
    problems = _load(tmp_path, golds, num_heldout=3)
    assert {row.gold for row in problems.train + problems.heldout} == {"7", "8", "9", "10"}
    assert len(problems.heldout) == 3


@pytest.mark.parametrize("words", ["Let us count the apples. There are five of them.", "an essay"])
def test_too_many_words_stop_with_the_column_to_use(tmp_path: Path, words: str) -> None:
    path = tmp_path / "mine.jsonl"
    rows = [{"problem": f"{n}?", "answer": words if n < 6 else "7", "final_answer": n} for n in range(10)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(DataError, match="6 of 10 gold answers in the column 'answer' are words or prose") as caught:
        load_problems(DataConfig(path=str(path)), seed=0)
    assert "`-s data.answer_column=final_answer`" in str(caught.value.hint)
    assert len(load_problems(DataConfig(path=str(path), max_word_golds=0.6), seed=0).train) >= 4


NO_GOLDS = [None, float("nan"), float("inf"), decimal.Decimal("NaN"), "NaN", "nan", "None", " null ", "<NA>", "", "  "]
NO_GOLDS += ["notfound", "proof", '["1", "nan"]']  # the first two are NuminaMath's
NO_GOLDS += [True, False, {}, {"a": 1}, "{'ground_truth': '4'}", [], ["1", None], ["1", "nan"], [["1"]], b"4", {1}, 1j]


@pytest.mark.parametrize("value", NO_GOLDS, ids=repr)
def test_what_is_no_gold(value: Any) -> None:
    gold = read_value(value, place="auto", accept="any", keeps_prose=False)
    assert isinstance(gold, NoGold)
    assert gold.reason.startswith("no gold answer")
    assert not gold.is_prose


@pytest.mark.parametrize(
    ("value", "gold"),
    [
        (decimal.Decimal("1.50"), "1.50"),
        (fractions.Fraction(1, 3), "1/3"),
        (72.0, "72"),
        (10**30, "1" + "0" * 30),
        (("1", 2), GoldList(("1", "2"))),
        (["#### 1", "The answer is 2"], GoldList(("1", "2"))),
        ('["34"]', "34"),  # Skywork-OR1
        (r'["\\frac{1}{2}", "0.5"]', GoldList((r"\frac{1}{2}", "0.5"))),
        ("[1, 2]", "[1, 2]"),
        ('["a" and so on', '["a" and so on'),
        ([{"role": "user", "content": "?"}, {"role": "assistant", "content": "The answer is 4."}], "4"),
    ],
    ids=str,
)
def test_what_is_a_gold(value: Any, gold: str | GoldList) -> None:
    read = read_value(value, place="auto", accept="any", keeps_prose=False)
    assert isinstance(read, Gold)
    assert read.answer == gold
