"""Everything that is checked before torch or a model is loaded; to add a check, write a function and list it.

A check raises the error that the run would end with, or yields a line on what is to be fetched first.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from leanrl.config.checks.support import PAGING_NEEDS_A_GPU, require
from leanrl.data.load import load_problems
from leanrl.errors import ConfigError, LeanRLError, MissingError, all_at_once
from leanrl.hints import setting
from leanrl.launch.cards import num_cards_in_sight
from leanrl.launch.run import require_ranks
from leanrl.launch.this_rank import is_first_rank, this_rank
from leanrl.models.locate import locate_unfetched, require_model_here
from leanrl.preflight.cards_here import num_cards_here
from leanrl.preflight.columns import columns_read, require_columns
from leanrl.preflight.dataset_here import is_dataset_here
from leanrl.preflight.enough import require_enough
from leanrl.preflight.intent import Intent, Ready
from leanrl.preflight.model_here import examine_model
from leanrl.preflight.plugins import load_plugins
from leanrl.preflight.tryout import try_rewards
from leanrl.rewards.registry import resolve_rewards
from leanrl.rewards.weighted import Reward
from leanrl.seams.registry import choice_problems, condition_warnings, ungraded_problems
from leanrl.storage.output_folder import require_writable
from leanrl.storage.run_folder import require_new
from leanrl.types import ProblemSet

Value = TypeVar("Value")
_ON_CPU = "-s hardware.device=cpu -s hardware.num_gpus=0, or `leanrl train -p cpu-demo`"


@dataclass(frozen=True)
class Findings:
    """What stands in the way of a run, and what it would fetch first; `ready` is None unless nothing is in the way."""

    obstacles: list[LeanRLError]
    to_fetch: list[str]
    ready: Ready | None
    warnings: list[str] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """One line for each thing that is missing here, with its hint."""
        return [line for error in self.obstacles for line in error.lines()] + self.to_fetch


def examine(intent: Intent) -> Findings:
    """Run every check, and return all that they found."""
    obstacles: list[LeanRLError] = []
    to_fetch: list[str] = []
    for check in (_run_folder, _cards, _extras, _ranks, _address, _model, _plugins):
        try:
            to_fetch += check(intent)
        except LeanRLError as error:
            obstacles.append(error)
    rewards = _attempt(lambda: _rewards(intent), obstacles)
    if rewards is not None:
        _attempt(lambda: _require_grades(intent, rewards), obstacles)
    may_fetch = intent.is_training and not obstacles
    columns = columns_read(intent.config, rewards or [])
    problems = _attempt(lambda: _problems(intent, to_fetch, columns, may_fetch=may_fetch), obstacles)
    if rewards is not None and problems is not None:
        obstacles += try_rewards(rewards, problems, intent)
        _attempt(lambda: require_columns(intent.config, problems.train), obstacles)
        _attempt(lambda: require_enough(problems, num_prompts=intent.config.train.num_prompts), obstacles)
    warnings = condition_warnings(intent.config)
    if problems is not None and not obstacles and not intent.is_training:
        warnings += _model_in_detail(intent, problems, obstacles)
    ready = None if obstacles or rewards is None or problems is None else Ready(rewards, problems, warnings)
    return Findings(obstacles, to_fetch, ready, warnings)


def _model_in_detail(intent: Intent, problems: ProblemSet, obstacles: list[LeanRLError]) -> list[str]:
    """Return what a plan or a dry run warns of in a model that lies here; a run looks when it loads the model."""
    located = locate_unfetched(intent.config.model)
    if located is None:
        return []
    found = examine_model(intent.config, located, problems.train[0].prompt)
    obstacles += found.obstacles
    return found.warnings


def require_ready(intent: Intent) -> Ready:
    """Return what a run starts with.

    Raises:
        LeanRLError: naming everything that stands in its way; its exit code is that of the first.
    """
    found = examine(intent)
    if found.obstacles:
        raise all_at_once(found.obstacles, f"{intent.config.name} cannot run here:")
    assert found.ready is not None
    return found.ready


def _attempt(check: Callable[[], Value], obstacles: list[LeanRLError]) -> Value | None:
    try:
        return check()
    except LeanRLError as error:
        obstacles.append(error)
        return None


def _run_folder(intent: Intent) -> Iterator[str]:
    """The folder that takes config, metrics, log and checkpoints; an existing run is never written over.

    The first rank makes it, and the others may come when it is there.
    """
    if intent.new_run is not None and is_first_rank():
        require_new(intent.new_run)
        hint = "name a folder of yours with `--run-dir DIR`"
        require_writable(intent.new_run, what=f"the run folder is {intent.new_run}", hint=hint)
    if intent.run is not None:
        hint = "make room there, or copy the run to a folder of yours and resume it there"
        require_writable(intent.run, what=f"the run folder is {intent.run}", hint=hint)
    yield from ()


def _cards(intent: Intent) -> Iterator[str]:
    """GPUs, before a package is asked for that only they need; torch has the last word (trainer/ranks/device.py)."""
    hardware, found = intent.config.hardware, num_cards_here()
    if hardware.is_cpu or found is None:
        return
    if found == 0 and hardware.device == "auto":
        if intent.config.optimizer.name == "adamw_8bit_paged":
            raise MissingError(f"optimizer.name: {PAGING_NEEDS_A_GPU}.", hint="-s optimizer.name=adamw_8bit")
        return
    if found == 0:
        raise MissingError("hardware.device is cuda, and this machine shows no GPU.", hint=_ON_CPU)
    needed = num_cards_in_sight(intent.config)
    if found < needed:
        raise MissingError(
            f"hardware.num_gpus is {hardware.num_gpus}: GPU {needed - 1} is used, and there are 0 to {found - 1}.",
            hint=f"{setting('hardware.num_gpus', found)}, or more of them in CUDA_VISIBLE_DEVICES",
        )
    yield from ()


def _extras(intent: Intent) -> Iterator[str]:
    """Packages, files and logins that the configuration names."""
    require(intent.config)
    yield from ()


def _ranks(intent: Intent) -> Iterator[str]:
    """Processes that cannot be started from here; a plan or a dry run starts none."""
    if intent.is_training:
        is_from_python = intent.rows is not None or bool(intent.rewards)
        require_ranks(intent.config, this_rank(), is_from_python=is_from_python)
    yield from ()


def _address(intent: Intent) -> Iterator[str]:
    """A rollout server's address, before ranks are started; those that torchrun starts leave it to the first."""
    rank = this_rank()
    is_first = rank is None or (rank.number == 0 and not rank.is_launched)
    rollout = intent.config.rollout
    is_named = rollout.engine == "vllm-server" and (rollout.server_url, rollout.server_port) != (None, None)
    if is_first and is_named and (intent.new_run is not None or intent.run is not None):
        from leanrl.rollout.server.address import require_address  # its protocol imports torch

        require_address(intent.config)
    yield from ()


