"""What a person most likely did wrong where PyYAML found an error, in plain words.

PyYAML names the place where it could not go on. An open quote or a missing colon lies before it, and what is called
"mapping values" there is a line that is indented too far. So the lines and tokens before the place are looked at too.
"""

import re
from collections.abc import Callable, Sequence

import yaml

from leanrl.config.files.escapes import REMEDY
from leanrl.config.files.text_faults import LINE_BREAK, TextFault

_KEY = re.compile(r"\s*(?:- +)*(?:\"[^\"]*\"|'[^']*'|[^\s#'\"{\[][^:#]*?)\s*:(?:\s|$)")
_NO_SPACE = re.compile(r"\s*(?:- +)*(?P<key>[\w.-]+):(?P<value>\S.*)")
_EQUALS = re.compile(r"\s*(?:- +)*(?P<key>[\w.-]+)\s*=\s*(?P<value>.*)")
_BLOCK = re.compile(r".*:\s+[|>][-+0-9]*\s*(?:#.*)?$")
_WINDOWS_PATH = re.compile(r"[\"'][A-Za-z]:\\")
_QUOTE_IT = "put the value in single quotes; a quote inside is written twice ('')"


class FaultError(yaml.YAMLError):
    """A fault that the loader explains itself, at a mark and some characters behind it."""

    def __init__(self, mark: yaml.Mark, cause: str, remedy: str, *, offset: int = 0) -> None:
        super().__init__(cause)
        text = str(mark.buffer)
        at = mark.pointer + offset
        line = mark.line + text.count("\n", mark.pointer, at)
        self.fault = TextFault(line + 1, at - text.rfind("\n", 0, at), cause, remedy)


def explain_yaml_error(error: yaml.YAMLError, text: str) -> TextFault:
    """Return where the fault lies, what it is and what to do."""
    if isinstance(error, FaultError):
        return error.fault
    if isinstance(error, yaml.reader.ReaderError):
        return _unreadable_character(error, text)
    if not isinstance(error, yaml.MarkedYAMLError):
        return TextFault(1, 1, "this is no YAML", "write `key: value`, one a line")
    seen = _Seen(error, text)
    explanations: Sequence[Callable[[_Seen], TextFault | None]] = (
        _tab,
        _escape,
        _open_quote,
        _after_quote,
        _open_bracket,
        _special_first_character,
        _colon_in_value,
        _missing_colon,
        _outside_block,
        _wrong_indent,
        _mixed,
        _documents,
    )
    return next((fault for explain in explanations if (fault := explain(seen)) is not None), _unknown(seen))


class _Seen:
    """An error with the lines of the text; numbers count from 0."""

    def __init__(self, error: yaml.MarkedYAMLError, text: str) -> None:
        self.text = text
        self.lines = LINE_BREAK.split(text)
        self.problem, self.context = error.problem or "", error.context or ""
        mark = error.problem_mark or yaml.Mark("", 0, 0, 0, "", 0)
        self.mark: yaml.Mark = mark
        self.context_mark: yaml.Mark = error.context_mark if error.context_mark is not None else self.mark
        self.line, self.column = self.mark.line, self.mark.column

    def content_line_before(self, line: int) -> int | None:
        """Return the nearest line before that holds more than a comment."""
        return next((at for at in range(line - 1, -1, -1) if self.lines[at].split("#")[0].strip()), None)

    def token_before(self) -> yaml.Token | None:
        """Return the last token of text or brackets that ends before the place of the error."""
        found = None
        try:
            for token in yaml.scan(self.text, Loader=yaml.SafeLoader):
                if token.end_mark.index > self.mark.index:
                    break
                if isinstance(token, yaml.ScalarToken | yaml.FlowMappingEndToken | yaml.FlowSequenceEndToken):
                    found = token
        except yaml.YAMLError:
            pass
        return found

    def fault(self, line: int, column: int, cause: str, remedy: str) -> TextFault:
        return TextFault(line + 1, column + 1, cause, remedy)


