"""The page of what `import leanrl` offers, from its docstrings."""

from docstrings import definition
from places import ROOT

import leanrl

_INTRODUCTION = """\
# Python

Written from the docstrings when the site is built. `import leanrl` is cheap: each function is imported when it is first
asked for.
"""


def python_page() -> str:
    """Return the page: every public name of the package but its version."""
    parts = [_INTRODUCTION]
    for name, module in leanrl._PLACES.items():
        path = ROOT / f"{module.replace('.', '/')}.py"
        parts.append(f"## leanrl.{name}\n\n{definition(path, name)}\n")
    return "\n".join(parts)
