"""Runs a Python block of a page, with the keyword arguments that toy.yaml gives to functions of `import leanrl`."""

import runpy
import shlex
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any

import leanrl
from leanrl.api.settings import as_settings
from tests.examples import toy


def main(file: str) -> None:
    """Run a file with the functions in toy sizes."""
    for name, more in toy.toy()["python"].items():
        setattr(leanrl, name, _with(getattr(leanrl, name), more))
    runpy.run_path(file, run_name="__main__")


def _with(function: Callable[..., Any], more: dict[str, Any]) -> Callable[..., Any]:
    @wraps(function)
    def called(*arguments: Any, overrides: Any = None, **named: Any) -> Any:
        added = [word for word in shlex.split(toy.filled(more.get("overrides", ""))) if word != "-s"]
        named |= {name: value for name, value in more.items() if name != "overrides"}
        if added:
            named["overrides"] = [*as_settings(overrides), *added]
        return function(*arguments, **named)

    return called


if __name__ == "__main__":
    main(sys.argv[1])