def _model(intent: Intent) -> Iterator[str]:
    """A model's folder, a wheel that brings it, or the Hub's cache; else it is fetched when all else is right."""
    if not require_model_here(intent.config.model):
        yield f"model.id: {intent.config.model.id} is not on this machine; training fetches it from the Hub first"


def _plugins(intent: Intent) -> Iterator[str]:
    """Rewards and plug-ins of a step: the user's own, those of installed packages, and what the config names."""
    load_plugins(intent.plugins)
    problems = choice_problems(intent.config)
    if problems:
        raise ConfigError("The plug-ins of the algorithm cannot be used:", problems=problems)
    yield from ()


def _rewards(intent: Intent) -> list[Reward]:
    """Names, weights and options of the rewards."""
    config = intent.config
    return resolve_rewards(config.rewards, config.reward_options, extra=intent.rewards)


def _require_grades(intent: Intent, rewards: list[Reward]) -> None:
    """Plug-ins of a step that look at grades, where no reward asks for them."""
    if any(reward.grade_mode is not None for reward in rewards):
        return
    problems = ungraded_problems(intent.config)
    if problems:
        raise ConfigError("The plug-ins of the algorithm cannot be used:", problems=problems)


def _problems(
    intent: Intent, to_fetch: list[str], columns: frozenset[str] | None, *, may_fetch: bool
) -> ProblemSet | None:
    """The source, its columns and every row; a dataset of the Hub is fetched when all else is right."""
    config, hub_id = intent.config, intent.config.data.hub_id
    if intent.rows is None and hub_id is not None and not may_fetch and not Path(hub_id).is_dir():
        if not is_dataset_here(hub_id):
            to_fetch.append(f"data.hub_id: {hub_id} is not on this machine; training fetches it first")
        return None
    return load_problems(config.data, seed=config.train.seed, rows=intent.rows, kept_columns=columns)
