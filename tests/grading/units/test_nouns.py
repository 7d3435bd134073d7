"""Nouns that a problem's own text counts: they may be dropped, and nothing else is."""

import pytest

from leanrl.grading.judgement import judge
from leanrl.grading.tables.nouns import NO_NOUNS, NUMBER_WORDS
from leanrl.grading.tables.numerals import FORMS, MULTIPLES, PARTS
from leanrl.grading.task import Task, plan_request
from leanrl.grading.units.reading import read_unit
from leanrl.types import GradeRequest, Reason

GLORPS = "Tom has 3 red glorps and buys 2 blue glorps and 4 wugs. How many glorps does Tom have?"


def reason_for(gold: str, answer: str, problem: str | None) -> Reason:
    """Return the reason for a boxed answer, without a child process."""
    plan = plan_request(GradeRequest(rf"So it is $\boxed{{{answer}}}$.", gold, "strict", problem))
    if not isinstance(plan, Task):
        return plan
    return judge(plan.mode, plan.golds, plan.answer, plan.problem, plan.refused)


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("5", "5 glorps"),
        ("5", r"5\text{ glorps}"),
        ("5", r"\text{5 red glorps}"),
        ("5", "5 Glorps."),
        ("1", "1 glorp"),
        ("5 glorps", "5"),
        ("5 glorps", "5 red glorps"),
        (r"\frac{5}{2}", r"\frac{5}{2}\text{ glorps}"),
        ("x = 5", r"x = 5\text{ glorps}"),
        ("3, 4", r"3\text{ glorps and }4\text{ wugs}"),
    ],
)
def test_a_counted_noun_is_free(gold, answer):
    """On either side; without the problem it is a word."""
    assert reason_for(gold, answer, GLORPS) == "correct"
    assert reason_for(gold, answer, None) != "correct"


@pytest.mark.parametrize("problem", ["There are $3$ glorps.", "Are these three glorps?", "Find the number of glorps."])
def test_values_before_a_noun(problem):
    """In digits, in words, or asked for."""
    assert reason_for("5", "5 glorps", problem) == "correct"


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("5", "6 glorps"),
        ("5", "-5 glorps"),
        ("5", r"5 \text{ or six glorps}"),
        ("5", r"5\text{ glorps or }6\text{ glorps}"),
        ("5", "5, 6 glorps"),
        ("5", "5 minus glorps"),  # an adjective stands before the noun in the problem
        ("5", "5 tall red glorps"),
        ("5", "5 toms"),
        ("5", "5 buys"),
        ("5", "5 glorps glorps"),
        ("56", r"5\text{ glorps }6"),
        ("5 glorps", "5 wugs"),
        ("5 red glorps", "5 blue glorps"),
        ("5 glorps", r"5\text{ kg}"),
        (r"5\text{ kg}", "5 glorps"),
    ],
)
def test_what_is_no_counted_noun(gold, answer):
    """Other values, two values, other things, words that count nothing."""
    assert reason_for(gold, answer, GLORPS) != "correct"


WORDS_OF_NUMBERS = sorted({*NO_NOUNS, *NUMBER_WORDS, *MULTIPLES, *PARTS, *FORMS})


@pytest.mark.parametrize("word", [word for word in WORDS_OF_NUMBERS if word.isascii() and read_unit(word) is None])
def test_no_word_that_changes_a_number_is_dropped(word):
    """A policy would put it behind any number: a problem that says 3 hundred makes 5 hundred no 5."""
    for form in (word, word if word.endswith("s") else word + "s"):
        problem = f"What is 3 {form}? How many {form} are 3 {form} glorps?"
        assert reason_for("5", f"5 {form}", problem) != "correct", form
        assert reason_for("5", rf"5\text{{ {form} glorps}}", problem) != "correct", form


@pytest.mark.parametrize("word", ["xyz", "abc", "sin", "mg", "kg", "hours", "dozen", "thirds"])
def test_letters_units_and_number_words_stay(word):
    """3 abc in a problem is a product, 3 kg a mass."""
    problem = f"Simplify the term 3 {word} for the 2 {word}. How many {word}?"
    wrong_gold = r"5\text{ glorps}" if read_unit(word) else "5"
    assert reason_for(wrong_gold, f"5 {word}", problem) != "correct"


def test_a_formulas_letters_are_no_noun():
    """Words inside a formula count nothing, nor do those of a problem in another language."""
    assert reason_for("5", "5 glorps", "What is $3 glorps$ in the end?") != "correct"
    assert reason_for("5", "5 docenas", "Ana compra 3 docenas de huevos") != "correct"
