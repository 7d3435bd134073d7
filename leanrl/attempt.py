"""Attempt: what one process does with the folder of a run before it trains: make or open it, lock it, hand it on.

All that differs between a run that begins and one that goes on, and between the first rank and the others, is here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol, Self

from leanrl.config.load import load_run_config
from leanrl.config.schema import RunConfig
from leanrl.errors import ConfigError, DoesNotFitError
from leanrl.hints import command
from leanrl.launch.run import starts_ranks
from leanrl.launch.this_rank import is_first_rank, this_rank
from leanrl.launch.unsloth import import_unsloth
from leanrl.machine.environment import describe_machine
from leanrl.machine.typed_command import typed_command
from leanrl.planner.plan import Plan
from leanrl.preflight.identity import identify
from leanrl.preflight.intent import Ready
from leanrl.report.run_log import RunLog
from leanrl.storage.checkpoint_files import said_of_strangers
from leanrl.storage.evaluations import rewind_evaluations
from leanrl.storage.fingerprints import changes, facts_of_folder, keep_config, note
from leanrl.storage.home import expanded
from leanrl.storage.output_folder import require_no_links
from leanrl.storage.rollbacks import finish_rollback
from leanrl.storage.run_folder import (
    RunFolder,
    create_run_folder,
    open_run_folder,
    read_json_if_whole,
    step_of,
    write_json,
)
from leanrl.storage.run_lock import hold
from leanrl.storage.starts import Start, changed_circumstances, hand_over, handed_over, note_start
from leanrl.types import Listener


def _write_nothing(_: RunConfig) -> None:
    pass


@dataclass(frozen=True)
class Claim:
    """What a process holds of a run: the checkpoint to go on from, None at the start.

    `begin` takes the configuration as it is run, and writes into the folder that the run goes on: what came after the
    checkpoint is dropped, and what the run is made of now is noted. Until then the run stays as it was.
    """

    checkpoint: Path | None = None
    begin: Callable[[RunConfig], None] = _write_nothing


class Attempt(Protocol):
    """One process's attempt on a run, in the order of its methods."""

    def claimed(self, ready: Ready, listener: RunLog) -> AbstractContextManager[Claim]:
        """Hold what exists of the run before it is planned."""
        ...

    def folder_for_ranks(self, config: RunConfig, ready: Ready, predicted: Plan | None, listener: RunLog) -> RunFolder:
        """Return the folder that ranks are started on, without its lock: the first of them takes it."""
        ...

    def entered(
        self, config: RunConfig, ready: Ready, predicted: Plan | None, listener: RunLog
    ) -> AbstractContextManager[RunFolder]:
        """Meet the other ranks, and give the locked folder that this process trains in."""
        ...


@dataclass(frozen=True)
class NewAttempt:
    """A run that begins. Its folder is made last: what fails before leaves nothing behind."""

    path: Path
    plugins: Sequence[Path]

    @contextmanager
    def claimed(self, ready: Ready, listener: RunLog) -> Iterator[Claim]:
        yield Claim()

    def folder_for_ranks(self, config: RunConfig, ready: Ready, predicted: Plan | None, listener: RunLog) -> RunFolder:
        _require_device(config)
        run = self._made(config, ready, predicted)
        listener.open(run.log)
        return run

    @contextmanager
    def entered(self, config: RunConfig, ready: Ready, predicted: Plan | None, listener: RunLog) -> Iterator[RunFolder]:
        """The first rank makes the folder, and removes it where it stays unused."""
        from leanrl.trainer.ranks.meeting import first_rank_makes, join_ranks

        join_ranks(config)
        run = RunFolder(first_rank_makes(lambda: self._made(config, ready, predicted).path))
        if is_first_rank():
            listener.open(run.log)
        listener.say(f"run folder: {run.path}")
        try:
            with _held_by_first_rank(run):
                yield run
        except (ConfigError, DoesNotFitError):
            if is_first_rank():
                run.discard_unused()
            raise

    def _made(self, config: RunConfig, ready: Ready, predicted: Plan | None) -> RunFolder:
        identity = identify(config, ready)
        run = create_run_folder(self.path)
        write_json(run.config, config.model_dump(mode="json"))
        note_start(run, _machine(), at=_now(), after_step=0)
        run.keep_plugins(self.plugins)
        if config.model.chat_template is not None:
            from leanrl.models.chat_template import read_template

            run.keep_template(read_template(expanded(config.model.chat_template)))
        note(run, identity | facts_of_folder(run))
        if predicted is not None:
            write_json(run.plan, predicted.to_json())
        return run


