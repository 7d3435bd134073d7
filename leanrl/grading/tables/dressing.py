r"""What dresses an answer and says nothing: commands, and how much of each goes; layouts of lines; markup."""

from typing import NamedTuple


class Dress(NamedTuple):
    """How much of a command goes: the arguments before what it dresses, and the braces around that."""

    num_dropped: int = 0
    has_option: bool = False  # an argument in square brackets may come first
    keeps_last: bool = True


_SWITCHES = """
displaystyle textstyle scriptstyle limits nolimits tiny scriptsize footnotesize small normalsize large Large LARGE huge
Huge boldmath centering hfill hline noindent nonumber notag null mathstrut strut allowbreak relax mathclose mathopen
mathord mathpunct mathbin mathrel mathinner mathop nobreak break newline par protect checkmark blacksquare qed
"""
_FRAMES = "underline underbar uline uuline uwave ensuremath mathclap mathllap mathrlap llap rlap hl displaylines"
_DROPPED = "hspace vspace phantom hphantom vphantom label tag footnote kern mkern mskip hskip vskip"
DRESSES = (
    dict.fromkeys(_SWITCHES.split(), Dress(keeps_last=False))
    | dict.fromkeys(_FRAMES.split(), Dress())
    | dict.fromkeys(["framebox", "bbox", "smash"], Dress(has_option=True))
    | dict.fromkeys(["color", "textcolor", "colorbox"], Dress(1, has_option=True))
    | dict.fromkeys(["class", "style", "cssId", "href", "scalebox", "raisebox"], Dress(1))
    | dict.fromkeys(["fcolorbox", "resizebox"], Dress(2))
    | dict.fromkeys(_DROPPED.split(), Dress(1, keeps_last=False))
)

# These set an equation, an inequality or a point as well as words.
FONTS = "text textbf textit textrm mbox mathrm mathbf mathit mathsf boldsymbol bm mathnormal pmb"
FORMULA = (
    r"\s*+(?:\\?[A-Za-z]++(?:_\w)?+(?:\([a-z]\))?+\s*+(?:[=<>]|\\(?:le|ge|leq|geq|neq|in|approx)(?![A-Za-z]))"
    r"|[(\[]\s?-?[\d\\])"
)

LENGTH = r"-?[\d.]+\s*+(?:pt|em|ex|cm|mm|in|px|mu)"
LAYOUTS = (
    "align|aligned|alignat|alignedat|gather|gathered|equation|split|multline|flalign|eqnarray|math|displaymath|center"
)
# Markdown and HTML around an answer or a part of it; a double star between two terms is a power.
MARKUP = (
    (r"(?<![^\s(])(\*\*|__|``)(?=[^\s*_`])([^*_`]*+)\1(?![^\s).,;:])", r"\2"),
    (r"(?<![^\s(])`(?=[^\s`])([^`]*+)`(?![^\s).,;:])", r"\1"),
    (r"^\s*+(\*{3}|\*|_{3}|_|`{3})(?=[^\s*_`])([^*_`]*+)\1\s*+$", r"\2"),
    (r"^\s*+[\"“”]([^\"“”]*+)[\"“”]\s*+$", r"\1"),
    (r"<sup>([^<>]*+)</sup>", r"^{\1}"),
    (r"<sub>([^<>]*+)</sub>", r"_{\1}"),
    (r"<(b|i|u|em|strong|span|font|code|mark|big|small|p|div|center)(?: [^<>]*+)?>([^<>]*+)</\1>", r"\2"),
    (r"<br ?/?>", " "),
    (r"(?<=[\w)}\]])\s*+\\(?:square|Box|blacksquare|qed)\s*+$", ""),
    (r"~~(?=[^\s~])([^~]*+)~~", r"\\cancel{\1}"),  # taken back
    (rf"\\\\\s*+\[\s*+{LENGTH}\s*+\]", r"\\\\"),  # the space between two rows
)