def _tab(seen: _Seen) -> TextFault | None:
    if "'\\t'" not in seen.problem:
        return None
    indents = not seen.lines[seen.line][: seen.column].strip()
    where = "the line is indented with a tab" if indents else "a tab stands between the words"
    return seen.fault(seen.line, seen.column, f"{where}, and YAML takes spaces there", "replace each tab by spaces")


def _escape(seen: _Seen) -> TextFault | None:
    if seen.context != "while scanning a double-quoted scalar":
        return None
    column = max(0, seen.lines[seen.line].rfind("\\", 0, seen.column))
    written = seen.lines[seen.line][column : column + 2]
    cause = f"in double quotes a backslash begins an escape, and `{written}` is none that YAML knows here"
    is_path = _WINDOWS_PATH.search(seen.lines[seen.line]) is not None
    return seen.fault(seen.line, column, cause, "write the path with / or in single quotes" if is_path else REMEDY)


def _open_quote(seen: _Seen) -> TextFault | None:
    mark = None
    if seen.context == "while scanning a quoted scalar":
        mark = seen.context_mark
    elif "<scalar>" in seen.problem or "':'" in seen.problem:
        before = seen.token_before()
        if isinstance(before, yaml.ScalarToken) and before.style in ("'", '"'):
            is_over_lines = before.start_mark.line < before.end_mark.line == seen.line
            mark = before.start_mark if is_over_lines else None
    if mark is None:
        return None
    quote = seen.lines[mark.line][mark.column]
    return seen.fault(mark.line, mark.column, "the quote that opens here is not closed", f"end the text with {quote}")


def _after_quote(seen: _Seen) -> TextFault | None:
    if "<scalar>" not in seen.problem:
        return None
    before = seen.token_before()
    if before is None or before.end_mark.line != seen.line:
        return None
    if isinstance(before, yaml.ScalarToken):
        if before.style not in ("'", '"'):
            return None
        cause = f"the text goes on after its closing {before.style}"
        remedy = "put all of it into quotes; a single quote inside single quotes is written twice ('')"
        return seen.fault(seen.line, seen.column, cause, remedy)
    cause = "the text goes on after a closing bracket: one that begins with { or [ is a map or a list for YAML"
    return seen.fault(seen.line, seen.column, cause, _QUOTE_IT)


def _open_bracket(seen: _Seen) -> TextFault | None:
    if seen.context in ("while parsing a flow sequence", "while parsing a flow mapping"):
        mark = seen.context_mark
        bracket = seen.lines[mark.line][mark.column]
        end = "]" if bracket == "[" else "}"
        cause = f"the {bracket} that opens here is not closed"
        return seen.fault(
            mark.line, mark.column, cause, f"close it with {end}, or put the value in quotes if it is text"
        )
    if "expected the node content" in seen.problem:
        return seen.fault(seen.line, seen.column, "a value cannot begin with this character", _QUOTE_IT)
    return None


def _special_first_character(seen: _Seen) -> TextFault | None:
    at_context = ("while scanning an alias", "while scanning an anchor", "while scanning a tag")
    mark = seen.context_mark if seen.context in at_context else seen.mark
    wrong = ("cannot start any token", "undefined alias", "could not determine a constructor", "recursive node")
    if seen.context not in at_context and not any(words in seen.problem for words in wrong):
        return None
    character = seen.lines[mark.line][mark.column : mark.column + 1]
    cause = f"a value that begins with `{character}` has a meaning of its own in YAML"
    return seen.fault(mark.line, mark.column, cause, _QUOTE_IT)


def _colon_in_value(seen: _Seen) -> TextFault | None:
    if "mapping values are not allowed" not in seen.problem:
        return None
    before = seen.lines[seen.line][: seen.column]
    if _KEY.match(before) is None:
        return None
    return seen.fault(seen.line, seen.column, "a value that is not in quotes holds a colon and a space", _QUOTE_IT)


def _missing_colon(seen: _Seen) -> TextFault | None:
    if "could not find expected ':'" in seen.problem:
        line: int | None = seen.context_mark.line
    elif "mapping values are not allowed" in seen.problem or "<block mapping start>" in seen.problem:
        line = seen.content_line_before(seen.line)
    else:
        return None
    if line is None or _KEY.match(seen.lines[line]) is not None or _is_in_block(seen, line):
        return None
    return missing_colon(seen.lines, line)


