"""`leanrl doctor`."""

import json
import sys
from typing import Annotated

import typer

from leanrl.cli.terminal.colour import painted
from leanrl.cli.terminal.idle_flags import refuse_idle_flags
from leanrl.cli.terminal.options import AsJson


def doctor(
    constraints: Annotated[
        str | None, typer.Option(metavar="default|unsloth", help="Print a tested set of versions for pip -c.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what this machine can run, and which versions clash."""
    from leanrl.machine.diagnosis import constraint_set, diagnose

    if constraints is not None:
        others = {"--json": as_json}
        refuse_idle_flags("--constraints prints a file for pip", others, hint="leave one of the two out")
        print(constraint_set(constraints), end="")
        return
    findings = diagnose()
    if as_json:
        print(json.dumps([finding.to_json() for finding in findings], indent=2))
        return
    kinds = {"ok": "ok", "warn": "warning", "missing": "hint"}
    for finding in findings:
        mark = painted(finding.mark, kinds[finding.status], stream=sys.stdout)
        print(f"{mark} {finding.subject}: {finding.text}")
        if finding.hint:
            print(f"      {painted(finding.hint, 'hint', stream=sys.stdout)}")
