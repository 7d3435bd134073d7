"""The page of a step's formulas: advantages, losses, KL and averages, from the docstrings of leanrl/algorithms."""

from docstrings import module_docstring, public_functions
from places import ROOT

_INTRODUCTION = """\
# Formulas

Written from the docstrings of `leanrl/algorithms` when the site is built: tensors in, tensors out. Letters behind a
name are its axes: `P` prompts, `G` completions of a prompt, `B` completions, `T` tokens, `V` vocabulary.
[GRPO in one page](../concepts/grpo.md) says how they follow each other.
"""
_FILES = ("advantages", "losses", "kl", "aggregation", "corrections", "logprobs")


def formulas_page() -> str:
    """Return the page: every public function of the algorithms, by file."""
    parts = [_INTRODUCTION]
    for name in _FILES:
        path = ROOT / "leanrl" / "algorithms" / f"{name}.py"
        parts.append(f"## {name}\n\n{module_docstring(path)}\n")
        parts += [f"### {function}\n\n{text}\n" for function, text in public_functions(path)]
    return "\n".join(parts)
