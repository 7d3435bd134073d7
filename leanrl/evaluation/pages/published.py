"""The published rows of the evaluation room in the form that the report takes."""

from leanrl.eval.compare.reference import reference_rows
from leanrl.report.scores.section import PublishedRow

# One checkpoint a row would fill the table: the report shows the models of a source, not their curves.
_LEFT_OUT = "curve"


def published_rows() -> list[PublishedRow]:
    """Return the published scores that come with leanrl, as fractions."""
    return [
        PublishedRow(row.name, row.source, {name: found.mean for name, found in row.scores.items()}, row.cost)
        for row in reference_rows()
        if row.source != _LEFT_OUT
    ]
