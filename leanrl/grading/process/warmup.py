r"""One task of each kind, judged before a process takes its first answer.

A parser imports modules and fills caches when it first meets a kind of expression, up to 0.1 CPU seconds each. Those
must not count against an answer. The pairs are spelled differently on purpose: equal texts need no parser.
"""

from leanrl.grading.task import Task

_PAIRS = (
    (r"\frac{1}{2}+x", "x+0.5"),
    (r"2\sqrt{3}", r"\sqrt{12}"),
    ("x<3", "3>x"),
    ("y=2x+1", "y-2x=1"),
    ("(1,x)", r"(\frac{2}{2},x)"),
    ("[0,1)", r"0\le x<1"),
    (r"\{1,x\}", r"\{x,\frac{2}{2}\}"),
    (r"\begin{pmatrix}1&2\\3&x\end{pmatrix}", r"\begin{pmatrix}1&2\\3&\frac{2x}{2}\end{pmatrix}"),
    ("2+3i", "3i+2"),
    (r"\sin x", r"\cos(\frac{\pi}{2}-x)"),
    (r"\log_2 3", r"\frac{\ln 3}{\ln 2}"),
    (r"|x|", r"\sqrt{x^2}"),
    ("n!", "n(n-1)!"),
    (r"\binom{n}{2}", r"\frac{n(n-1)}{2}"),
    (r"\int_0^1 x\,dx", r"\frac{1}{2}"),
    (r"\sum_{k=1}^{3}k", "6"),
)
EACH_KIND = (
    *(Task("strict", (gold,), answer) for gold, answer in _PAIRS),
    Task("as_run", (r"$\frac{1}{2}+x$",), r"$\boxed{x+0.5}$"),
)
