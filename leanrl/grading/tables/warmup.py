r"""Pairs of equal expressions, one of each kind, spelled differently on purpose: equal texts need no parser."""

PAIRS = (
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
