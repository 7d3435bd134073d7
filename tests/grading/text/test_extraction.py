"""The answer that a completion gives, as text."""

import pytest

from leanrl.grading.text.extraction import find_answer, keep_last_boxes


@pytest.mark.parametrize(
    ("completion", "answer"),
    [
        (r"\boxed{5}", "5"),
        (r"\fbox{5}", "5"),
        (r"\boxed {5}", "5"),
        (r"\boxed{\boxed{5}}", "{5}"),
        (r"first \boxed{4}, no: it is \boxed{5}", "5"),  # the last one
        (r"\boxed{4} and $\boxed{5}$", "4, 5"),  # one answer in two boxes
        (r"\boxed{4}, \boxed{5}, and \boxed{6}", "4, 5, 6"),
        (r"$\boxed{4}$ \quad \text{or} \quad $\boxed{5}$", "4, 5"),
        (r"\boxed{4} \boxed{5}", "4, 5"),  # side by side: both, not the second
        (r"\boxed{5} and \boxed{5}", "5"),
        (r"\boxed{4} = \boxed{5}", "5"),
        (r"\boxed{5} Wait, \boxed{6", "5"),  # the second never closes
        (r"\boxed{5", None),
        (r"\boxed{}", None),
        ("The answer is 5.", None),
        ("", None),
        (r"<think>\boxed{4}</think>\boxed{5}", "5"),
        (r"\boxed{4}</think>\boxed{5}", "5"),  # the opening tag was in the prompt
        (r"<think>\boxed{5}</think>", None),  # a box in the thinking part only
        (r"<think>\boxed{5}", None),  # never closed
        (r"\boxed{5}<think>\boxed{6}", "5"),
        (r"</think>\boxed{5}</think>", None),
    ],
)
def test_strict(completion, answer):
    """Closed boxes outside the thinking part."""
    assert find_answer(completion, "strict") == answer


@pytest.mark.parametrize(
    ("completion", "answer"),
    [
        (r"The answer is 4. \boxed{5}", "5"),  # a box goes first
        (r"so \boxed{5", "5"),
        ("<answer> 5 </answer>", "5"),
        ("2 + 3 = 5\n#### 5", "5"),
        ("The answer is 5.", "5"),
        ("The answer is $5$. I hope it is correct.", "5"),
        ("**Answer:** 5", "5"),
        ("Answer:\n\n5", "5"),
        ("The final answer to the question is 12 dollars.", "12 dollars"),
        ("The answer is 5 because 2 + 3 = 5.", "5"),
        ("The answer is -3/4.", "-3/4"),
        (r"We get \[ x = 5 \]", "x = 5"),
        ("so $x = 4$ and $y = 5$.", "y = 5"),
        ("It is **5**.", "5"),
        ("There are 1,205 of them.", "1,205"),
        ("I do not know.", None),
        ("<think>The answer is 5.", None),
        ("", None),
    ],
)
def test_lenient(completion, answer):
    """What is announced, else the last formula, else the last number."""
    assert find_answer(completion, "lenient") == answer


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("no box", "no box"),
        (r"so $\boxed{5}$", r"so $\boxed{5}$"),
        (r"\boxed{4}. Then \boxed{5}.", r"{4}. Then \boxed{5}."),
        (r"\boxed{4}, \boxed{5}", r"\boxed{4}, \boxed{5}"),  # tied: 0.5.2 made a set of these, too
        (r"$\boxed{4}$ and $\boxed{5}$", r"$\boxed{4}$ and $\boxed{5}$"),
        (r"$\boxed{4} = \boxed{5}$", r"$\boxed{4} = \boxed{5}$"),  # in one formula
        (r"\boxed{3}; \boxed{4}, \boxed{5}", r"{3}; \boxed{4}, \boxed{5}"),
    ],
)
def test_boxes_as_the_paper_saw_them(text, kept):
    """The last box, and those that math-verify 0.5.2 joined to it."""
    assert keep_last_boxes(text) == kept


@pytest.mark.parametrize(
    "atom",
    ["$", "\\[", "answer is ", "\\boxed{", "\\boxed{1} and ", "<answer>", "**", "#### ", "$\\boxed{1} \\boxed{2} "],
)
@pytest.mark.parametrize("mode", ["strict", "lenient", "as_run"])
def test_no_text_takes_long(atom, mode):
    """A hundred thousand characters of anything, in the trainer's own process."""
    find_answer(atom * (100_000 // len(atom)), mode)
