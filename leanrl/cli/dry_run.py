"""What `leanrl train --dry-run` prints: every value with its origin, the plan, the processes, what is missing."""

import json
import shlex
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from leanrl.config.schema import RunConfig
from leanrl.hints import command


def train_arguments(
    preset: str, overrides: Sequence[str], *, plugins: Sequence[Path], run_dir: Path | None
) -> list[str]:
    """Return what follows `leanrl train` on the command line that was typed."""
    return [
        *("-p", preset),
        *(part for override in overrides for part in ("-s", override)),
        *(part for plugin in plugins for part in ("--plugin", str(plugin))),
        *(("--run-dir", str(run_dir)) if run_dir is not None else ()),
    ]


def print_dry_run(
    preset: str, overrides: list[str], *, plugins: Sequence[Path], run_dir: Path | None, as_json: bool
) -> None:
    """Print the whole of a run without starting it; needs no GPU and no extra package."""
    from leanrl.cli.configured import configured
    from leanrl.config.checks.check import find_warnings
    from leanrl.planning import examine_here
    from leanrl.processes import processes
    from leanrl.storage.run_folder import new_run_path

    resolved = configured(preset, overrides, plugins)
    config = resolved.config
    arguments = train_arguments(preset, overrides, plugins=plugins, run_dir=run_dir)
    asked = train_arguments(preset, overrides, plugins=plugins, run_dir=None)
    specs = processes(config, arguments=arguments)
    predicted, no_plan = _plan(config)
    new_run = run_dir or new_run_path(Path("runs"), config.name, datetime.now())
    found = examine_here(config, plugins=plugins, new_run=new_run)
    problems = None if found.ready is None else found.ready.problems
    warnings = [*find_warnings(config), *found.warnings, *([] if problems is None else problems.notes)]
    if as_json:
        answer = {
            "config": config.model_dump(mode="json"),
            "origins": resolved.origins,
            "plan": None if predicted is None else predicted.to_json(),
            "processes": [
                {"role": spec.role, "node": spec.node, "environment": spec.environment, "command": spec.command}
                for spec in specs
            ],
            "problems": None if problems is None else problems.num_rows | {"lines": problems.lines},
            "missing": found.lines,
            "warnings": warnings,
        }
        print(json.dumps(answer, indent=2))
        return
    print(f"command\n  leanrl train {shlex.join(arguments)}\n")
    print("config (value, and where it comes from)")
    for key, value in _leaves(config.model_dump(mode="json")):
        print(f"  {key} = {json.dumps(value, ensure_ascii=False)}  [{resolved.origins.get(key, 'default')}]")
    print(f"\nplan\n{_indented(no_plan if predicted is None else _plan_text(predicted, asked))}")
    print("\nprocesses")
    for spec in specs:
        node = f" on node {spec.node}" if config.hardware.num_nodes > 1 else ""
        print(f"  {spec.role}{node}\n    {spec.shell()}")
    if problems is not None:
        counts = ", ".join(f"{count} {what}" for what, count in _counts(problems.num_rows).items())
        print("\nproblems\n" + _indented("\n".join([counts, *problems.lines])))
    print("\nmissing here\n" + _indented("\n".join(found.lines) or "nothing"))
    if warnings:
        print("\nwarnings\n" + _indented("\n".join(warnings)))


def _counts(num_rows: dict[str, int]) -> dict[str, int]:
    """Return the counts of rows under the words for them."""
    words = {"num_train_rows": "to train on", "num_heldout_rows": "held out", "num_dropped_rows": "dropped"}
    return {words[name]: count for name, count in num_rows.items()}


def _plan(config: RunConfig) -> tuple[Any, str]:
    from leanrl.errors import MissingError, NoFormulaError
    from leanrl.planning import plan

    try:
        return plan(config), ""
    except (MissingError, NoFormulaError) as error:
        return None, str(error)


def _plan_text(predicted: Any, asked: Sequence[str]) -> str:
    """Return the first screen of a plan, and the command that shows what stands behind it."""
    from leanrl.planner.text.screen import first_screen

    return "\n".join([*first_screen(predicted), f"`{command('plan', *asked, '--details')}` shows every phase."])


def _leaves(section: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    leaves = []
    for name, value in section.items():
        if isinstance(value, dict) and value:
            leaves.extend(_leaves(value, f"{prefix}{name}."))
        else:
            leaves.append((f"{prefix}{name}", value))
    return leaves


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
