"""A command whose help names no type of Python, and whose errors show the value that was typed."""

from collections.abc import Sequence
from typing import Any

import typer
import typer.core

_WORDS = {
    "Input should be a valid number, unable to parse string as a number": "should be a number",
    "Input should be a valid integer, unable to parse string as an integer": "should be a whole number",
    "Input should be": "should be",
    "Value error, ": "",
}
_EMPTY = "the text is empty. A variable of the shell in it may not be set."


class Command(typer.core.TyperCommand):
    """typer's command in the words of leanrl."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for parameter in self.params:
            if parameter.param_type_name == "argument":  # its metavar says what it is; typer puts <path> behind that
                parameter.display_type_rich = lambda ctx: None  # type: ignore[attr-defined]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        typed = list(args)
        try:
            left = super().parse_args(ctx, args)
            if not ctx.resilient_parsing:
                self._refuse_empty(ctx, typed)
            return left
        except typer.BadParameter as error:
            value = _typed_value(typed, getattr(error.param, "opts", ()))
            for theirs, ours in _WORDS.items():
                error.message = error.message.replace(theirs, ours)
            if value is not None and value not in error.message:
                error.message = f"`{value}` {error.message}"
            raise

    def _refuse_empty(self, ctx: Any, typed: list[str]) -> None:
        """Refuse an empty text: a path of it would be the folder that one stands in.

        Raises:
            BadParameter: for the first parameter that was given one and does not say what it means.
        """
        if "" not in (word.partition("=")[2] if word.startswith("--") else word for word in typed):
            return
        given, _, _ = self.make_parser(ctx).parse_args(args=typed)
        parameters: list[Any] = list(self.params)
        for parameter in parameters:
            value = given.get(str(parameter.name))
            if "" in (value if isinstance(value, list | tuple) else [value]) and not _takes_empty(parameter):
                raise typer.BadParameter(_EMPTY, ctx=ctx, param=parameter)


def _takes_empty(parameter: Any) -> bool:
    return "empty text" in (getattr(parameter, "help", None) or "")


def _typed_value(typed: Sequence[str], options: Sequence[str]) -> str | None:
    """Return what was typed after one of the spellings of an option, as a word of its own or behind an =."""
    for index, word in enumerate(typed):
        name, equals, value = word.partition("=")
        if name in options:
            return value if equals else typed[index + 1] if index + 1 < len(typed) else None
    return None
