"""What the model wrote: held-out answers before and after, and completions sampled during training."""

from collections.abc import Sequence
from typing import Any

from leanrl.report.markup import fold, section, table, text
from leanrl.report.quantities import count_text, number_text
from leanrl.report.run_data import Record, RunData

_CHANGES_SHOWN = 40
_SAMPLED_STEPS_SHOWN = 8
_COMPLETIONS_SHOWN = 8
# A completion may be thousands of tokens; its ends say whether it reasons and whether it answers.
_CHARACTERS_SHOWN = 6000


def heldout_answers(data: RunData) -> str:
    """Return how many held-out problems were learnt, kept and lost, and the answers that changed."""
    before, after = data.greedy_before, data.greedy_after
    asked_twice = [problem for problem in before if problem in after]
    if not asked_twice:
        return ""
    groups = {
        "learnt": [problem for problem in asked_twice if not _is_right(before[problem]) and _is_right(after[problem])],
        "lost": [problem for problem in asked_twice if _is_right(before[problem]) and not _is_right(after[problem])],
        "right both times": [p for p in asked_twice if _is_right(before[p]) and _is_right(after[p])],
        "wrong both times": [p for p in asked_twice if not _is_right(before[p]) and not _is_right(after[p])],
    }
    folds = [
        fold(f"{text(name)}: {count_text(len(problems))}", _changes(problems, before, after))
        for name, problems in groups.items()
        if problems
    ]
    return section("Held-out problems, one by one", "".join(folds))


def sampled_completions(data: RunData) -> str:
    """Return completions of steps spread over the run, the first and the last among them."""
    steps = _spread(sorted(data.completions), at_most=_SAMPLED_STEPS_SHOWN)
    folds = [
        fold(f"step {count_text(step)}", "".join(map(_completion, data.completions[step][:_COMPLETIONS_SHOWN])))
        for step in steps
    ]
    lead = "Sampled during training, at the training temperature. All that were saved lie in completions/."
    return section("Completions", "".join(folds), lead=lead)


def _changes(problems: Sequence[str], before: dict[str, Record], after: dict[str, Record]) -> str:
    rows = [
        [
            _quote(problem),
            text(after[problem].get("gold", "")),
            _quote(before[problem].get("completion", "")),
            _quote(after[problem].get("completion", "")),
        ]
        for problem in problems[:_CHANGES_SHOWN]
    ]
    more = len(problems) - len(rows)
    rest = f'<p class="lead">and {count_text(more)} more in greedy_after.jsonl</p>' if more else ""
    return table(["problem", "gold", "before", "after"], rows) + rest


def _completion(record: Record) -> str:
    rewards = record.get("rewards")
    pairs = rewards.items() if isinstance(rewards, dict) else ()
    marks = [f"{text(name)} {number_text(value)}" for name, value in pairs]
    marks += [f"{text(name)} {number_text(record[name])}" for name in ("advantage",) if record.get(name) is not None]
    marks += [f"{count_text(record['num_tokens'])} tokens"] if record.get("num_tokens") is not None else []
    verdict = record.get("verdict")
    pill = "" if verdict is None else f'<span class="pill {_kind(verdict)}">{text(verdict)}</span> '
    return (
        f'<article><p class="problem">{text(_shorten(record.get("problem", "")))}</p>'
        f"<pre>{text(_shorten(record.get('completion', '')))}</pre>"
        f'<p class="marks">{pill}gold {text(_shorten(record.get("gold", "")))} · {" · ".join(marks)}</p></article>'
    )


def _kind(verdict: Any) -> str:
    return "good" if verdict == "correct" else "bad"


def _is_right(record: Record) -> bool:
    return bool(record.get("verdict") == "correct")


def _quote(value: Any) -> str:
    return f"<code>{text(_shorten(value))}</code>"


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
