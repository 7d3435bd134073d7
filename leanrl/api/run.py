"""A run as Python holds it: its folder, its numbers, and how it shows itself in a notebook."""

import base64
from pathlib import Path
from typing import Any

from leanrl.report.figures.curves import Curve, health_curves, paper_curves
from leanrl.report.outcome import outcome_text
from leanrl.report.rendering import fill
from leanrl.report.run_data import RunData, read_run
from leanrl.storage.run_folder import open_run_folder

# What a notebook shows of the health of a run; the report has the rest.
_SHOWN = ("rewards", "truncated_share", "zero_variance_share", "grad_norm")


class Run:
    """A run that was trained, also by another process: `leanrl.Run("runs/mine")`.

    It reads the run's files whenever it is asked, so that it shows a run that still trains.
    """

    def __init__(self, folder: Path | str) -> None:
        """Open a run.

        Raises:
            ConfigError: if the folder holds no run, or one of a newer format.
        """
        self._files = open_run_folder(Path(folder))

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self._files.path

    @property
    def summary(self) -> dict[str, Any]:
        """The content of summary.json: status, steps, scores before and after, peaks."""
        return dict(self._data.summary)

    @property
    def steps(self) -> list[dict[str, Any]]:
        """The numbers of each step, as in metrics.jsonl: a row each of a `pandas.json_normalize`."""
        return [dict(step) for step in self._data.steps]

    @property
    def report(self) -> Path:
        """The page of the run, written again with what its files hold."""
        from leanrl.evaluation.pages.write import write_run_report

        return write_run_report(self._files)

    def __fspath__(self) -> str:
        return str(self.folder)

    def __str__(self) -> str:
        return f"{outcome_text(self.summary)}\nRun folder: {self.folder}"

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r})"

    def _repr_html_(self) -> str:
        """Return the outcome and the curves as a notebook shows them; pictures are inside, and no script."""
        data = self._data
        images = [(curve.title, _as_image(curve)) for curve in _shown_curves(data)]
        lines = outcome_text(data.summary).splitlines() if data.summary else [f"{data.name}: no summary yet"]
        return str(fill("notebook/run.html", lines=lines, images=images, folder=str(self.folder)))

    @property
    def _data(self) -> RunData:
        return read_run(self._files)


def _shown_curves(data: RunData) -> list[Curve]:
    curves = [*paper_curves(data), *(curve for curve in health_curves(data) if curve.slug in _SHOWN)]
    return [curve for curve in curves if curve.series]


def _as_image(curve: Curve) -> str:
    from leanrl.report.figures.drawing import draw_png

    return f"data:image/png;base64,{base64.b64encode(draw_png(curve)).decode('ascii')}"
