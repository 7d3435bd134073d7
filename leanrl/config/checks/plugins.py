"""The plug-ins of a step's seams: maps without a name, and plug-ins that contradict other keys."""

from collections.abc import Iterator
from typing import get_args

from leanrl.config.schema import RunConfig
from leanrl.config.sections.algorithm import Seam
from leanrl.errors import Problem
from leanrl.hints import setting


def plugin_contradictions(config: RunConfig) -> Iterator[Problem]:
    """Yield every combination that cannot be run; what a plug-in says of its own options is the registry's to tell."""
    for check in (_nameless, _refill, _rows, _negative):
        yield from check(config)


def _nameless(config: RunConfig) -> Iterator[Problem]:
    for seam in get_args(Seam):
        options = getattr(config.algorithm, seam)
        if options and "name" not in options:
            given = ", ".join(options)
            yield Problem(
                f"algorithm.{seam}",
                f"has {given} and no name, so no plug-in takes it",
                f"`-s algorithm.{seam}.name=NAME`; `leanrl plugins` lists them",
            )


def _refill(config: RunConfig) -> Iterator[Problem]:
    if config.algorithm.choice("refill") is not None and config.algorithm.choice("keep_rows") is None:
        yield Problem(
            "algorithm.refill, algorithm.keep_rows",
            "without keep_rows no group is dropped, so there is nothing to refill",
            "`-s algorithm.keep_rows.name=signal`, or drop algorithm.refill",
        )


def _rows(config: RunConfig) -> Iterator[Problem]:
    """Rows are counted in the memory plan, so their number is checked for every plug-in that has the option."""
    rows, drawn = config.most_rows_kept, config.train.num_completions
    if rows is None or (1 <= rows <= drawn) or config.algorithm.choice("plan_rollouts") is not None:
        return
    yield Problem(
        "algorithm.keep_rows.rows, train.num_completions",
        f"{rows} rows are to be kept of the {drawn} completions of a prompt" if rows > 0 else f"{rows} leaves no row",
        f"`{setting('algorithm.keep_rows.rows', min(4, drawn))}`"
        + (f", or `{setting('train.num_completions', rows)}`" if rows > drawn else ""),
    )


def _negative(config: RunConfig) -> Iterator[Problem]:
    """MaxRL divides by the mean reward of a group (arXiv 2602.02710); its factor is unbounded where that nears 0."""
    weight = config.rewards.get("hapo", 0.0)
    advantage = config.algorithm.choice("advantage")
    if advantage is not None and advantage.name == "max_rl" and weight:
        yield Problem(
            "algorithm.advantage.name, rewards.hapo",
            "max_rl divides by the mean reward, which hapo can make 0 or negative",
            "`-s algorithm.advantage.name=group`, or `-s rewards.hapo=0`",
        )
