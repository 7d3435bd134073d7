r"""The \boxed{...} commands of a text."""

import pytest

from leanrl.grading.text.boxes import find_boxes


@pytest.mark.parametrize(
    ("text", "contents"),
    [
        ("", []),
        ("no box", []),
        (r"\boxed{5}", ["5"]),
        (r"\boxed {5} \fbox{6}", ["5", "6"]),
        (r"\boxed{\frac{1}{2}}", [r"\frac{1}{2}"]),
        (r"\boxed{\boxed{5}}", [r"\boxed{5}"]),  # the outer one holds the inner one
        (r"\boxed{\{1, 2\}}", [r"\{1, 2\}"]),  # escaped braces do not count
        (r"a} \boxed{5}", ["5"]),  # a stray brace before
        (r"{ \boxed{5}", ["5"]),
        (r"\boxed{5", []),
        (r"\boxed{4} \boxed{5", ["4"]),
        (r"\boxed{4 \boxed{5}", ["5"]),  # the outer one never closes
        (r"\\boxed{5}", ["5"]),  # a doubled backslash, as in text that was escaped once too often
        (r"x \\\boxed{5}", ["5"]),  # a line break before a box
        (r"\boxed5", []),
        (r"\boxedx{5}", []),
    ],
)
def test_contents(text, contents):
    """Closed, outermost, in order."""
    assert [box.content for box in find_boxes(text)] == contents


def test_places():
    """From the backslash to the closing brace: characters 2 to 10."""
    (box,) = find_boxes(r"x=\boxed{5}.")
    assert (box.start, box.end) == (2, 11)


def test_a_text_of_nothing_but_openings_is_read_once():
    """A hundred thousand boxes that never close; quadratic work would not come back."""
    assert find_boxes(r"\boxed{" * 100_000) == []
