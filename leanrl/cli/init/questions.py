"""Questions on a terminal: asked again until the answer can be taken, with the reason why it could not."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from leanrl.cli.terminal.colour import painted
from leanrl.errors import ConfigError, LeanRLError

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Question(Generic[Answer]):
    """What is asked, what an empty answer stands for, and what makes of an answer's text what is wanted."""

    text: str
    default: str
    default_in_words: str
    read: Callable[[str], Answer]
    option: str

    def answered(self, given: str | None, *, take_default: bool) -> Answer:
        """Return the answer of an option, or the default, or what is typed now.

        Raises:
            LeanRLError: for an option that cannot be taken, and where nobody answers.
        """
        if given is not None or take_default:
            return self.read(self.default if given is None else given)
        while True:
            print(f"{self.text}\n  [enter: {self.default_in_words}] ", end="", file=sys.stderr, flush=True)
            line = sys.stdin.readline()
            if not line:
                raise ConfigError("nobody answers this question.", hint=f"give {self.option}, or --yes for its default")
            try:
                return self.read(line.strip() or self.default)
            except LeanRLError as error:
                print(f"{painted('not possible:', 'warning', stream=sys.stderr)} {error}\n", file=sys.stderr)
