"""The answer in the text of a gold, by the rule that finds it."""

import pytest

from leanrl.grading.text.golds import GoldReading, number_text, read_gold

CASES = {
    "box": [(r"blah \boxed{5}", "5"), (r"The answer is 4, no: \boxed{5}", "5"), (r"<answer>\boxed{5}</answer>", "5")],
    "tag": [
        ("<answer>42</answer>", "42"),
        ("<think>7</think> <ANSWER> 42 </ANSWER>", "42"),
        ("<answer>1</answer> or rather <answer>The answer is 2.</answer>", "2"),
    ],
    "hashes": [
        ("#### 72", "72"),
        ("It costs 5.\n#### 1,080", "1080"),
        ("#### 12,34", "12,34"),
        ("####   7 \n", "7"),
        ("#### 72 clips", "72 clips"),
        ("#### The answer is 72.", "72"),
    ],
    "announced": [
        ("The answer is 42", "42"),
        ("The answer is 42.5.", "42.5"),
        ("Answer: 42", "42"),
        ("ANSWER: B", "B"),
        ("Answer = 42", "42"),
        ("**Answer:** 42", "42"),
        ("The answer is **42**.", "42"),
        ("### Answer\n42", "42"),
        ("Therefore, the final answer is:\n\n42", "42"),
        (r"So the answer is $\frac12$.", r"$\frac12$"),
        ("Final Answer: The final answer is $42$. I hope it is correct.", "$42$"),
        ("It is 5, so the result is 7 apples.", "7 apples"),
        ("The answer is 5. No: the answer is 6.", "6"),
        ("Hence the answer is 10%.", "10%"),
        ("the solution is x = 3 or x = -2", "x = 3 or x = -2"),
        ("Answer: New York", "New York"),
    ],
    "note": [
        ("9 (apples)", "9"),
        ("3.5 (hours)", "3.5"),
        ("9 (cm)", "9"),
        ("1/2 (pies); 3 (red cats)", "1/2, 3"),
    ],
    "text": [
        ("42", "42"),
        (" 1,080 ", "1,080"),
        ("2 (x+1)", "2 (x+1)"),
        ("2 (ab)", "2 (ab)"),
        ("(apples) 9", "(apples) 9"),
        ("#### 4 is not\nthe end", "#### 4 is not\nthe end"),
        ("The answer is not 5", "The answer is not 5"),
        ("The answer is 42 because 6*7 is", "The answer is 42 because 6*7 is"),
        ("The answer is between 5 and 6", "The answer is between 5 and 6"),
        ("The answer is as follows", "The answer is as follows"),
        ("The answer is 5. That was easy", "The answer is 5. That was easy"),
        ("Let the answer be 5", "Let the answer be 5"),
        (r"f(x)=cx \text{ for any constant } c", r"f(x)=cx \text{ for any constant } c"),
    ],
}


@pytest.mark.parametrize(
    ("text", "expected"), [(text, GoldReading(answer, rule)) for rule, cases in CASES.items() for text, answer in cases]
)
def test_every_rule(text: str, expected: GoldReading) -> None:
    assert read_gold(text) == expected


@pytest.mark.parametrize("answer", sorted({answer for cases in CASES.values() for _, answer in cases}))
def test_an_answer_that_was_read_is_read_as_itself(answer: str) -> None:
    reading = read_gold(answer)
    assert reading.text == answer.strip() or reading.rule == "announced"


@pytest.mark.parametrize("unit", ["####", "<answer>", "The answer is ", "answer: ", "9 (a", r"\boxed{", "$", "(a "])
def test_a_long_text_takes_no_time(unit: str) -> None:
    """A gold may be a long solution; a quadratic search would need minutes for these."""
    assert read_gold(unit * (400_000 // len(unit))).text


@pytest.mark.parametrize("value", [True, None, "5", float("nan"), float("inf"), 1j, [1], {}])
def test_what_is_no_number(value: object) -> None:
    assert number_text(value) is None
