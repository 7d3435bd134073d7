"""Tab completion: presets after -p, keys and their values after -s, cards after --gpu.

Each function gets what is typed so far and returns the words that go on from it. Nothing is imported before then.
"""

import os
import shlex
from collections.abc import Iterable, Iterator, MutableMapping, Sequence
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING

from leanrl.machine.environment import quiet_libraries

if TYPE_CHECKING:
    from leanrl.config.keys import Key


def complete_preset(incomplete: str) -> list[str]:
    """Return the presets and the files of presets that begin with what is typed."""
    from leanrl.config.files.shipped import FILE_ENDINGS, preset_names

    return [*_like(incomplete, preset_names()), *_files(incomplete, FILE_ENDINGS)]


def complete_card(incomplete: str) -> list[str]:
    """Return the names of cards that begin with what is typed, also without their `rtx`."""
    from leanrl.planner.machine.cards import CARDS

    return _like(incomplete, CARDS) or _like(incomplete, (name.removeprefix("rtx") for name in CARDS))


def complete_key(incomplete: str) -> list[str]:
    """Return the keys that begin with what is typed."""
    from leanrl.config.keys import schema_keys

    return _like(incomplete, schema_keys())


def complete_setting(incomplete: str) -> list[str]:
    """Return `key=` for the keys that go on from what is typed; behind the =, the values that the key chooses from.

    A key that is found gets a second word with its default: a shell puts a space behind a single one.
    """
    from leanrl.config.keys import schema_keys

    name, equals, value = incomplete.partition("=")
    if equals:
        return [f"{name}={word}" for word in _values(name) if word.startswith(value)]
    found = [f"{key}=" for key, shape in schema_keys().items() if key.startswith(name) and not shape.is_map]
    found += [f"rewards.{one}=" for one in _rewards() if f"rewards.{one}".startswith(name)] if "." in name else []
    found += [f"{option}=" for option in _plugin_options() if option.startswith(name)] if "." in name else []
    if len(found) == 1:
        return [*found, *(f"{found[0]}{word}" for word in _values(found[0].removesuffix("=")))]
    return found


@contextmanager
def whole_settings(environment: MutableMapping[str, str]) -> Iterator[None]:
    """Let bash complete a setting, which it hands over as three words, and of which it replaces the last alone.

    The words are joined in the environment, and what is printed meanwhile loses what stands before its last part.
    """
    words, current = split_words(environment.get("COMP_WORDS", "")), int(environment.get("COMP_CWORD", "0"))
    words += [""] * (current + 1 - len(words))  # a word that is begun has no letter yet
    joined, place, before = join_settings(words, current)
    environment["COMP_WORDS"], environment["COMP_CWORD"] = shlex.join(joined), str(place)
    printed = StringIO()
    try:
        with redirect_stdout(printed):
            yield
    finally:
        print("\n".join(line.removeprefix(before) for line in printed.getvalue().splitlines()))


def join_settings(words: Sequence[str], current: int) -> tuple[list[str], int, str]:
    """Return the words with those around an = as one, the place of the current one, and what it has before its part."""
    joined: list[str] = []
    before = ""
    for index, word in enumerate(words[: current + 1]):
        goes_on = index > 0 and (word == "=" or words[index - 1] == "=") and "=" not in word.strip("=")
        before = (joined[-1] + (word if word == "=" else "")) if goes_on else ""
        joined[-1:] = [joined[-1] + word] if goes_on else [*joined[-1:], word]
    return [*joined, *words[current + 1 :]], max(len(joined) - 1, 0), before


def split_words(line: str) -> list[str]:
    """Return the words of a command line of which the last quote may be open."""
    lexer = shlex.shlex(line, posix=True)
    lexer.whitespace_split, lexer.commenters = True, ""
    words: list[str] = []
    try:
        words.extend(lexer)
    except ValueError:
        words.append(lexer.token)
    return words


def _values(name: str) -> list[str]:
    from leanrl.config.keys import schema_keys

    key = schema_keys().get(name) or _plugin_options().get(name)
    if name.startswith("rewards."):
        return ["1"]
    if key is None:
        return []
    words = [*key.choices, *(["true", "false"] if "true or false" in key.takes else [])]
    default = key.default
    plain = [str(default)] if isinstance(default, int | float) and not isinstance(default, bool) else []
    return [*words, *plain, *(["null"] if "null" in key.takes else [])]


def _plugin_options() -> "dict[str, Key]":
    """Return the name of each seam's plug-in and their options, by dotted key."""
    quiet_libraries()
    from leanrl.seams.listing import option_keys

    return option_keys()


def _rewards() -> list[str]:
    quiet_libraries()
    from leanrl.rewards.registry import known_rewards

    return list(known_rewards())


def _like(incomplete: str, words: Iterable[str]) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]


def _files(incomplete: str, endings: tuple[str, ...]) -> list[str]:
    folder, _, start = incomplete.rpartition("/")
    try:
        entries = sorted(os.scandir(folder or ("/" if incomplete.startswith("/") else ".")), key=lambda one: one.name)
    except OSError:
        return []
    path = f"{folder}/" if "/" in incomplete else ""
    named = [entry for entry in entries if entry.name.startswith(start) and (start or not entry.name.startswith("."))]
    files = [f"{path}{entry.name}" for entry in named if entry.is_file() and entry.name.endswith(endings)]
    return [*files, *(f"{path}{entry.name}/" for entry in named if entry.is_dir() and (start or path))]
