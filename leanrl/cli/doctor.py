"""`leanrl doctor`."""

import json
from typing import Annotated

import typer

from leanrl.cli.options import AsJson


def doctor(
    constraints: Annotated[
        str | None, typer.Option(metavar="default|unsloth", help="Print a tested set of versions for pip -c.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what this machine can run, and which versions clash."""
    from leanrl.diagnosis import constraint_set, diagnose

    if constraints is not None:
        print(constraint_set(constraints), end="")
        return
    findings = diagnose()
    if as_json:
        print(json.dumps([finding.to_json() for finding in findings], indent=2))
        return
    for finding in findings:
        print(f"{finding.mark} {finding.subject}: {finding.text}")
        if finding.hint:
            print(f"      {finding.hint}")
