"""What `leanrl plan --fit` found, as text."""

from collections.abc import Sequence

from leanrl.planner.search.fit import Fit
from leanrl.planner.search.fixes import Fix
from leanrl.planner.search.nearest import nearest
from leanrl.planner.text.details import plan_details
from leanrl.planner.text.screen import first_screen, row


def fit_text(fit: Fit) -> str:
    """Return the whole of what was found as plain text."""
    return "\n".join([*fit_screen(fit), "", *plan_details(fit.plan)]) + "\n"


def fit_screen(fit: Fit, *, notes: Sequence[str] = ()) -> list[str]:
    """Return the first screen of the plan that was found, with its flags, or with what comes nearest.

    `notes` are rows that belong on it too, such as the line of a simulation.
    """
    if not fit.fits:
        found = nearest(fit.changes, fit.plan)
        rows = [row("nearest", found.run), row("way out", found.way_out)]
        return first_screen(fit.plan, verdict="nothing fits.", remedies=rows, notes=notes)
    if not fit.changes:
        verdict = "it fits, and its settings are the fastest that do."
        return first_screen(fit.plan, verdict=verdict, remedies=[], notes=notes)
    changes_run = Fix(fit.changes).changes_run
    kept = (
        "with the same prompts and completions a step" if changes_run is None else f"they change the run: {changes_run}"
    )
    verdict = f"it fits with the fastest settings found ({kept})."
    return first_screen(fit.plan, verdict=verdict, remedies=[row("settings", fit.flags)], notes=notes)
