"""What an answer says: its values and whether its relations are solved."""

from leanrl.grading.answers.nodes import Answer, Kind
from leanrl.grading.answers.readers.names import has_variable, is_name
from leanrl.grading.answers.readers.sets import is_set_operation
from leanrl.grading.text.characters import squeeze


def values_in(answer: Answer) -> tuple[Answer, ...]:
    """Return the parts of an answer without the name before an equals sign."""
    return answer.parts[1:] if answer.kind == "chain" and is_name(answer.parts[0]) else answer.parts


def values_by_name(answer: Answer) -> dict[str, Answer] | None:
    """Return the values of x = 1, y = 2 and of (x, y) = (1, 2); None for any other answer, and for roots x_1, x_2."""
    match answer:
        case Answer(kind="chain", parts=(names, values), marks=("=",)) if names.kind == values.kind == "row":
            pairs = list(zip(names.parts, values.parts, strict=False)) if len(names.parts) == len(values.parts) else []
        case Answer(kind="list", parts=parts, marks=("comma" | "and",)) if all(part.marks == ("=",) for part in parts):
            pairs = [(part.parts[0], part.parts[1]) for part in parts]
        case _:
            return None
    found = {squeeze(name.latex): value for name, value in pairs if is_name(name)}
    return found if len({name.partition("_")[0] for name in found}) == len(pairs) > 1 else None


def leaves_of(answer: Answer) -> list[str]:
    """Return the texts of the single expressions in an answer; the names before equals signs are none."""
    return [leaf for part in values_in(answer) for leaf in leaves_of(part)] or [answer.latex]


def has_relation(answer: Answer) -> bool:
    r"""Return whether an answer, or one of a list, says where a number lies: x < 1, x \in [0, 1]."""
    if answer.kind == "list":
        return any(map(has_relation, answer.parts))
    return answer.kind == "relation" or (answer.kind == "chain" and r"\in" in answer.marks)


def links_of(answer: Answer) -> list[Answer]:
    """Return a relation side by side: a < b < c as a < b and b < c; anything else is one."""
    if answer.kind != "relation":
        return [answer]
    kinds: dict[str, Kind] = {"=": "chain"}
    return [
        Answer(f"{left.latex} {sign} {right.latex}", kinds.get(sign, "relation"), (left, right), (sign,))
        for left, sign, right in zip(answer.parts, answer.marks, answer.parts[1:], strict=False)
    ]


def is_solved(answer: Answer) -> bool:
    """Return whether nothing is left to do: a name, or its opposite, against values; each of a list."""
    match answer.kind:
        case "list":
            return all(map(is_solved, answer.parts))
        case "relation":
            named = [side for side in answer.parts if has_variable(side)]
            return len(named) == 1 and is_name(Answer(named[0].latex.removeprefix("-")))
        case "chain":
            return is_name(answer.parts[0]) and not any(map(has_variable, answer.parts[1:]))
        case "expression":
            return is_set_operation(answer.latex) or not has_variable(answer)
    return True
