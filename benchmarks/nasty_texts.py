"""Texts made up at random to trouble a grader: hypothesis strategies for the fuzz test and for the benchmark's clock.

Three kinds: pieces of LaTeX in no order, any Unicode, and well-formed expressions, many of whose values are far too
large to compute. A gold answer is one of those, or an ordinary one.
"""

from hypothesis import strategies as st

from leanrl.types import GradeMode

_PIECES = r"""
\boxed{ } { \frac \sqrt ^ _ ( ) [ ] \{ \} , ; = < \le \pm \cup \in \infty \pi \text{ & \\ $ % x y i e ! 1 2 99 0.5
\begin{pmatrix} \end{pmatrix} <think> </think> and \approx : \int \sum_{k=1}^{9}
"""
_ORDINARY = st.sampled_from(["5", "x+1", r"\frac{1}{2}", "(1, 2)", "x < 3", r"\{1, 2\}", "the cosine"])
_ATOMS = st.sampled_from([*"29xye", "99", "10^{9}", "9^{9^{9}}", r"\pi", r"\infty"])
_SHAPES = (
    "{a}^{b}", "({a})!", r"\frac{a}{b}", r"\sqrt[{a}]{b}", r"\binom{a}{b}", r"\gcd({a}, {b})", r"\log_{a}({b})",
    r"\sum_{k=1}^{a} {b}", r"\prod_{k=1}^{a} {b}", r"\int_{0}^{a} {b} dx", "{a} + {b}", "({a})({b})", "{a} = {b}",
)  # fmt: skip


def _combined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return expressions of one operation on two parts; parts of a power or a fraction stay in their braces."""

    def put_in(shape: str, a: str, b: str) -> str:
        return shape.replace("{b}", "{\0}").replace("{a}", "{" + a + "}").replace("\0", b)

    return st.builds(put_in, st.sampled_from(_SHAPES), parts, parts)


_EXPRESSIONS = st.recursive(_ATOMS, _combined, max_leaves=10)
TEXTS: st.SearchStrategy[str] = st.one_of(
    st.lists(st.sampled_from([" ", *_PIECES.split()]), max_size=25).map("".join), st.text(max_size=60), _EXPRESSIONS
)
_FORMULAS = st.one_of(_ORDINARY, _EXPRESSIONS)
GOLDS: st.SearchStrategy[str] = st.one_of(_FORMULAS, _FORMULAS.map("${}$".format), TEXTS)
MODES: st.SearchStrategy[GradeMode] = st.sampled_from(["strict", "lenient", "as_run"])
