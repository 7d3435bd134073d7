"""The page of every command, from the command line's own help."""

import typer

from leanrl.cli.main import app

_WIDTH = 100
_INTRODUCTION = """\
# Commands

Written from the command line's own help when the site is built. [command_line.md](../command_line.md) has exit codes,
log and tab completion.
"""


def commands_page() -> str:
    """Return the page: each command with what `leanrl COMMAND --help` prints."""
    command = typer.main.get_command(app)
    return "\n".join([_INTRODUCTION, *_sections(command, "leanrl", above=None)])


def _sections(command, name: str, *, above):
    context = type(command).context_class(
        command, info_name=name, parent=above, max_content_width=_WIDTH, terminal_width=_WIDTH
    )
    title = context.command_path
    yield f"## {title}\n\n~~~text\n{command.get_help(context)}\n~~~\n"
    for sub, found in getattr(command, "commands", {}).items():
        yield from _sections(found, sub, above=context)