def missing_colon(lines: Sequence[str], line: int) -> TextFault:
    """Return the fault of a line (counted from 0) that was to be `key: value` and has no colon with a space."""
    written = lines[line]
    for pattern, cause in ((_NO_SPACE, "a space is missing after the colon"), (_EQUALS, "a key is set with a colon")):
        match = pattern.match(written)
        if match is not None:
            remedy = f"write `{match['key']}: {match['value'].strip()}`"
            return TextFault(line + 1, match.end("key") + 1, cause, remedy)
    word, _, rest = written.strip().partition(" ")
    column = len(written) - len(written.lstrip()) + len(word)
    remedy = f"write `{word}: {rest.strip()}`" if rest else f"write `{word}:`"
    return TextFault(line + 1, column + 1, "a colon is missing after the key", remedy)


def _is_in_block(seen: _Seen, line: int) -> bool:
    """Whether the line follows a `|` or `>` with nothing but such lines between: it was to be text of that block."""
    for before in range(line - 1, -1, -1):
        if _BLOCK.match(seen.lines[before]):
            return True
        if _KEY.match(seen.lines[before]):
            return False
    return False


def _outside_block(seen: _Seen) -> TextFault | None:
    line = seen.context_mark.line if "could not find expected ':'" in seen.problem else seen.line
    if _KEY.match(seen.lines[line]) is not None or not _is_in_block(seen, line):
        return None
    cause = "this line is indented less than the text below `|` or `>` has to be"
    return seen.fault(
        line, _indent(seen.lines[line]), cause, "indent all lines of the text alike, further than the key"
    )


def _wrong_indent(seen: _Seen) -> TextFault | None:
    words = ("mapping values are not allowed", "<block mapping start>", "<document start>")
    if not any(word in seen.problem for word in words):
        return None
    written = seen.lines[seen.line]
    indent = _indent(written)
    before = seen.content_line_before(seen.line)
    if before is None:
        return None
    if indent > _indent(seen.lines[before]):
        cause = f"this line is indented further than line {before + 1}, which has a value already"
    else:
        cause = f"no key above this line is indented by {_spaces(indent)} like it"
    levels = sorted({_indent(line) for line in seen.lines[: seen.line] if _KEY.match(line)})
    named = " or ".join(str(level) for level in levels if level != indent)
    way = (
        f"indent it like the keys that it belongs to: by {named} spaces" if named else "write `key: value` on each line"
    )
    return seen.fault(seen.line, indent, cause, way)


def _mixed(seen: _Seen) -> TextFault | None:
    found = {"'-'": "a list item stands among keys", "'?'": "a key stands among list items"}
    for sign, cause in found.items():
        if f"but found {sign}" in seen.problem:
            return seen.fault(
                seen.line, seen.column, cause, "indent it to where it belongs, or write all of them alike"
            )
    if "sequence entries are not allowed" in seen.problem:
        cause = "a list cannot begin on the line of its key"
        return seen.fault(seen.line, seen.column, cause, "put each `- item` on a line of its own")
    if "but found ':'" in seen.problem:
        return seen.fault(seen.line, seen.column, "there is no key before this colon", "write `key: value`")
    return None


def _documents(seen: _Seen) -> TextFault | None:
    if "another document" not in seen.problem:
        return None
    cause = "a second document begins here, and a preset is one"
    return seen.fault(seen.line, seen.column, cause, "take the line `---` out")


def _unknown(seen: _Seen) -> TextFault:
    words = " ".join(part for part in (seen.context, seen.problem) if part)
    return seen.fault(seen.line, seen.column, f"this is no YAML ({words})", _QUOTE_IT)


def _unreadable_character(error: yaml.reader.ReaderError, text: str) -> TextFault:
    before = text[: error.position]
    line = len(LINE_BREAK.findall(before))
    column = len(LINE_BREAK.split(before)[-1])
    code = error.character if isinstance(error.character, int) else ord(error.character)
    return TextFault(line + 1, column + 1, f"the text holds a control character (U+{code:04X})", "take it out")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _spaces(number: int) -> str:
    return "one space" if number == 1 else f"{number} spaces"
