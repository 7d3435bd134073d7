"""Each stage on rows that it keeps and rows that it drops, with the reason."""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from leanrl.curation.recipes.kinds import KINDS
from leanrl.curation.stages.judges import read_verdict
from leanrl.errors import MissingError
from leanrl.grading.pool import GraderPool
from tests.curation.decontamination.problems import FERRY, FERRY_IN_A_LIST, KITE
from tests.curation.stages.rows import TestTools, reasons, row


def run(kind: str, rows, tools=None, **parameters):
    stage = KINDS[kind]
    return stage.judge(stage.section(**parameters), rows, tools or TestTools())


def test_a_boxed_answer_becomes_the_gold():
    rows = [
        row("a", "x", solution=r"so $\boxed{\frac{1}{2}}$"),
        row("b", solution="so 1/2"),
        row("c", solution=r"$\boxed{}$"),
        row("d"),
    ]
    judged = run("boxed_answer", rows)
    assert reasons(judged) == [None, r"no \boxed{} in the solution", "the last box is empty", "has no solution"]
    assert judged.findings[0].row.answers == (r"\frac{1}{2}",)
    kept = run("boxed_answer", rows[:1], takes_answer=False).findings[0].row
    assert kept.answers == ("x",)


def test_golds_that_no_answer_can_match():
    rows = [row("a", "42"), row("b", why_no_answer="no gold answer"), row("c", r"\frac{1}{")]
    with GraderPool(num_workers=1) as grader:
        found = reasons(run("gold_verifies", rows, TestTools(grader)))
    assert found[:2] == [None, "no gold answer"]
    assert found[2].startswith("the gold answer cannot be parsed") or "does not verify" in found[2]


COPIES = [
    row("Find the area of the circle.", "1/2", id="1"),
    row("find the AREA of the circle", "0.5", id="2"),
    row("Find the area of the square of the circle.", "3", id="3"),
    row("How many cats are in the house?", "4", id="4"),
    row("How many cats are in the house", "5", id="5"),
    row("How many cats are in the house ?", "5", id="6"),
    row("-3 - 5", "-8", id="7"),
    row("3 + 5", "8", id="8"),
]


@pytest.mark.parametrize(
    ("conflicting", "kept"),
    [("drop_all", "1 3 7 8"), ("keep_first", "1 3 4 7 8"), ("keep_commonest", "1 3 5 7 8")],
)
def test_copies_and_their_conflicts(conflicting: str, kept: str):
    """1/2 and 0.5 are one answer; 4 and 5 conflict; `-3 - 5` and `3 + 5` differ though their words do not."""
    judged = run("exact_duplicates", COPIES, conflicting=conflicting)
    assert [finding.row.id for finding in judged.findings if finding.row] == kept.split()
    found = reasons(judged)
    assert found[1] == "a copy: of 1"
    if conflicting == "drop_all":
        assert found[3] == "one of several copies with conflicting answers: '4' and '5'"


def test_near_copies_are_compared_by_their_words():
    """20 words have 18 runs of 3, 21 words 19: 18 / 19 = 95 %."""
    pytest.importorskip("rensa")
    text = "A train leaves the station at noon and travels to the next town at {} miles an hour without any stop"
    rows = [
        row(text.format(60), "1", id="1"),
        row(f"{text.format(60)} then", "1", id="2"),
        row(text.format(70), "2", id="3"),
        row(KITE, "5", id="4"),
    ]
    assert reasons(run("near_duplicates", rows)) == [
        None,
        "nearly a copy: 95% of its 3-word runs are those of 1",
        None,
        None,
    ]
    loose = reasons(run("near_duplicates", rows, keeps_other_numbers=False, min_similarity=0.6))
    assert loose[2].endswith("those of 1")


@pytest.mark.skipif(find_spec("rensa") is not None, reason="rensa is installed")
def test_near_copies_without_rensa_name_the_extra():
    with pytest.raises(MissingError) as caught:
        run("near_duplicates", [row("1 + 1", "2")])
    assert "dedup" in caught.value.hint


def test_languages():
    rows = [row("How many apples does she have?"), row("Combien de pommes est-ce que Marie a dans son panier vert ?"),
            row("$x^2 = 4$")]  # fmt: skip
    found = reasons(run("language", rows))
    assert (found[0], found[2]) == (None, None)
    assert found[1].endswith("of the words are en")


@pytest.mark.parametrize(
    ("problem", "why"),
    [
        ("(a) Find x. (b) Find y.", "several parts"),
        ("1. Find x.\n2. Find y.", "several parts"),
        ("Part 1: find x.\nPart 2: find y.", "several parts"),
        (r"Which is it? (A) 1 (B) 2 (C) 3 (D) 4", "multiple choice"),
        (r"$\textbf{(A)}\ 1 \qquad\textbf{(B)}\ 2 \qquad\textbf{(C)}\ 3$", "multiple choice"),
        ("Which of the following is prime?", "multiple choice"),
        ("Prove that n is even.", "asks for a proof"),
        ("Let n be even. Show that n + 1 is odd.", "asks for a proof"),
        ("In the diagram below, find x.", "depends on a figure"),
        ("[asy] draw((0,0)--(1,1)); [/asy] Find x.", "depends on a figure"),
        ("See https://example.org for x.", "holds an address"),
        ("Let f(a) = 2 and f(b) = 3. Find f(c).", None),
        ("A box holds 3 red balls. How many ways are there to show all work? Show your work.", None),
        ("Find the graph's number of edges.", None),
        ("What is 1. 5 times 2?", None),
        ("How many proofs did she prove in a day?", None),
    ],
)
def test_kinds_of_problems(problem: str, why: str | None):
    found = reasons(run("problem_kinds", [row(problem)]))[0]
    assert found is None if why is None else found.startswith(why)


