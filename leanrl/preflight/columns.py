"""The columns of the data that rewards and plug-ins read."""

from collections.abc import Sequence

from leanrl.config.schema import RunConfig
from leanrl.errors import DataError
from leanrl.hints import setting
from leanrl.rewards.weighted import Reward, columns_of
from leanrl.seams.registry import column_of_plugins, made
from leanrl.types import Row


def columns_read(config: RunConfig, rewards: Sequence[Reward]) -> frozenset[str] | None:
    """Return the columns that rewards and plug-ins read; None where a reward may read any."""
    of_rewards = columns_of(rewards)
    return None if of_rewards is None else of_rewards | set(column_of_plugins(config).values())


def require_columns(config: RunConfig, rows: Sequence[Row]) -> None:
    """Check that a column that a plug-in reads is there, with values that it takes.

    Raises:
        DataError: naming the plug-in and the column, and the first row whose value it refuses.
    """
    for seam, column in column_of_plugins(config).items():
        hint = f"{setting(f'algorithm.{seam}.column', 'NAME')}, or another plug-in"
        values = [row.columns.get(column) for row in rows]
        if all(value is None for value in values):
            raise DataError(f"algorithm.{seam} reads the column {column!r}, and no row has it.", hint=hint)
        check = getattr(made(config.algorithm.choice(seam)), "check_value", None)
        for row, value in zip(rows, values, strict=True) if check is not None else ():
            try:
                check(value)
            except ValueError as error:
                raise DataError(
                    f"algorithm.{seam} reads the column {column!r}, and row {row.id} has {value!r}: it takes {error}.",
                    hint=hint,
                ) from None
