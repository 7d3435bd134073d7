"""Files of a checkpoint: COMPLETE, which holds the size and SHA-256 of each, and what is missing or damaged."""

import hashlib
import itertools
import json
import os
import re
import shutil
import zipfile
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import Any

from leanrl.errors import ConfigError, Problem
from leanrl.hints import command

COMPLETE = "COMPLETE"
LEDGER = "ledger.dat"
REFERENCE = "reference.dat"  # the reference policy of all weights, as safetensors; by no name that is taken for a model
ALGORITHM_STATE = "algorithm.state"  # no *.json: what only resuming needs does not go to the Hub
Need = Callable[[str], bool]

# What only a resumed run reads, and what it does not read: it takes the tokenizer from the base model, and the shape
# of its adapter from the run's config.
_RESUME_ONLY = (
    *("optimizer*", "scheduler.pt", "scaler.pt", "rng_state*.pth", "trainer_state.json", "training_args.bin"),
    *("token_budget.json", "pytorch_model_fsdp.bin", LEDGER, ALGORITHM_STATE, REFERENCE, "rollout-rank-*.pt"),
)
_NEVER_RESUMED = (
    *("tokenizer*", "chat_template*", "special_tokens_map.json", "added_tokens.json", "vocab*"),
    *("merges.txt", "*.model", "training_args.bin", "README.md", "generation_config.json"),
)
_ADAPTER_CONFIGS = ("adapter_config.json", "*/adapter_config.json")
_NAMED_AFTER_STEP = re.compile(r"step-(\d+)")
# What a file raises that is cut, or was never of ours.
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)
_PICKLED = (".pt", ".pth", ".bin")
_NUM_READERS = 4  # hashlib lets go of the interpreter: weights and optimizer state are read at the same time


def seal(folder: Path, *, step: int) -> None:
    """Flush every file of a checkpoint to disk, hash it, and write COMPLETE as the last of them.

    Each file is read once, from the memory that it was just written to.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != COMPLETE)
    with ThreadPoolExecutor(_NUM_READERS) as readers:
        facts = list(readers.map(_flushed_facts, files))
    listed = {path.relative_to(folder).as_posix(): fact for path, fact in zip(files, facts, strict=True)}
    mark = folder / COMPLETE
    mark.write_text(json.dumps({"step": step, "files": listed}, indent=1) + "\n", encoding="utf-8")
    flush(mark)
    for inner in (path for path in folder.rglob("*") if path.is_dir()):
        flush(inner)
    flush(folder)


def flush(path: Path) -> None:
    """Return when a file's bytes, or a folder's names, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def is_own(path: Path) -> bool:
    """Return whether leanrl has sealed a folder as the checkpoint of the step in its name, damaged or not."""
    if not (path / COMPLETE).is_file():
        return False
    try:
        return _renamed(path) is None
    except _UNREADABLE:
        return True


def aside(path: Path) -> Path:
    """Return a free name beside a path, for what a user has put in the place of a checkpoint."""
    names = itertools.chain([f"{path.name}.aside"], (f"{path.name}.aside-{number}" for number in itertools.count(2)))
    return next(path.with_name(name) for name in names if not os.path.lexists(path.with_name(name)))


def make_room(path: Path, *, trash: Path) -> None:
    """Free the name of a checkpoint: one of leanrl's own is deleted, and anything else is moved aside."""
    if is_own(path):
        delete(path, trash=trash)
    elif os.path.lexists(path):
        os.replace(path, aside(path))


def said_of_strangers(checkpoints: Path, *, step: int) -> list[str]:
    """Return a line on each thing that lies in the place of a checkpoint after `step`, and is none of leanrl's."""
    named = [(path, match) for path in checkpoints.glob("step-*") if (match := _NAMED_AFTER_STEP.fullmatch(path.name))]
    return [
        f"{path} is no checkpoint of that step which leanrl has saved: when step {int(match[1])} is saved, it is moved "
        f"to {aside(path).name}"
        for path, match in sorted(named)
        if int(match[1]) > step and path.name == f"step-{int(match[1]):06d}" and not is_own(path)
    ]


