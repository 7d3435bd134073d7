"""Characters of mathematics and marks over letters, each with its spelling in ASCII and LaTeX."""

_MINUS = "-"
SIGNS = {
    "−": _MINUS, "‐": _MINUS, "‑": _MINUS, "–": _MINUS, "—": _MINUS, "﹣": _MINUS,
    "×": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ", "∙": r"\cdot ", "•": r"\cdot ", "∗": "*", "÷": "/", "⁄": "/",
    "∞": r"\infty ", "±": r"\pm ", "∓": r"\mp ", "°": r"^{\circ}", "º": r"^{\circ}",
    "℃": r"^{\circ}C", "℉": r"^{\circ}F",
    "≤": r"\le ", "⩽": r"\le ", "≦": r"\le ", "≥": r"\ge ", "⩾": r"\ge ", "≧": r"\ge ",
    "≠": r"\neq ", "≈": r"\approx ", "≃": r"\approx ",
    "≡": r"\equiv ", "∼": r"\sim ", "⊂": r"\subset ", "⊆": r"\subseteq ", "∧": r"\wedge ", "∨": r"\vee ", "¬": r"\neg ",
    "⇒": r"\Rightarrow ", "⇔": r"\Leftrightarrow ", "∴": r"\therefore ", "∑": r"\sum ", "∏": r"\prod ", "∫": r"\int ",
    "∂": r"\partial ", "∆": r"\Delta ", "∣": r"\mid ", "∥": r"\parallel ", "⊥": r"\perp ",
    "∪": r"\cup ", "∩": r"\cap ", "∈": r"\in ", "∖": r"\setminus ", "∅": r"\emptyset ", "∀": r"\forall ",
    "∃": r"\exists ", "…": r"\ldots ", "⋯": r"\cdots ", "→": r"\to ", "∠": r"\angle ", "′": "'", "’": "'", "‘": "'",
    "⌊": r"\lfloor ", "⌋": r"\rfloor ", "⌈": r"\lceil ", "⌉": r"\rceil ", "⟨": r"\langle ", "⟩": r"\rangle ",
    "ℝ": r"\mathbb{R}", "ℤ": r"\mathbb{Z}", "ℕ": r"\mathbb{N}", "ℚ": r"\mathbb{Q}", "ℂ": r"\mathbb{C}",
    "〈": r"\langle ", "〉": r"\rangle ", "∶": ":", "٫": ".", "٬": ",",
    "✓": "", "✔": "", "✅": "", "，": ", ", "；": "; ", "、": ", ", "。": ".", "：": ":",
}  # fmt: skip

# Marks that stand over, under or through the character before them. A mark that Unicode composes with a letter makes a
# letter of a language (é, ñ) and stays.
ACCENTS = {
    "\u0302": "hat", "\u0303": "tilde", "\u0304": "overline", "\u0305": "overline", "\u0307": "dot", "\u0308": "ddot",
    "\u0332": "underline", "\u0333": "underline", "\u20d6": "vec", "\u20d7": "vec",
}  # fmt: skip
STRIKES = "\u0335\u0336\u0337\u0338\u20d2\u20d3\u20e5\u20eb"
