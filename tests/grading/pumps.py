"""Strings on which a backtracking pattern is slow if it can be: made from the pattern itself.

A pattern takes more than linear time where one repeat can give characters back to another, or where a search begins
anew at every place of a long failed match. Both show on `prefix + pump * n + end`, with a prefix that leads to the
repeat, a pump from what it repeats, and an end that lets the match fail.
"""

import itertools
import re
from collections.abc import Iterator
from re import _constants as op
from re import _parser as parser
from typing import Any

# A repeat that cannot pass this takes a bounded time.
_LONG = 200
_ENDS = ("\0", "")
_CATEGORY_SAMPLES = {
    op.CATEGORY_SPACE: [" ", "\n"],
    op.CATEGORY_DIGIT: ["7"],
    op.CATEGORY_WORD: ["a", "_"],
    op.CATEGORY_NOT_SPACE: ["a", "\\"],
    op.CATEGORY_NOT_DIGIT: ["a", " "],
    op.CATEGORY_NOT_WORD: [" ", "("],
}


def pumped_texts(pattern: re.Pattern[str], num_chars: int) -> Iterator[str]:
    """Yield texts of about `num_chars` characters, a few for each repeat of the pattern."""
    tree = parser.parse(pattern.pattern, pattern.flags)
    starts = _samples(tree)[:3]
    pumps = {(prefix, body) for prefix, body in _repeats(list(tree), "") if body}
    whole = {("", start) for start in starts if start}
    for prefix, pump in sorted(pumps | whole | {("", prefix + body) for prefix, body in pumps}):
        for end in _ENDS:
            yield prefix + pump * (num_chars // len(pump)) + end


def _repeats(nodes: list[Any], prefix: str) -> Iterator[tuple[str, str]]:
    """Yield (what leads to a long repeat, what it repeats), also with the repeat behind it taken in turn."""
    for index, node in enumerate(nodes):
        kind, value = node
        if kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
            bodies = _samples(value[2])
            if value[1] == op.MAXREPEAT or value[1] > _LONG:
                yield from ((prefix, body) for body in bodies)
                yield from ((prefix, first + second) for first, second in itertools.permutations(bodies[:3], 2))
            yield from _repeats(list(value[2]), prefix)
        elif kind in (op.SUBPATTERN, op.ATOMIC_GROUP):
            yield from _repeats(list(value[-1] if kind is op.SUBPATTERN else value), prefix)
        elif kind is op.BRANCH:
            for branch in value[1]:
                yield from _repeats(list(branch), prefix)
        prefix += _samples(nodes[index : index + 1])[0]


def _samples(nodes: Any) -> list[str]:
    """Return short texts that a sequence matches: each element varied alone, the others at their first."""
    parts = [_node_samples(node) for node in nodes]
    first = "".join(part[0] for part in parts)
    found = [first]
    for index, part in enumerate(parts):
        before = "".join(other[0] for other in parts[:index])
        after = "".join(other[0] for other in parts[index + 1 :])
        found += [before + choice + after for choice in part[1:]]
    return list(dict.fromkeys(found))


def _node_samples(node: Any) -> list[str]:
    kind, value = node
    if kind is op.LITERAL:
        return [chr(value)]
    if kind is op.NOT_LITERAL:
        return ["a" if chr(value) != "a" else "b", " "]
    if kind is op.ANY:
        return ["a", " "]
    if kind is op.IN:
        return _set_samples(value)
    if kind is op.BRANCH:
        return [sample for branch in value[1] for sample in _samples(branch)]
    if kind is op.SUBPATTERN:
        return _samples(value[-1])
    if kind is op.ATOMIC_GROUP:
        return _samples(value)
    if kind in (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT):
        bodies = [sample * max(1, value[0]) for sample in _samples(value[2])]
        return bodies if value[0] else ["", *bodies]
    return [""]  # an assertion, or a reference back: takes no character of its own that a pump would need


def _set_samples(members: list[Any]) -> list[str]:
    if members[0][0] is op.NEGATE:
        allowed = re.compile("[" + "a \\\\7(" + "]")
        refused = {chr(value) for kind, value in members[1:] if kind is op.LITERAL}
        return [sample for sample in ("a", " ", "\\", "7", "(") if allowed.match(sample) and sample not in refused]
    found: list[str] = []
    for kind, value in members:
        if kind is op.LITERAL:
            found.append(chr(value))
        elif kind is op.RANGE:
            found.append(chr(value[0]))
        elif kind is op.CATEGORY:
            found += _CATEGORY_SAMPLES.get(value, ["a"])
    return found or ["a"]