def delete(checkpoint: Path, *, trash: Path) -> None:
    """Delete a checkpoint by way of a folder for what is unfinished: a kill leaves nothing under its name.

    What a link leads to stays.
    """
    if checkpoint.is_symlink():
        checkpoint.unlink()
        return
    trash.mkdir(exist_ok=True)
    dropped = trash / f"dropped-{checkpoint.name}"
    shutil.rmtree(dropped, ignore_errors=True)
    os.replace(checkpoint, dropped)
    flush(checkpoint.parent)
    shutil.rmtree(dropped)


def to_read(name: str, *, adapter: str | None = None) -> bool:
    """Return whether merge and sample read a file of a checkpoint; `adapter` is one of several that is asked for."""
    inner, _, file = name.rpartition("/")
    if file in ("adapter_config.json", "adapter_model.safetensors"):
        return inner == ("" if adapter in (None, "default") else adapter)
    return not _is_one_of(name, _RESUME_ONLY)


def to_resume(name: str, *, from_adapter: bool) -> bool:
    """Return whether a resumed run reads a file of a checkpoint; `from_adapter` where it started from an adapter."""
    if _is_one_of(name, _ADAPTER_CONFIGS):
        return from_adapter
    return not _is_one_of(name, _NEVER_RESUMED)


def random_states(num_ranks: int) -> tuple[str, ...]:
    """Return the names of the files in which transformers keeps the random states of so many ranks."""
    return ("rng_state.pth",) if num_ranks == 1 else tuple(f"rng_state_{rank}.pth" for rank in range(num_ranks))


def ranks_that_saved(names: Collection[str]) -> int:
    """Return how many ranks wrote the random states among the files of a checkpoint; 0 if some of them are lost."""
    found = {name for name in names if fnmatch(name, "rng_state*.pth")}
    return len(found) if found and found == set(random_states(len(found))) else 0


def missing_to_resume(folder: Path, *, num_ranks: int, shares_weights: bool = False) -> list[str]:
    """Return the files without which a run would go on from something else than it had, by name.

    Another number of ranks has no use for the random states of those that saved. Ranks that share weights (FSDP2) keep
    the optimizer's state in files that others do not read.
    """
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*")}
    ranks = () if ranks_that_saved(names) not in (0, num_ranks) else random_states(num_ranks)
    has_weights = any(name.endswith(".safetensors") and "/" not in name for name in names)
    optimizers = ("optimizer.bin", "optimizer_parts") if shares_weights else ("optimizer.pt",)
    has_optimizer = any(name in names for name in optimizers)
    lacking = [name for name in (*ranks, "scheduler.pt", "trainer_state.json") if name not in names]
    return ([] if has_weights else ["*.safetensors"]) + ([] if has_optimizer else [optimizers[0]]) + lacking


def find_damage(folder: Path, need: Need) -> list[str]:
    """Return what is wrong with the needed files of a checkpoint, one line each; nothing where all is whole.

    Files are compared with what COMPLETE says of them. One without hashes (of leanrl 0.1.0), or none at all, leaves
    the form: weights as long as their header says, archives with right checksums, JSON that can be read.
    """
    try:
        listed = _listed(folder)
        renamed = _renamed(folder)
    except _UNREADABLE as error:
        return [f"{COMPLETE} cannot be read: {error}"]
    if renamed is not None:
        return [renamed]
    if listed is None:
        names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        found = [_broken_form(folder / name, name) for name in names if name != COMPLETE and need(name)]
    else:
        with ThreadPoolExecutor(_NUM_READERS) as readers:
            wanted = [name for name in listed if need(name)]
            found = list(readers.map(partial(_other_than_listed, folder, listed), wanted))
    return [line for line in found if line is not None]


def newest_whole(
    checkpoints: Sequence[Path], damage_of: Callable[[Path], list[str]], *, where: Path, hint: str
) -> tuple[Path, list[str]]:
    """Return the newest checkpoint without damage, and one line on each newer one that is passed over.

    Args:
        checkpoints: complete ones, oldest first.
        damage_of: returns what is wrong with one.
        where: the run, for the error.
        hint: what to do where none is whole.

    Raises:
        ConfigError: naming the damage of each, if none is whole.
    """
    passed_over: list[Problem] = []
    for checkpoint in reversed(checkpoints):
        damage = damage_of(checkpoint)
        if not damage:
            return checkpoint, [f"{found}; {checkpoint.name} is taken" for found in passed_over]
        passed_over.append(Problem(str(checkpoint), f"damaged: {'; '.join(damage)}"))
    raise ConfigError(f"{where} has no checkpoint that is whole.", hint=hint, problems=passed_over)


