"""The page of a run, written into its report folder or served, with published rows and its held-out change."""

from pathlib import Path

from leanrl.evaluation.pages.heldout import heldout_change
from leanrl.evaluation.pages.published import published_rows
from leanrl.report import page
from leanrl.report.run_data import read_run
from leanrl.storage.run_folder import RunFolder


def write_run_report(run: RunFolder, *, out: Path | None = None) -> Path:
    """Write index.html and the PNGs of the curves into `out`, by default the run's report folder; return the page."""
    return page.write_report(run, out=out, published=published_rows(), change=heldout_change(run))


def live_page(run: RunFolder, live_seconds: int) -> str:
    """Return the page as it is now; it looks that often whether there is a newer one."""
    return page.run_page(
        read_run(run), live_seconds=live_seconds, published=published_rows(), change=heldout_change(run)
    )
