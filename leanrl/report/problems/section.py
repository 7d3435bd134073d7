"""The section of a run's page on its problems: which are solved, how often, and which teach nothing."""

from collections.abc import Mapping, Sequence

from leanrl.report.figures.curves import Curve
from leanrl.report.markup import facts, fold, section, table, text
from leanrl.report.problems.decided import decided_curve
from leanrl.report.problems.pass_rates import (
    EASY_ABOVE,
    HARD_BELOW,
    LEVELS,
    Level,
    ProblemRecord,
    by_level,
    problem_records,
)
from leanrl.report.quantities import count_text, share_text
from leanrl.report.run_data import RunData

_ROWS_SHOWN = 20
_TITLE = "Problems by pass rate"
_LEAD = (
    "The pass rate of a problem is the share of its completions with a correct answer, over all groups that were "
    "sampled for it. A problem that is never or always solved gives the policy no contrast to learn from."
)
_RANGES: Mapping[Level, str] = {
    "never solved": "0 %",
    "hard": f"< {share_text(HARD_BELOW)}",
    "medium": f"{100 * HARD_BELOW:.0f}–{share_text(EASY_ABOVE)}",
    "easy": f"> {share_text(EASY_ABOVE)}",
    "always solved": "100 %",
}
_HEAD = ["problem", "groups", "correct completions", "pass rate", "first group", "last group", "last step", "tokens"]


def is_judged(data: RunData) -> bool:
    """Return whether a reward of the run judges answers; without one, no completion of the ledger is correct."""
    return not data.steps or any(record.get("verdicts") for record in data.steps)


def problem_curves(data: RunData) -> list[Curve]:
    """Return the curve of groups without contrast; nothing for a run without a ledger."""
    if data.ledger is None or not is_judged(data):
        return []
    curve = decided_curve(data.ledger)
    return [curve] if curve.series else []


def problems_section(data: RunData, figures: str) -> str:
    """Return the section; nothing for a run without a ledger. `figures` are the curves of `problem_curves`, drawn."""
    if data.ledger is None:
        return ""
    if not len(data.ledger):
        return section(_TITLE, '<p class="empty">No group of completions is finished yet.</p>')
    if not is_judged(data):
        words = "No reward of this run judges answers, so that pass rates are not known."
        return section(_TITLE, f'<p class="empty">{words}</p>')
    records = problem_records(data.ledger)
    levels = by_level(records)
    overview = f'<div class="pair">{figures}<div>{_level_table(levels, len(records))}</div></div>'
    folds = [_fold(level, levels[level], data.problems) for level in LEVELS if levels[level]]
    return section(_TITLE, _tiles(data, records) + overview + "".join(folds), lead=_LEAD)


def _tiles(data: RunData, records: Sequence[ProblemRecord]) -> str:
    num_rows = data.summary.get("num_train_rows")
    asked = count_text(len(records)) + (f" of {count_text(num_rows)}" if num_rows else "")
    num_completions = sum(record.num_completions for record in records)
    correct = sum(record.num_correct for record in records) / num_completions
    return facts(
        [
            ("Problems asked", asked),
            ("Groups", count_text(sum(record.num_groups for record in records))),
            ("Completions", count_text(num_completions)),
            ("Correct completions", share_text(correct)),
        ]
    )


def _level_table(levels: Mapping[Level, Sequence[ProblemRecord]], num_problems: int) -> str:
    """Return how many problems are of each level, as a bar and a table in the same colours."""
    colours = {level: f"s{number}" for number, level in enumerate(LEVELS, start=1)}
    bar = "".join(
        f'<span class="{colours[level]}" style="flex-grow:{len(levels[level]) / num_problems:.4f}"></span>'
        for level in LEVELS
        if levels[level]
    )
    rows = [
        [
            f'<i class="key {colours[level]}"></i>{text(level)}',
            text(_RANGES[level]),
            count_text(len(levels[level])),
            share_text(len(levels[level]) / num_problems),
        ]
        for level in LEVELS
    ]
    head = ["level", "pass rate", "problems", "share"]
    return f'<div class="stack" aria-hidden="true">{bar}</div>' + table(head, rows)


def _fold(level: Level, records: Sequence[ProblemRecord], problems: Mapping[str, str]) -> str:
    shown = records[:_ROWS_SHOWN]
    more = len(records) - len(shown)
    rest = f'<p class="lead">and {count_text(more)} more in ledger.dat</p>' if more else ""
    return fold(
        f"{text(level)}: {count_text(len(records))}", table(_HEAD, [_row(each, problems) for each in shown]) + rest
    )


def _row(record: ProblemRecord, problems: Mapping[str, str]) -> list[str]:
    return [
        f'<code class="asked">{text(problems.get(record.prompt_id, record.prompt_id))}</code>',
        count_text(record.num_groups),
        f"{count_text(record.num_correct)} of {count_text(record.num_completions)}",
        share_text(record.pass_rate),
        share_text(record.first_rate),
        share_text(record.last_rate),
        count_text(record.last_step),
        count_text(record.mean_tokens),
    ]
