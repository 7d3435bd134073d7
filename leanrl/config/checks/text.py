"""Texts of a configuration in which a backslash was most likely lost."""

from collections.abc import Iterator

from leanrl.config.files.escapes import commands_after_newline
from leanrl.config.layers import flatten
from leanrl.config.schema import RunConfig


def text_warnings(config: RunConfig) -> Iterator[str]:
    """Yield a sentence for every newline that may have been a command of LaTeX; newlines are otherwise welcome."""
    for key, value in flatten(config.model_dump()).items():
        texts = value if isinstance(value, list) else [value]
        for command in dict.fromkeys(word for text in texts for word in commands_after_newline(str(text))):
            remedy = "write the text in single quotes or as a block below `|`"
            yield f"{key} has a newline before `{command[2:]}`: if `{command}` was meant, {remedy}."
