r"""One task of each kind, judged before a process takes its first answer.

A parser imports modules and fills caches when it first meets a kind of expression, up to 0.1 CPU seconds each. Those
must not count against an answer.
"""

from leanrl.grading.tables.warmup import PAIRS
from leanrl.grading.task import Task

EACH_KIND = (
    *(Task("strict", (gold,), answer) for gold, answer in PAIRS),
    Task("as_run", (r"$\frac{1}{2}+x$",), r"$\boxed{x+0.5}$"),
    Task("published_letter", ("B",), "The answer is B."),
    Task("published", (r"\frac{1}{2}+x",), r"It is $\boxed{x+0.5}$, as 3 > 2."),
)
