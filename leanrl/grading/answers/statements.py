"""What relations and equations say: whether they are solved, and which numbers they admit."""

from leanrl.grading.answers.nodes import Answer, Chain, Expression, Items, Joined, Relation, Row, Span
from leanrl.grading.answers.readers.names import has_variable, is_name, letters_of
from leanrl.grading.answers.readers.sets import is_set_operation


def has_relation(answer: Answer) -> bool:
    r"""Return whether an answer, or one of a list, says where a number lies: x < 1, x \in [0, 1]."""
    if isinstance(answer, Items):
        return any(map(has_relation, answer.items))
    return isinstance(answer, Relation) or (isinstance(answer, Chain) and r"\in" in answer.signs)


def is_solved(answer: Answer) -> bool:
    """Return whether nothing is left to do: a name, or its opposite, against values; each of a list."""
    match answer:
        case Items():
            return all(map(is_solved, answer.items))
        case Relation():
            named = [side for side in answer.sides if has_variable(side)]
            return len(named) == 1 and is_name(Expression(named[0].latex.removeprefix("-")))
        case Chain():
            return is_name(answer.sides[0]) and not any(map(has_variable, answer.sides[1:]))
        case Expression():
            return is_set_operation(answer.latex) or not has_variable(answer)
    return True


def one_span(answer: Answer) -> Span | None:
    """Return the numbers that an answer about one name admits, as texts for a parser; None for any other answer."""
    return _span(answer) if len(letters_of(answer)) <= 1 else None


def _span(answer: Answer) -> Span | None:
    match answer:
        case Relation() | Row(items=(_, _)):
            return answer.latex
        case Chain(sides=(name, value), signs=("=" | r"\in",)) if is_name(name):
            is_interval = isinstance(value, Row) or is_set_operation(value.latex)
            return value.latex if is_interval else rf"\{{{value.latex}\}}"
        case Items(joint="braces"):
            return answer.latex if answer.items else r"\emptyset"
        case Items():
            spans = [_span(item) for item in answer.items]
            return None if None in spans else Joined(answer.joint, tuple(span for span in spans if span is not None))
        case Expression() if is_set_operation(answer.latex):
            return answer.latex
    return None
