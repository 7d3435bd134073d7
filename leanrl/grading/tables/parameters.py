r"""How free parameters and constants are declared: k \in Z, "for any integer k", the k of k\pi, the C of + C."""

_KINDS = r"(?:integer|whole number|natural number|constant|real number)s?"
# What a free parameter runs over, by the word or the set that declares it.
DOMAINS = {"Z": "integer", "N": "natural number", "R": "constant", "whole number": "integer", "real number": "constant"}

_INTRODUCED = r"(?:,|;|\(|\\text\s?\{\s?(?:where|for|with)?(?: ?(?:any|all|every|some))?\s?\}|\\forall(?![A-Za-z]))\s?"
_IS_IN = r"\\in\s?\\mathbb\s?\{(?P<domain>[ZNR])\}\s?(?:\^\s?\{?[+*]\}?)?"
_IS_A = rf"\\text\s?\{{[^{{}}]{{0,20}}?(?P<kind>{_KINDS})\s?\}}"
_ANY = rf"\\text\s?\{{[^{{}}]{{0,20}}?(?P<named>{_KINDS})\s?\}}\s?(?P<other>[A-Za-z])"
DECLARATION = rf"(?P<value>.*[^\s,;(])\s?(?:{_INTRODUCED}(?P<letter>[A-Za-z])\s?(?:{_IS_IN}|{_IS_A})|{_ANY})\s?\)?"
BUILDER = r"\\\{(?P<value>[^|{}]+)(?:\\mid(?![A-Za-z])|:|\|)(?P<declaration>[^|]{1,60})\\\}"

_COUNT = "[klmn]"
_IN_BRACKETS = rf"(?<=[(\d])(?P<inside>{_COUNT})\s?[-+]\s?\d{{1,6}}\)\s?\\pi(?![A-Za-z])"
_BEFORE = rf"(?<![A-Za-z\\])(?P<before>{_COUNT})\s?\\pi(?![A-Za-z])"
_TURN = r"\d{2,3}\\unit\{°\}"
_DEGREES = (
    rf"(?<![A-Za-z\\])(?P<turns>{_COUNT})\s?(?:\\(?:cdot|times))?\s?{_TURN}"
    rf"|{_TURN}\s?(?:\\(?:cdot|times))?\s?(?P<turned>{_COUNT})(?![A-Za-z])"
)
PERIODIC = rf"{_IN_BRACKETS}|{_BEFORE}|\\pi\s?(?P<behind>{_COUNT})(?![A-Za-z])|{_DEGREES}"
# Of these, a letter beside pi counts no half turns.
NOT_PERIODIC = (
    rf"\\(?:sin|cos|tan|cot|sec|csc|exp|log|ln|sum|prod|int|lim)(?![A-Za-z])|[\^_]\s?\{{?{_COUNT}(?![A-Za-z])"
)
CONSTANT = r"[-+]\s?(?P<constant>[CcKk])$"
ANY_NUMBER = r"\+\s?C$"
NUMBERED_CONSTANT = r"(?<![A-Za-z\\])([CcK])(?=\s?_\s?\{?\d)"
FACTOR = r"(?<![A-Za-z\\_])[A-DKc](?:_\s?\{?\d\}?)?+(?=\s?(?:e\s?\^|\\(?:sin|cos)(?![A-Za-z])))"
# The letter that a function or a sequence is given in: t of f(t) =, k of a_k =.
ARGUMENT = r"^[A-Za-z]'*+(?:\s?\^\{-1\})?\s?(?:\(\s?(?P<argument>[a-z])\s?\)|_\s?\{?(?P<index>[kmn])\}?)\s?="
# The letter that runs through the coordinates of a point on a line: (2t, 3t).
RUNNING = r"^\((?=[^()]*,)[^=]*?(?<![A-Za-z\\])(?P<running>[strk])(?![A-Za-z(])[^=]*\)$"
CONSTANTS = ("C", "c", "K", "k")
LETTERS = ("k", "n", "m", "l", "t", "j", "s", "c", "C")
