"""The answer that a completion gives, as text."""

import pytest

from leanrl.grading.answers.comparison import judge
from leanrl.grading.task import Task, plan_request
from leanrl.grading.text.extraction import find_answer, keep_last_boxes
from leanrl.types import GradeRequest


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


@pytest.mark.parametrize(
    ("completion", "answer"),
    [
        (r"$x=\boxed{2}$ or $x=\boxed{5}$", "x = 2, x = 5"),
        ("The two roots are\n\n$$\\boxed{2}$$\n\n$$\\boxed{5}$$", "2, 5"),
        ("1. \\boxed{2}\n2. \\boxed{5}", "2, 5"),
        ("- \\boxed{2}\n- \\boxed{5}\n", "2, 5"),
        ("(a) $\\boxed{2}$ (b) $\\boxed{5}$", "2, 5"),
        (r"The first root is \boxed{2}. The other root is \boxed{5}.", "2, 5"),
        (r"\boxed{2}\\ \boxed{5}", "2, 5"),
        (r"$x_1 = \boxed{2}$, $x_2 = \boxed{5}$", "x_1 = 2, x_2 = 5"),
        (r"\begin{align*} x &= \boxed{2} \\ y &= \boxed{5} \end{align*}", "x = 2, y = 5"),
        (r"At first \boxed{3}; a sign was lost, so it must be \boxed{2, 5}", "2, 5"),
        (r"One is \boxed{2}. Wait, no: \boxed{5}", "5"),
        (r"It was \boxed{2}. The answer is \boxed{5}", "5"),
        ("- \\boxed{2}\n- \\boxed{5}\n\n\\boxed{2, 5}", "2, 5"),  # the last one says it all
        (r"\boxed{5}", "5"),
    ],
)
def test_boxes_of_a_list(completion, answer):
    """Where the gold answer has several values, boxes that list them one by one are one answer."""
    assert find_answer(completion, "strict", asks_for_several=True) == answer


@pytest.mark.parametrize(
    ("gold", "completion", "is_right"),
    [
        ("2, 5", "1. \\boxed{2}\n2. \\boxed{5}", True),
        ("(2, 5)", r"$x=\boxed{2}$, $y=\boxed{5}$", True),
        (r"3 \pm 1", "$$\\boxed{2}$$\n$$\\boxed{4}$$", True),
        ("2, 5", "1. \\boxed{2}\n2. \\boxed{5}\n3. \\boxed{6}", False),
        ("2, 5", r"\boxed{5}", False),
        ("5", "1. \\boxed{2}\n2. \\boxed{5}", True),  # one value is asked for: the last box
        ("2", "1. \\boxed{2}\n2. \\boxed{5}", False),
    ],
)
def test_the_gold_answer_says_whether_boxes_are_a_list(gold, completion, is_right):
    """All boxes of the list, or the last one alone."""
    plan = plan_request(GradeRequest(completion, gold))
    assert ((judge(plan.golds[0], plan.answer) if isinstance(plan, Task) else plan) == "correct") == is_right


@pytest.mark.parametrize(
    ("completion", "answer"),
    [
        (r"Thus the answer is $\boxed 5$", "5"),
        (r"So \boxed 5.", "5"),
        (r"It is $\boxed x$.", "x"),
        (r"\(\boxed\pi\)", r"\pi"),
        (r"\boxed{4}, or rather $\boxed 5$", "5"),
        (r"$\boxed 12$", None),  # a box around the 1
        (r"So we have \boxed{5}, put in \boxed as you wanted.", "5"),
        ("put it in \\boxed please", None),
    ],
)
def test_a_box_without_braces(completion, answer):
    """One token at the end of its formula or line; anything else only names the command."""
    assert find_answer(completion, "strict") == answer


@pytest.mark.parametrize(
    ("completion", "answer"),
    [
        ('The answer is \\boxed{5}.\n```python\nprint(r"\\boxed{4}")\n```', "5"),
        ('```python\nprint(r"\\boxed{5}")\n```', None),
        ('~~~ python\nprint(r"\\boxed{5}")\n~~~\n\\boxed{6}', "6"),
        ('```python\nprint(r"\\boxed{5}")', None),  # cut off
        ("```\n\\boxed{5}\n```", "5"),
        ("```latex\n\\boxed{5}\n```", "5"),
        ("````python\n```\n\\boxed{4}\n````\n\\boxed{5}", "5"),
        ("`\\boxed{5}`", "5"),
    ],
)
def test_a_box_in_code(completion, answer):
    """A block of a programming language holds no answer."""
    assert find_answer(completion, "strict") == answer


@pytest.mark.parametrize(
    ("completion", "answer"),
    [
        ("The answer is 72, all told, which pays for the seeds", "72"),
        ("The answer is 72, 81, and 90.", "72, 81, and 90"),
        ("It cannot be 6, and it is surely not 5", None),
        ("It isn't 5", None),
        ("It is not 6 but 5", "5"),
    ],
)
def test_lenient_sentences(completion, answer):
    """A number ends where the sentence goes on in words; one that is denied is no answer."""
    assert find_answer(completion, "lenient") == answer