def _listed(folder: Path) -> dict[str, dict[str, Any]] | None:
    """Return size and hash of each file by its name; None where COMPLETE is not there or holds no more than a step."""
    mark = folder / COMPLETE
    if not mark.is_file():
        return None
    text = mark.read_text(encoding="utf-8").strip()
    if not text or text.isdigit():
        return None
    return {str(name): {"bytes": fact["bytes"], "sha256": fact["sha256"]} for name, fact in _files(text).items()}


def _renamed(folder: Path) -> str | None:
    """Return a line where a folder that is named after a step holds the checkpoint of another one."""
    named, mark = _NAMED_AFTER_STEP.fullmatch(folder.name), folder / COMPLETE
    text = mark.read_text(encoding="utf-8").strip() if named is not None and mark.is_file() else ""
    if named is None or not text:
        return None
    step = int(text) if text.isdigit() else int(json.loads(text).get("step", named[1]))
    return None if step == int(named[1]) else f"it was renamed: {COMPLETE} says that it holds step {step}"


def _files(text: str) -> dict[str, Any]:
    return dict(json.loads(text)["files"])


def _flushed_facts(file: Path) -> dict[str, Any]:
    flush(file)
    return {"bytes": file.stat().st_size, "sha256": _sha256(file)}


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _other_than_listed(folder: Path, listed: dict[str, dict[str, Any]], name: str) -> str | None:
    file, fact = folder / name, listed[name]
    try:
        num_bytes = file.stat().st_size
        if num_bytes != fact["bytes"]:
            return f"{name} has {num_bytes} bytes, and had {fact['bytes']} when it was saved"
        return None if _sha256(file) == fact["sha256"] else f"{name} holds other bytes than were saved"
    except FileNotFoundError:
        return f"{name} is not there"
    except OSError as error:
        return f"{name} cannot be read: {error}"


def _broken_form(file: Path, name: str) -> str | None:
    try:
        if file.stat().st_size == 0:
            return f"{name} is empty"
        if file.suffix == ".safetensors":
            return _broken_safetensors(file, name)
        if file.suffix == ".json":
            json.loads(file.read_text(encoding="utf-8"))
        elif file.suffix in _PICKLED:
            with zipfile.ZipFile(file) as archive:
                broken = archive.testzip()
            return None if broken is None else f"{name} holds other bytes than were saved ({broken})"
    except (*_UNREADABLE, zipfile.BadZipFile) as error:
        return f"{name} cannot be read: {error}"
    return None


def _broken_safetensors(file: Path, name: str) -> str | None:
    """Compare the length of a file with its header: 8 bytes for the header's length, the header, the tensors."""
    size = file.stat().st_size
    with file.open("rb") as opened:
        header_bytes = int.from_bytes(opened.read(8), "little")
        if header_bytes > size:
            return f"{name} cannot be read: it is shorter than its header"
        header = json.loads(opened.read(header_bytes))
    ends = [tensor["data_offsets"][1] for key, tensor in header.items() if key != "__metadata__"]
    needed = 8 + header_bytes + max(ends, default=0)
    return None if size == needed else f"{name} cannot be read: it has {size} bytes, and its header says {needed}"


def _is_one_of(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)


def no_run_but_a_checkpoint(path: Path) -> ConfigError:
    """Return the error of a checkpoint in a run's place: copied, or fetched from the Hub, without optimizer state."""
    lacking = missing_to_resume(path, num_ranks=1)
    without = f", without {', '.join(lacking)}" if lacking else ""
    run = path.resolve().parent.parent
    is_inside = (run / "config.json").is_file() and path.resolve().parent.name == "checkpoints"
    merge = f"`{command('merge', path, '--out', 'DIR')}` takes the model out"
    return ConfigError(
        f"{path} is not a run folder but a checkpoint{without}: training goes on from a run.",
        hint=f"`{command('train', '--resume', run)}`" if is_inside else merge,
    )
