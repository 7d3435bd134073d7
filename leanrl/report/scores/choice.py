"""How a checkpoint was chosen, as `leanrl eval RUN --checkpoints all --select-on` left it in the run folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from leanrl.report.quantities import NONE, count_text
from leanrl.report.rendering import fill
from leanrl.report.run_data import RunData
from leanrl.storage.run_folder import read_json_if_whole

_HEAD = ("round", "completions a problem", "step", "score", "behind the leader, points", "95 % interval", "")


def choices_section(data: RunData) -> Markup:
    """Return each choice with its rounds and its luck; nothing without one. Broken files are passed over."""
    found = [] if data.path is None else [part for path in selection_files(data.path) for part in _choice(path)]
    return Markup().join(found)


def selection_files(run: Path) -> list[Path]:
    """Return the files of the choices in a run folder, in order."""
    return sorted(run.glob("evals/select-*/selection.json"))


def _choice(path: Path) -> Sequence[Markup]:
    saved = read_json_if_whole(path)
    try:
        title, lead, rows = _title(saved), _lead(saved), _rows(saved["rounds"])
    except (KeyError, TypeError, ValueError, AttributeError):
        return []
    return [fill("scores.html", title=title, lead=lead, figures="", head=_HEAD, rows=rows)]


def _title(saved: Mapping[str, Any]) -> str:
    return f"Choice of a checkpoint on {saved['question']['select_on']}"


def _lead(saved: Mapping[str, Any]) -> str:
    """Return what was picked among how many, what luck would give, and what the pick scores where it is reported."""
    question, choice = saved["question"], saved["choice"]
    asked = f"{count_text(question['num_problems'])} problems, protocol {question['protocol']}"
    if choice is None:
        tried = len(question["checkpoints"])
        return f"{tried} checkpoints on {asked}. The choice is not finished: the same command goes on."
    tried, luck = choice["num_tried"], choice["best_of_equal_by_luck"]
    parts = [
        f"Step {int(choice['step'])} was picked of {int(tried)}, on {asked}: {_per_cent(choice['accuracy'])} "
        f"{_bounds(choice['interval_95'])}.",
        f"It was picked for that score, so the score is too high by luck: the best of {int(tried)} equal ones shows "
        f"{_per_cent(luck['mean'])} on average {_bounds((luck['low'], luck['high']))} in the first round, where each "
        f"has {_per_cent(luck['equal_score'])}; the best there had {_per_cent(choice['best_of_first_round'])}.",
    ]
    return " ".join([*parts, *_reported(saved.get("reported"), int(tried))])


def _reported(reported: Any, tried: int) -> list[str]:
    """Return the scores of the pick on what is reported, each with what a choice on it would have shown by luck."""
    if not isinstance(reported, Mapping):
        return ["It was not evaluated on other problems yet."]
    by_luck = (reported.get("chosen") or {}).get("best_of_equal_if_chosen_here") or {}
    parts = []
    for name, score in reported["benchmarks"].items():
        luck = by_luck.get(name)
        had = f" (chosen here, the best of {tried} equal ones would show {_per_cent(luck['mean'])})" if luck else ""
        parts.append(f"{name} {_per_cent(score['accuracy'])} {_bounds(score['interval_95'])}{had}")
    return [f"Reported once, on other problems: {'; '.join(parts)}."] if parts else []


def _rows(rounds: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    return [
        [str(number), count_text(each["num_samples"]), *_standing(one)]
        for number, each in enumerate(rounds, start=1)
        for one in each["standings"]
    ]


def _standing(one: Mapping[str, Any]) -> list[str]:
    behind, interval = one["behind_leader"], one["behind_leader_interval_95"]
    return [
        str(int(one["step"])),
        _per_cent(one["accuracy"]),
        NONE if behind is None else f"{100 * float(behind):+.1f}",
        NONE if interval is None else _bounds(interval, form="{:+.1f}"),
        "stays" if one["is_kept"] else "goes",
    ]


def _per_cent(share: Any) -> str:
    return f"{100 * float(share):.1f} %"


def _bounds(interval: Sequence[Any], *, form: str = "{:.1f}") -> str:
    low, high = (form.format(100 * float(bound)) for bound in interval)
    return f"[{low}, {high}]"
