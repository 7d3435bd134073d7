"""Tasks of reasoning-gym (the extra `tasks`), each with the gold answer that names its scorer."""

import json
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import Any

from leanrl.config.names.nearest import did_you_mean, nearest_name
from leanrl.data.tasks.making import MadeRow
from leanrl.data.tasks.task import MadeTask
from leanrl.errors import ConfigError, MissingError
from leanrl.grading.scorers.gold import ScoredGold
from leanrl.machine.installation import install_extras

PREFIX = "reasoning_gym:"


def is_gym_task(generator: str) -> bool:
    """Return whether a generator's name is one of reasoning-gym's, such as `reasoning_gym:chain_sum`."""
    return generator.startswith(PREFIX)


def gym_rows(generator: str, *, num_rows: int, seed: int, options: Mapping[str, Any]) -> Iterator[MadeRow]:
    """Yield the tasks of a dataset of reasoning-gym, each problem once.

    Args:
        generator: `reasoning_gym:` and the name of the dataset.
        options: its own settings, such as min_terms of chain_sum.

    Raises:
        MissingError: if reasoning-gym is not installed.
        ConfigError: if there is no such dataset, or it refuses its settings.
    """
    if find_spec("reasoning_gym") is None:
        raise MissingError(f"{generator} needs reasoning-gym, which is not installed.", hint=install_extras("tasks"))
    name = generator.removeprefix(PREFIX)
    seen: set[str] = set()
    for number, entry in enumerate(_entries(name, num_rows, seed, options)):
        plain = json.loads(json.dumps(dict(entry), default=str))
        if plain["question"] not in seen:
            seen.add(plain["question"])
            gold = str(ScoredGold(name, plain))
            yield MadeRow(f"{name}-{seed}-{number}", MadeTask(plain["question"], (gold,)), generator, 1)


def _entries(name: str, num_rows: int, seed: int, options: Mapping[str, Any]) -> Any:
    try:
        import reasoning_gym  # type: ignore[import-not-found,import-untyped,unused-ignore]
        from reasoning_gym.factory import DATASETS  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError as error:
        hint = f"install it with all that it needs: {install_extras('tasks')}"
        raise MissingError(f"reasoning-gym cannot be imported: {error}.", hint=hint) from error

    if name not in DATASETS:
        near = did_you_mean(nearest_name(name, DATASETS))
        raise ConfigError(
            f"reasoning-gym has no dataset {name!r}.", hint=near or f"it has {', '.join(sorted(DATASETS))}"
        )
    try:
        return reasoning_gym.create_dataset(name, size=num_rows, seed=seed, **options)
    except (TypeError, ValueError, AssertionError) as error:
        raise ConfigError(
            f"reasoning-gym's {name} refuses its settings: {error}.", hint="options: {}, or its own names"
        ) from error
