"""Names and files of a run folder; the only place that knows where a run keeps what."""

import itertools
import json
import os
import re
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from leanrl.errors import ConfigError, LeanRLError
from leanrl.hints import command
from leanrl.storage.adapter_link import link_newest_adapter
from leanrl.storage.checkpoint_files import (
    COMPLETE,
    LEDGER,
    delete,
    flush,
    is_own,
    make_room,
    no_run_but_a_checkpoint,
    seal,
)
from leanrl.storage.run_format import FORMAT_FILE, format_of, this_format

_PARTIAL = ".partial"
_TEMPLATE = "chat_template.jinja"
_NAME = re.compile(r"step-(\d+)")  # and no more: a copy made by hand (step-000050.bak) is none of ours


@dataclass(frozen=True)
class RunFolder:
    """The files of one run, by name."""

    path: Path

    @property
    def config(self) -> Path:
        return self.path / "config.json"

    @property
    def format(self) -> Path:
        """The format of this folder, which decides how its files are read."""
        return self.path / FORMAT_FILE

    @property
    def is_begun(self) -> bool:
        """Whether a run lies here, which a model's folder is not; its checkpoints may have been taken away."""
        return self.config.is_file() and (self.checkpoints.is_dir() or self.format.is_file())

    @property
    def plan(self) -> Path:
        return self.path / "plan.json"

    @property
    def env(self) -> Path:
        return self.path / "env.json"

    @property
    def fingerprints(self) -> Path:
        """Hashes of what the run was started with, compared when it goes on."""
        return self.path / "fingerprints.json"

    @property
    def metrics(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def evaluations(self) -> Path:
        """Evaluations of held-out problems during training, with the counts of each problem."""
        return self.path / "evaluations.jsonl"

    @property
    def saves(self) -> Path:
        """Seconds of every checkpoint that was saved; a step that was done twice stands there twice."""
        return self.path / "saves.jsonl"

    @property
    def completions(self) -> Path:
        return self.path / "completions"

    @property
    def nonfinite(self) -> Path:
        """Batches of steps that were skipped because their loss or gradient was not finite."""
        return self.path / "nonfinite"

    @property
    def ledger(self) -> Path:
        """Every finished group of the run so far; each checkpoint has the part that it has finished."""
        return self.path / LEDGER

    @property
    def prompts(self) -> Path:
        """The beginning of each problem in the ledger, by its id."""
        return self.path / "prompts.jsonl"

    @property
    def dataset_manifest(self) -> Path:
        """A copy of the manifest of the dataset, where `leanrl data build` has made it."""
        return self.path / "dataset_manifest.json"

    @property
    def dropped_rows(self) -> Path:
        return self.path / "dropped_rows.jsonl"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def adapter(self) -> Path:
        """A link to the newest complete checkpoint, where an adapter is trained."""
        return self.path / "adapter"

    @property
    def partial_checkpoints(self) -> Path:
        """Where a checkpoint is written before it is renamed to its final name."""
        return self.checkpoints / _PARTIAL

    @property
    def summary(self) -> Path:
        return self.path / "summary.json"

    @property
    def rollbacks(self) -> Path:
        """The times that the run went back to an earlier checkpoint."""
        return self.path / "rollbacks.json"

    @property
    def abandoned(self) -> Path:
        """What lay behind the checkpoints that the run went back to, a folder for each time."""
        return self.path / "abandoned"

    @property
    def report(self) -> Path:
        return self.path / "report"

    @property
    def log(self) -> Path:
        """What the run has said, each line with its time."""
        return self.path / "log.txt"

    @property
    def server_log(self) -> Path:
        """What a rollout server of the run's own prints."""
        return self.path / "rollout_server.log"

    @property
    def rank_logs(self) -> Path:
        """What training ranks but the first one print, and what each leaves when memory ends it."""
        return self.path / "ranks"

    def token_budgets(self) -> list[Path]:
        """Folders of the token budgets that training ranks left when memory ended them."""
        return sorted(self.rank_logs.glob("budget-*"))

    def new_token_budget(self, rank: int) -> Path:
        """Return the folder that takes the token budget of a rank: one for each, as several may end at once."""
        folder = self.rank_logs / f"budget-{rank}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @property
    def unsloth_cache(self) -> Path:
        """Code that unsloth writes for the versions it meets, where `backend` is unsloth."""
        return self.path / "unsloth_cache"

    @property
    def tensorboard(self) -> Path:
        """Event files, where `tracking` is tensorboard."""
        return self.path / "tensorboard"

    def written_files(self) -> list[Path]:
        """Return the files that a run which goes on appends to or replaces."""
        grows = [self.metrics, self.evaluations, self.saves, self.ledger, self.prompts, self.log, self.server_log]
        facts = [self.config, self.plan, self.env, self.fingerprints, self.summary, self.rollbacks]
        return [*grows, *facts, self.dropped_rows, self.dataset_manifest, self.path / _TEMPLATE]

    def discard_unused(self) -> None:
        """Remove a folder in which no step was recorded and nothing was measured."""
        if not (self.metrics.exists() or self.summary.exists() or self.complete_checkpoints()):
            shutil.rmtree(self.path)

    def keep_plugins(self, files: Iterable[Path]) -> None:
        """Copy plug-in files into the run, numbered in their order, so that it can be resumed without the originals."""
        for number, file in enumerate(files):
            self.path.joinpath("plugins").mkdir(exist_ok=True)
            shutil.copy(file, self.path / "plugins" / f"{number:02d}-{file.name}")

    def kept_plugins(self) -> list[Path]:
        return sorted((self.path / "plugins").glob("*.py"))

    def start_anew(self) -> str:
        """Return the command that does the same run again from its first step, its plug-ins included."""
        plugins = [part for file in self.kept_plugins() for part in ("--plugin", str(file))]
        return command("train", "-p", self.config, *plugins)

    def keep_template(self, text: str) -> None:
        """Keep the chat template that the run was started with; a resumed run takes no other."""
        if self.kept_template() is None:
            (self.path / _TEMPLATE).write_text(text, encoding="utf-8")

    def kept_template(self) -> Path | None:
        """Return the file of the run's chat template; None where its prompts need none."""
        file = self.path / _TEMPLATE
        return file if file.is_file() else None

    def checkpoint(self, step: int) -> Path:
        return self.checkpoints / f"step-{step:06d}"

    def complete_checkpoints(self) -> list[Path]:
        """Return the checkpoints that were written to their end, oldest first."""
        named = [path for path in self.checkpoints.glob("step-*") if _NAME.fullmatch(path.name)]
        ours = [path for path in named if path == self.checkpoint(step_of(path))]  # step-50 is a copy made by hand too
        return [path for path in sorted(ours, key=step_of) if (path / COMPLETE).is_file()]

    def publish_checkpoint(self, written: Path, step: int) -> Path:
        """Hash a finished checkpoint, flush it to disk, mark it complete and give it its final name."""
        seal(written, step=step)
        final = self.checkpoint(step)
        make_room(final, trash=self.partial_checkpoints)
        os.replace(written, final)
        flush(self.checkpoints)
        link_newest_adapter(self.adapter, final)
        return final

    def drop_old_checkpoints(self, keep_last: int, *, step: int, kept: Collection[Path] = ()) -> None:
        """Delete complete checkpoints up to `step` but the newest `keep_last` and `kept`, and what a kill left of one.

        One beyond `step` is damaged: the run went on from before it, and will replace it.
        """
        own = [path for path in self.complete_checkpoints() if step_of(path) <= step and is_own(path)]
        for path in own[:-keep_last]:
            if path not in kept:
                delete(path, trash=self.partial_checkpoints)
        shutil.rmtree(self.partial_checkpoints, ignore_errors=True)


def step_of(checkpoint: Path) -> int:
    """Return the step that the name of a checkpoint says."""
    return int(checkpoint.name.removeprefix("step-"))


def create_run_folder(path: Path) -> RunFolder:
    """Make a new run folder.

    Raises:
        ConfigError: if anything is there already (a run is never overwritten), or it cannot be made.
    """
    require_new(path)
    try:
        path.mkdir(parents=True)
    except OSError as error:
        what = f"the run folder {path} cannot be made: {error.strerror}."
        raise ConfigError(what, hint="name a folder of yours with `--run-dir DIR`") from error
    run = RunFolder(path)
    write_json(run.format, this_format())
    return run


def require_new(path: Path) -> None:
    """Check that nothing is at `path` yet.

    Raises:
        ConfigError: if anything is.
    """
    if os.path.lexists(path):
        raise ConfigError(
            f"{path} exists already, and leanrl never writes over a run.",
            hint=f"continue it with `{command('train', '--resume', path)}`, or name another with `--run-dir`",
        )


def new_run_path(root: Path, name: str, now: datetime) -> Path:
    """Return a folder under `root` that does not exist, named after the preset and the time."""
    stem = f"{name}-{now:%Y%m%d-%H%M%S}"
    candidates = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
    return next(root / candidate for candidate in candidates if not (root / candidate).exists())


def open_run_folder(path: Path) -> RunFolder:
    """Return the run folder at `path`.

    Raises:
        ConfigError: if there is no run, or its format is newer than what this version reads.
    """
    run = RunFolder(path)
    if (path / "trainer_state.json").is_file() or (path / "adapter_config.json").is_file():
        raise no_run_but_a_checkpoint(path)
    if not run.config.is_file():
        raise _no_run(path)
    format_of(path)
    return run


def _no_run(path: Path) -> ConfigError:
    """Return the error of what holds no run, with the command for what it is instead."""
    if (path / "evaluation.json").is_file():
        shown = command("compare", "BASE", path)
        return ConfigError(f"{path} is not a run folder but an evaluation.", hint=f"`{shown}` compares it")
    if (path / "manifest.json").is_file() and (path / "_curation").is_dir():
        shown = command("data", "show", path)
        return ConfigError(f"{path} is not a run folder but a built dataset.", hint=f"`{shown}` shows it")
    why = "it has no config.json" if path.is_dir() else "it is a file" if path.exists() else "there is no such folder"
    return ConfigError(f"{path} is not a run folder: {why}.", hint="`ls runs/` shows the runs here")


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write JSON beside `path`, flush it and rename it there: neither a reader nor a power cut meets half a file."""
    write_bytes(path, _encoded(json.dumps(value, indent=2, ensure_ascii=False) + "\n"))


def read_json(path: Path) -> dict[str, Any]:
    """Return the JSON object in `path`.

    Raises:
        LeanRLError: if the file is missing or holds no JSON object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise ConfigError(f"{path} holds a {type(value).__name__}, not a JSON object.")
    return value


def read_json_if_whole(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file that a command can do without; nothing where it is missing or broken."""
    try:
        return read_json(path)
    except ConfigError:
        return {}


def append_jsonl(path: Path, value: Mapping[str, Any]) -> None:
    """Append one object as a line; one write call, so that a kill cannot interleave lines."""
    append_bytes(path, _encoded(json.dumps(value, ensure_ascii=False) + "\n"))


def write_jsonl(path: Path, values: Iterable[Mapping[str, Any]]) -> None:
    """Write one object a line beside `path` and rename it there."""
    write_bytes(path, _encoded("".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values)))


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the objects of a line file; a last line that a kill cut short is passed over.

    Raises:
        LeanRLError: if a line that is not the last is broken.
    """
    # In bytes: text.splitlines() would also split at U+2028 and U+0085, which completions contain and JSON leaves as
    # they are, and a kill may cut a character in two.
    lines = path.read_bytes().splitlines()
    for number, line in enumerate(lines, start=1):
        try:
            value = json.loads(line)
        except ValueError as error:
            if number == len(lines):
                return
            raise LeanRLError(f"{path}, line {number}: {error}") from error
        yield value


def _encoded(text: str) -> bytes:
    """Return JSON as UTF-8; half a surrogate pair, as in a path that is no text, gets JSON's own spelling."""
    return text.encode("utf-8", errors="backslashreplace")


def append_bytes(path: Path, data: bytes, *, begin_with: bytes = b"") -> None:
    """Append to a file in one write call; a new one begins with `begin_with`."""
    with path.open("ab") as file:
        file.write(data if file.tell() else begin_with + data)


def write_bytes(path: Path, data: bytes) -> None:
    """Write bytes beside `path`, flush them and rename them there."""
    beside = path.with_name(path.name + ".tmp")
    beside.unlink(missing_ok=True)  # of a kill; "x" does not write through a link
    with beside.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