def test_a_kind_that_is_wanted_stays():
    assert reasons(run("problem_kinds", [row("Prove that n is even.")], proof=False)) == [None]


def test_values_of_a_column():
    rows = [row(str(value), columns={"quintile": value}) for value in (1, 3, None, "5")]
    assert reasons(run("column_values", rows, column="quintile", min=2)) == [
        "quintile is 1", None, "quintile is None, no number", "quintile is '5', no number",
    ]  # fmt: skip
    assert reasons(run("column_values", rows, column="quintile", values=["5", 1]))[1] == "quintile is 3"


def test_lengths(tiny_model: Path):
    rows = [row("1 + 1"), row("1 + 1 " * 40)]
    found = reasons(run("prompt_tokens", rows, tokenizer=str(tiny_model), max_tokens=20))
    assert found[0] is None
    assert found[1].endswith("tokens, outside 0 to 20")


@pytest.mark.parametrize(
    ("band", "kept"),
    [((0.0, 0.0), [0]), ((0.25, 0.75), [1, 2]), ((1.0, 1.0), [3])],
)
def test_pass_rates(band: tuple[float, float], kept: list[int]):
    rights = ([0, 0, 0, 0], [1, 0, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1])
    verdicts = [["correct" if right else "wrong" for right in each] for each in rights]
    rows = [row(str(number)) for number in range(4)]
    judged = run("pass_rate", rows, TestTools(verdicts=verdicts), model="m", num_samples=4, min_rate=band[0],
                 max_rate=band[1])  # fmt: skip
    found = reasons(judged)
    assert [number for number, reason in enumerate(found) if reason is None] == kept
    assert judged.findings[kept[0]].row.columns["pass_rate"] == sum(rights[kept[0]]) / 4
    assert judged.findings[1].reason == "1 of 4 completions are right"
    assert judged.model == "m"


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ('{"verdict": "clean"}', "clean"),
        ('It has two questions.\n```json\n{"verdict": "multi_part"}\n```', "multi_part"),
        ('{"verdict": "clean"} but then {"verdict":"noisy"}', "noisy"),
        ('{"verdict": "clean"} is what I would say if', "unreadable"),
        ('{"verdict": "fine"}', "unreadable"),
        ("clean", "unreadable"),
        ('{"verdict": clean}', "unreadable"),
        ('{"verdict": "clean", "why": "x"}', "unreadable"),
        ("", "unreadable"),
    ],
)
def test_a_verdict_is_strict(text: str, verdict: str):
    assert read_verdict(text, ["clean", "noisy", "multi_part"]) == verdict


def test_a_judge_keeps_what_is_clean():
    texts = ['{"verdict": "clean"}', '{"verdict": "noisy"}', "hm"]
    rows = [row(str(number)) for number in range(3)]
    tools = TestTools(texts=texts)
    assert reasons(run("judge", rows, tools, model="m")) == [
        None, "the judge says noisy", "the judge's verdict cannot be read",
    ]  # fmt: skip
    assert reasons(run("judge", rows, tools, model="m", unreadable="keep"))[2] is None


def test_leaks(tmp_path: Path):
    exam = tmp_path / "exam.jsonl"
    exam.write_text(json.dumps({"id": "e1", "problem": FERRY, "answer": "5"}) + "\n")
    found = reasons(run("decontamination", [row(KITE, "1"), row(FERRY_IN_A_LIST, "5")], against=[str(exam)]))
    assert found[0] is None
    assert found[1].startswith("repeats exam with its answer: holds")


@pytest.mark.parametrize(
    ("kind", "parameters", "said"),
    [
        ("pass_rate", {"min_rate": 0.5, "max_rate": 0.2}, "above max_rate"),
        ("pass_rate", {"max_rate": 1.0}, "keeps every row"),
        ("pass_rate", {"min_rate": 0.3, "max_rate": 0.4, "num_samples": 2}, "none of them in 0.3 to 0.4"),
        ("judge", {"question": "Is it fine?"}, "has no {problem}"),
        ("judge", {"keeps": []}, "no row can stay"),
        ("judge", {"keeps": ["good"]}, "good is none of clean"),
        ("judge", {"keeps": ["clean", "noisy", "multi_part"], "unreadable": "keep"}, "keep every row"),
        ("column_values", {"column": "a", "min": 3, "max": 2}, "no row can stay"),
        ("column_values", {"column": "a"}, "drop nothing"),
        ("prompt_tokens", {"tokenizer": "t", "min_tokens": 600}, "no row can stay"),
        ("near_duplicates", {"num_bands": 7}, "do not divide"),
        ("decontamination", {"min_containment": 0.0}, "drops every row"),
    ],
)
def test_parameters_that_contradict(kind: str, parameters: dict, said: str):
    problems = KINDS[kind].contradictions(KINDS[kind].section(**parameters))
    assert any(said in problem.what for problem in problems)
