"""Leaks: copies and near copies are found, forms of speech are not, whatever the order of the data."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanrl.curation.decontamination.boilerplate import find_boilerplate
from leanrl.curation.decontamination.index import LONG, MIDDLE, SHORT, EvaluationIndex, EvaluationProblem
from leanrl.curation.decontamination.leaks import Leak, LeakFinder
from leanrl.curation.decontamination.words import ngrams, words_of
from tests.curation.decontamination.problems import (
    ASKED_WITH_FORM,
    EVALUATION,
    FERRY,
    FERRY_IN_A_LIST,
    FERRY_WITH_OTHER_NUMBERS,
    KITE,
    training_with_form,
)


def finder_over(texts: list[str]) -> LeakFinder:
    index = EvaluationIndex(EVALUATION)
    return LeakFinder(index, find_boilerplate(index, texts))


def leaks_of(text: str, *, among: list[str], gold: str | None = "5") -> list[Leak]:
    return finder_over([*among, text]).leaks(text, gold)


def test_words_are_letters_and_digits():
    assert words_of(r"Let $x_1 = \frac{2}{3}$; FIND it's.") == ["let", "x", "1", "frac", "2", "3", "find", "it", "s"]


@pytest.mark.parametrize("text", [FERRY, FERRY_IN_A_LIST, FERRY.upper(), FERRY.replace(",", "").replace(" ", "  ")])
def test_a_copy_is_a_leak(text: str):
    (leak,) = leaks_of(text, among=[KITE])
    assert (leak.problem.id, leak.containment, leak.same_answer) == ("f1", 1.0, True)
    assert "holds 100% of ferries f1" in leak.reason


def test_a_template_with_other_numbers_is_a_leak_without_the_answer():
    (leak,) = leaks_of(FERRY_WITH_OTHER_NUMBERS, among=[KITE], gold="12")
    assert leak.containment > 0.5
    assert leak.same_answer is False


@pytest.mark.parametrize("text", [KITE, "", "one two three", FERRY[:40]])
def test_what_shares_little_is_none(text: str):
    assert leaks_of(text, among=[FERRY]) == []


def test_a_form_of_speech_is_no_leak_where_many_problems_have_it():
    asked = training_with_form(40)
    assert finder_over(asked).leaks(asked[0], "17") == []
    # With few problems nothing tells a form of speech from a copied sentence.
    assert finder_over(asked[:5]).leaks(asked[0], "17") != []


def test_a_problem_that_is_copied_many_times_is_no_form_of_speech():
    assert leaks_of(FERRY, among=[FERRY] * 60) != []
    assert leaks_of(ASKED_WITH_FORM, among=[ASKED_WITH_FORM] * 60, gold=None)[0].same_answer is None


def test_overlaps_count_evaluation_problems_by_rule():
    asked = training_with_form(40)
    finder = finder_over([*asked, FERRY])
    for text in (*asked, FERRY, FERRY):
        finder.leaks(text, "5")
    counts = {name: {rule: len(ids) for rule, ids in vars(each).items()} for name, each in finder.overlaps.items()}
    assert counts["ferries"] == {
        "any_8_gram": 1, "any_13_gram": 1, "contained": 1, "leaked": 1, "leaked_with_answer": 1,
    }  # fmt: skip
    assert counts["chords"] == {
        "any_8_gram": 1, "any_13_gram": 1, "contained": 0, "leaked": 0, "leaked_with_answer": 0,
    }  # fmt: skip


@given(
    st.lists(st.sampled_from(["a", "b", "c", "d", "zz"]), max_size=60), st.lists(st.sampled_from("abcd"), max_size=60)
)
def test_shared_grams_are_those_of_a_plain_comparison(training: list[str], evaluation: list[str]):
    index = EvaluationIndex([EvaluationProblem("set", "1", " ".join(evaluation))])
    found = index.grams(" ".join(training))
    for size in (LONG, MIDDLE, SHORT):
        assert found[size] == set(ngrams(training, size)) & set(ngrams(evaluation, size))


WORDS = st.lists(st.sampled_from("abc"), min_size=5, max_size=24).map(" ".join)


@given(st.lists(WORDS, min_size=1, max_size=4), st.lists(WORDS, min_size=1, max_size=6), st.sampled_from([0.0, 0.5]))
def test_leaks_and_counts_are_those_of_holding_all_against_all(evaluation: list[str], texts: list[str], least: float):
    """With few words nearly all runs are forms of speech somewhere."""
    index = EvaluationIndex([EvaluationProblem("set", str(n), text) for n, text in enumerate(evaluation)])
    boilerplate = find_boilerplate(index, texts, in_training=1, in_evaluation=1)
    finder = LeakFinder(index, boilerplate, min_containment=least)
    expected: dict[str, set[str]] = {"any_8_gram": set(), "any_13_gram": set(), "leaked": set()}
    for text in texts:
        grams = index.grams(text)
        leaked = set()
        for shared in index.shared(grams, set(range(len(evaluation)))):
            own = set(ngrams(words_of(shared.problem.text), MIDDLE)) & set(ngrams(words_of(text), MIDDLE))
            expected["any_8_gram"] |= {shared.problem.id} if own else set()
            expected["any_13_gram"] |= {shared.problem.id} if shared.long else set()
            if boilerplate.containment(shared) >= least or not all(map(boilerplate.has, shared.long)):
                leaked.add(shared.problem.id)
        assert {leak.problem.id for leak in finder.leaks(text, None)} == leaked
        expected["leaked"] |= leaked
    found = vars(finder.overlaps["set"])
    assert {rule: found[rule] for rule in expected} == expected


@given(st.permutations([*training_with_form(25), FERRY, KITE]))
def test_the_order_of_the_data_changes_nothing(texts: list[str]):
    finder = finder_over(texts)
    assert {text for text in texts if finder.leaks(text, None)} == {FERRY}