@dataclass(frozen=True)
class LaterAttempt:
    """A run whose folder exists: one that goes on, or one that begins in ranks which leanrl has started on it.

    With `force` it goes on with whatever is there now in place of what it was started with.
    """

    run: RunFolder
    config: RunConfig
    force: bool = False

    @classmethod
    def on(cls, path: Path, listener: Listener, *, force: bool = False) -> Self:
        """Open the run at `path`, with the configuration and the chat template that it keeps.

        Raises:
            ConfigError: if there is no run, its configuration is broken, or it would write through a link.
        """
        run = open_run_folder(path)
        require_no_links(run.written_files())
        config = _with_kept_template(load_run_config(run.config), run)
        if config.backend == "unsloth" and this_rank() is not None:
            # before a plug-in imports what it patches
            import_unsloth(run.unsloth_cache, listener, engine=config.rollout.engine)
            from leanrl.trainer.unsloth.patch import require_patched_trl

            require_patched_trl()
        return cls(run, config, force)

    @contextmanager
    def claimed(self, ready: Ready, listener: RunLog) -> Iterator[Claim]:
        """The lock is held to the end, but by a process that starts ranks: it lets the first of them write."""
        if is_first_rank():
            listener.open(self.run.log)
        if starts_ranks(self.config):
            _require_device(self.config)
            with hold(self.run.path):
                hand_over(self.run, self._checked(ready, listener)[1])
            yield Claim()
            return
        with _held_by_first_rank(self.run):
            yield self._claim(ready, listener)

    def folder_for_ranks(self, config: RunConfig, ready: Ready, predicted: Plan | None, listener: RunLog) -> RunFolder:
        return self.run

    @contextmanager
    def entered(self, config: RunConfig, ready: Ready, predicted: Plan | None, listener: RunLog) -> Iterator[RunFolder]:
        from leanrl.trainer.ranks.meeting import join_ranks

        join_ranks(config)
        yield self.run

    def _claim(self, ready: Ready, listener: Listener) -> Claim:
        from leanrl.trainer.checkpoints.upkeep import resumable_checkpoint

        rank = this_rank()
        if rank is None or (rank.number == 0 and not rank.is_launched):
            checkpoint, start = self._checked(ready, listener)
            return Claim(checkpoint, partial(self._begin, checkpoint, start))
        writes = self._keep_counted if rank.number == 0 else _write_nothing
        if rank.is_launched and not self.run.complete_checkpoints():
            return Claim(None, writes)
        checkpoint = resumable_checkpoint(self.run, self.config)[0]  # why this one, the launcher or first rank says
        if rank.number == 0:
            writes = partial(self._begin, checkpoint, handed_over(self.run))
        return Claim(checkpoint, writes)

    def _checked(self, ready: Ready, listener: Listener) -> tuple[Path, Start]:
        """Return the checkpoint to go on from, and what is noted of this start when the run goes on."""
        from leanrl.trainer.checkpoints.lost_disk import stopping_at_a_lost_disk
        from leanrl.trainer.checkpoints.upkeep import resumable_checkpoint

        machine, now = _machine(), identify(self.config, ready) | facts_of_folder(self.run)
        found = self._accepted(now, machine, listener)
        with stopping_at_a_lost_disk(self.run):
            finish_rollback(self.run)
        checkpoint, passed_over = resumable_checkpoint(self.run, self.config)
        for line in [*passed_over, *said_of_strangers(self.run.checkpoints, step=step_of(checkpoint))]:
            listener.warn(line)
        return checkpoint, Start(machine, _now(), step_of(checkpoint), found, now)

    def _begin(self, checkpoint: Path, start: Start | None, config: RunConfig) -> None:
        from leanrl.trainer.checkpoints.upkeep import rewind

        rewind(self.run, step=step_of(checkpoint))
        rewind_evaluations(self.run, step=step_of(checkpoint))
        if start is not None:
            note_start(self.run, start.machine, at=start.at, after_step=start.after_step, changes=start.changes)
            note(self.run, start.facts)
        self._keep_counted(config)

    def _keep_counted(self, config: RunConfig) -> None:
        """Keep the configuration with what was still open in it: whoever starts ranks counts no problems."""
        if config != self.config:
            keep_config(self.run, config.model_dump(mode="json"))

    def _accepted(self, now: Mapping[str, Any], machine: Mapping[str, Any], listener: Listener) -> list[str]:
        """Return all that is other than at the last start, and say it.

        Raises:
            ConfigError: naming what makes another run of it, unless it is forced.
        """
        kept = read_json_if_whole(self.run.fingerprints)
        if not kept:
            what = f"{self.run.fingerprints} is {'damaged' if self.run.fingerprints.exists() else 'not there'}"
            listener.warn(f"{what}: what the run was started with is not compared")
        found = changes(kept, now)
        if found.dangerous and not self.force:
            raise ConfigError(
                f"{self.run.path} is not what it was when it was last started, and would go on as another run:",
                problems=found.dangerous,
                hint="put back what it had; or go on with what is there now: "
                f"`{command('train', '--resume', self.run.path, '--force')}`",
            )
        said = [*map(str, found.dangerous), *found.harmless, *changed_circumstances(self.run, machine)]
        if said:
            listener.warn(f"since the last start of this run has changed: {'; '.join(said)}")
        return said


def _machine() -> dict[str, Any]:
    from leanrl.trainer.ranks.device import gpu_names

    return describe_machine() | {"gpus": gpu_names(), "command": typed_command()}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _held_by_first_rank(run: RunFolder) -> AbstractContextManager[None]:
    return hold(run.path) if is_first_rank() else nullcontext()


def _with_kept_template(config: RunConfig, run: RunFolder) -> RunConfig:
    """Return the configuration with the template that the run keeps: the file it was started with may have changed."""
    kept = run.kept_template()
    if kept is None:
        return config
    return config.model_copy(update={"model": config.model.model_copy(update={"chat_template": str(kept)})})


def _require_device(config: RunConfig) -> None:
    """Refuse here what each of the ranks would refuse: nobody reads as many tracebacks."""
    from leanrl.trainer.ranks.device import require_device

    require_device(config)
