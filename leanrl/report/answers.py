"""What the model wrote: held-out answers before and after, and completions sampled during training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from leanrl.grading.text.boxes import find_boxes
from leanrl.grading.text.code import drop_code
from leanrl.machine.installation import install_extras
from leanrl.prompting.thinking import drop_thinking
from leanrl.report.mathematics.pieces import NOWHERE, Piece, plain_pieces, typeset_pieces
from leanrl.report.mathematics.typesetting import Typesetter, can_typeset
from leanrl.report.quantities import count_text, number_text
from leanrl.report.rendering import fill
from leanrl.report.run_data import Record, RunData

_CHANGES_SHOWN = 40
_SAMPLED_STEPS_SHOWN = 60
_COMPLETIONS_SHOWN = 24
# A completion may be thousands of tokens; its ends say whether it reasons and whether it answers.
_CHARACTERS_SHOWN = 6000
# Of the markup of all formulas, so that the page stays under 20 MB.
_MARKUP_CHARACTERS = 6_000_000


def heldout_answers(data: RunData) -> Markup:
    """Return how many held-out problems were learnt, kept and lost, and the answers that changed."""
    before, after = data.greedy_before, data.greedy_after
    asked_twice = [problem for problem in before if problem in after]
    if not asked_twice:
        return Markup()
    groups = {
        "learnt": [problem for problem in asked_twice if not _is_right(before[problem]) and _is_right(after[problem])],
        "lost": [problem for problem in asked_twice if _is_right(before[problem]) and not _is_right(after[problem])],
        "right both times": [p for p in asked_twice if _is_right(before[p]) and _is_right(after[p])],
        "wrong both times": [p for p in asked_twice if not _is_right(before[p]) and not _is_right(after[p])],
    }
    folds = [
        {
            "name": name,
            "count": len(problems),
            "rows": [_change(problem, before, after) for problem in problems[:_CHANGES_SHOWN]],
            "more": max(0, len(problems) - _CHANGES_SHOWN),
        }
        for name, problems in groups.items()
        if problems
    ]
    return fill("heldout.html", groups=folds)


def sampled_completions(data: RunData) -> Markup:
    """Return completions of steps spread over the run, the first and the last among them, and the rule in words."""
    if not data.completions:
        return Markup()
    shown = _spread(sorted(data.completions), at_most=_SAMPLED_STEPS_SHOWN)
    records = {step: data.completions[step][:_COMPLETIONS_SHOWN] for step in shown}
    num_shown = sum(map(len, records.values()))
    setting = _Setting(_MARKUP_CHARACTERS // max(1, num_shown)) if can_typeset() else None
    groups: dict[tuple[int, str], int] = {}
    steps = [(step, [_shown(one, step, data, groups, setting) for one in found]) for step, found in records.items()]
    lead = (
        "These completions were sampled during training, at the training temperature. The page shows "
        f"{count_text(num_shown)} of the {count_text(sum(map(len, data.completions.values())))} that the run saved in "
        f"completions/: at most {_COMPLETIONS_SHOWN} of a step, from at most {_SAMPLED_STEPS_SHOWN} steps spread over "
        f"the run. A completion of more than {count_text(_CHARACTERS_SHOWN)} characters is shown without its middle. "
        f"{_about_formulas(setting)}"
    )
    return fill("completions.html", steps=steps, lead=lead)


@dataclass(frozen=True)
class _Setting:
    """Typesets the formulas of all completions; `room` is for the markup of each."""

    room: int
    typesetter: Typesetter = field(default_factory=Typesetter)

    def pieces(self, text: str, graded: tuple[int, int]) -> list[Piece]:
        return typeset_pieces(text, self.typesetter, room=self.room, graded=graded)


def _about_formulas(setting: _Setting | None) -> str:
    if setting is None:
        return f"`{install_extras('report')}` shows formulas as mathematics."
    return (
        "The page typesets formulas up to a limit of markup, the graded formula first. Formulas beyond the limit, and "
        "broken ones, stay as they were written."
    )


def _change(problem: str, before: Mapping[str, Record], after: Mapping[str, Record]) -> tuple[str, ...]:
    return (
        _shorten(problem),
        str(after[problem].get("gold", "")),
        _shorten(before[problem].get("completion", "")),
        _shorten(after[problem].get("completion", "")),
    )


def _shown(
    record: Record, step: int, data: RunData, groups: dict[tuple[int, str], int], setting: _Setting | None
) -> dict[str, Any]:
    """Return what the page shows of a completion; `groups` numbers the prompts of all steps."""
    found = record.get("rewards")
    rewards = found if isinstance(found, dict) else {}
    marks = [f"{name} {number_text(value)}" for name, value in rewards.items()]
    marks += [f"advantage {number_text(record['advantage'])}"] if record.get("advantage") is not None else []
    marks += [f"{count_text(record['num_tokens'])} tokens"] if record.get("num_tokens") is not None else []
    before, box, after = around_graded_box(_shorten(record.get("completion", "")))
    problem = str(record.get("problem", ""))
    return {
        "step": step,
        "problem": _pieces(_shorten(problem), setting),
        "completion": _pieces(before + box + after, setting, graded=(len(before), len(before) + len(box))),
        "gold": _shorten(record.get("gold", "")),
        "verdict": str(record.get("verdict") or ""),
        "num_tokens": record.get("num_tokens", ""),
        "reward": weighted_reward(rewards, data.setting("rewards")),
        "group": groups.setdefault((step, problem), len(groups)),
        "marks": marks,
    }


def _pieces(text: str, setting: _Setting | None, graded: tuple[int, int] = NOWHERE) -> list[Piece]:
    return plain_pieces(text, graded=graded) if setting is None else setting.pieces(text, graded)


def around_graded_box(text: str) -> tuple[str, str, str]:
    """Return a completion before, in and behind the box that the grader takes; without one the first part is all.

    The grader passes over boxes in the thinking part and in code.
    """
    spoken = find_boxes(drop_code(drop_thinking(text)))
    boxes = [box for box in find_boxes(text) if spoken and box.content == spoken[-1].content]
    if not boxes:
        return text, "", ""
    return text[: boxes[-1].start], text[boxes[-1].start : boxes[-1].end], text[boxes[-1].end :]


def weighted_reward(rewards: Mapping[str, Any], weights: Any) -> str:
    """Return the sum of the rewards by their weights, as a number for the filter; empty where it is not known."""
    known = weights if isinstance(weights, Mapping) else {}
    parts = [(known.get(name), value) for name, value in rewards.items() if value is not None]
    if not parts or not all(isinstance(number, int | float) for pair in parts for number in pair):
        return ""
    return f"{sum(weight * value for weight, value in parts):.6g}"


def _is_right(record: Record) -> bool:
    return bool(record.get("verdict") == "correct")


def _shorten(value: Any) -> str:
    """Cut the middle out of a long text and say how much."""
    whole = str(value)
    if len(whole) <= _CHARACTERS_SHOWN:
        return whole
    half = _CHARACTERS_SHOWN // 2
    return f"{whole[:half]}\n[… {len(whole) - 2 * half:,} characters left out …]\n{whole[-half:]}"


def _spread(steps: Sequence[int], *, at_most: int) -> list[int]:
    """Return at most that many of the steps, evenly spread, with the first and the last."""
    if len(steps) <= at_most:
        return list(steps)
    last = len(steps) - 1
    return [steps[round(place * last / (at_most - 1))] for place in range(at_most)]
