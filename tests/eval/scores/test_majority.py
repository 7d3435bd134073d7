"""maj@k by hand: votes, ties, completions without a box."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leanrl.eval.scores.majority import Votes, answer_key, majority, majority_score, votes_of
from tests.eval.scores.records import answer


def votes(*boxes, gold="4"):
    return votes_of([answer(sample=number, box=box, gold=gold) for number, box in enumerate(boxes)])


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        (("4", "4", "5"), 1.0),
        (("4", "5", "5"), 0.0),
        (("4", "5"), 0.5),  # a tie is a draw by lot
        (("4", "5", "6"), 1 / 3),
        (("4", None, None), 1.0),  # no box, no vote
        ((None, None), 0.0),
    ],
)
def test_the_most_frequent_answer_counts(boxes, expected):
    assert majority_score(votes(*boxes)) == pytest.approx(expected)


def test_spellings_of_one_answer_vote_together():
    """Three spellings of the wrong 1/2 outvote two of the right 4."""
    assert majority_score(votes("4", "4", r"\frac12", r"\dfrac{1}{2}", "1/2")) == 0.0


@pytest.mark.parametrize(
    "spellings",
    [
        (r"\frac12", r"\dfrac{1}{2}", "1/2", r"\tfrac 1 2", "0.5", "2/4", "+.5"),
        (r"-\frac{1}{2}", "-1/2", "-0.50"),
        ("1,000", "1000", "1000.0", "01000"),
        ("(1,2)", "(1, 2)", r"\left(1,2\right)"),
    ],
)
def test_spellings_have_one_key(spellings):
    assert len({answer_key(text) for text in spellings}) == 1


@pytest.mark.parametrize("text", ["1/0", r"\frac{1}{0}", "9" * 40, "x" * 5000, "", r"\sqrt2", "٣/0"])
def test_every_other_text_has_a_key(text):
    assert isinstance(answer_key(text), str)


def test_the_verdict_puts_no_answers_together():
    """Both `4` and `2^2` are graded right, and have two keys."""
    records = [answer(sample=0, box="4"), answer(sample=1, box="2^2", verdict="correct"), answer(sample=2, box="5")]
    assert majority_score(votes_of(records)) == pytest.approx(2 / 3)
    assert majority_score(votes_of(records, key=lambda box: "5" if box == "5" else "four")) == 1.0


def test_the_sampling_error_by_hand():
    """Votes 4, 4, 5 drawn anew: 4 wins with P(B(3, 2/3) >= 2) = 20/27, so the variance is 140/729."""
    found = majority([votes("4", "4", "5")] * 400)
    assert found.value == 1.0
    assert found.problem_se == 0.0
    assert found.sampling_se == pytest.approx((140 / 729 / 400) ** 0.5, rel=0.02)
    assert majority([votes("4")]).sampling_se is None


def test_equal_answers_have_no_sampling_error():
    assert majority([votes("4", "4"), votes(None, None), votes("5", "5")]).sampling_se == 0.0


@given(st.lists(st.sampled_from(["4", "5", "6", None]), min_size=1, max_size=8), st.randoms())
def test_the_order_of_samples_does_not_matter(boxes, random):
    mixed = list(boxes)
    random.shuffle(mixed)
    assert majority_score(votes(*mixed)) == pytest.approx(majority_score(votes(*boxes)))


def test_a_class_with_both_verdicts_counts_in_part():
    assert majority_score(Votes((4, 1), (0.75, 0.0), 0)) == 0.75
