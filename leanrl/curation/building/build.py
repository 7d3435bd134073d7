"""A dataset built by a recipe: sources read, stages run in order, parts mixed, files written."""

import errno
import hashlib
import importlib.metadata
import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leanrl.curation.building.asking import ModelAsker
from leanrl.curation.building.folder import FORMAT, DatasetFolder, read_manifest, sha256_of
from leanrl.curation.building.ledger import LedgerWriter
from leanrl.curation.building.mixing import draw_part, put_in_order
from leanrl.curation.building.output import canonical_json, dataset_card, write_rows
from leanrl.curation.building.reading import ReadSource, read_source
from leanrl.curation.recipes.checked import CheckedPart, CheckedRecipe, CheckedStage
from leanrl.curation.recipes.kinds import KINDS
from leanrl.curation.stages.stage import Answered, Asks, CuratedRow, Finding, Judged, dropped
from leanrl.errors import ConfigError, DataError, DoesNotFitError
from leanrl.evaluation.drawing import Listener
from leanrl.grading.pool import GraderPool
from leanrl.machine.version import __version__
from leanrl.storage.output_folder import require_writable
from leanrl.storage.run_folder import write_bytes, write_json
from leanrl.storage.run_lock import hold
from leanrl.types import GoldList

READ, MIX = "read", "mix"
_DISK_FAULTS = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
_LIBRARIES = ("datasets", "pyarrow", "rensa", "py3langid", "transformers", "vllm")
_REASONS_SHOWN = 3


@dataclass(frozen=True)
class Step:
    """What one stage did to the rows of one part."""

    part: str
    stage: str
    kind: str
    num_before: int
    num_after: int
    published_rows: int | None


@dataclass(frozen=True)
class Built:
    """A built dataset; `is_new` is false where it was whole before."""

    path: Path
    manifest: Mapping[str, Any]
    is_new: bool


@dataclass
class _State:
    """What a build knows after each part."""

    ledger: LedgerWriter
    listener: Listener
    steps: list[Step] = field(default_factory=list)
    sources: list[dict[str, Any]] = field(default_factory=list)
    kept: dict[str, list[CuratedRow]] = field(default_factory=dict)
    dropped_by: dict[tuple[str, str], list[CuratedRow]] = field(default_factory=dict)

    def note(self, step: Step, rows: Sequence[CuratedRow], judged: Judged) -> list[CuratedRow]:
        """Write what a stage did into the ledger, say it, and return the rows that stay.

        Raises:
            DataError: if none stays; it names the stage, and its commonest reasons.
        """
        self.ledger.add(step.part, step.stage, rows, judged)
        self.steps.append(step)
        self.listener.say(step_line(step))
        self.dropped_by[step.part, step.stage] = [
            row for row, finding in zip(rows, judged.findings, strict=True) if finding.row is None
        ]
        kept = [finding.row for finding in judged.findings if finding.row is not None]
        if not kept:
            raise _emptied(step, judged)
        return kept


@dataclass(frozen=True)
class _StageTools:
    """`Tools` of one stage of one part."""

    recipe: CheckedRecipe
    folder: Path
    grading: GraderPool
    listener: Listener
    benchmarks: Path | None
    replies_of: Path | None = None

    @property
    def seed(self) -> int:
        return self.recipe.recipe.seed

    @property
    def grader(self) -> GraderPool:
        return self.grading

    @property
    def data_dir(self) -> Path | None:
        return self.benchmarks

    def parses(self, golds: Sequence[str | GoldList]) -> list[bool]:
        return self.grading.can_parse_gold(golds)

    def ask(self, model: str, rows: Sequence[CuratedRow], *, num_samples: int, asks: Asks) -> Answered:
        config = self.recipe.recipe.models[model]
        asker = ModelAsker(self.folder, config, grader=self.grading, listener=self.listener, replies_of=self.replies_of)
        return asker.ask(rows, num_samples=num_samples, asks=asks)

    def say(self, text: str) -> None:
        self.listener.say(text)


@dataclass(frozen=True)
class Places:
    """Folders that a build reads from: benchmarks as files, and another build whose saved replies are taken over."""

    benchmarks: Path | None = None
    replies_of: Path | None = None


def _require_folders(places: Places) -> None:
    """Refuse a folder that is not there, also where no stage of the recipe would read it.

    Raises:
        ConfigError: naming each of them.
    """
    named = {"--data-dir": places.benchmarks, "--replies-of": places.replies_of}
    missing = [f"{flag} is {folder}" for flag, folder in named.items() if folder is not None and not folder.is_dir()]
    if missing:
        raise ConfigError(
            f"{' and '.join(missing)}, and there is no such folder.", hint="leave it out, or mend the name"
        )


def build(recipe: CheckedRecipe, out: Path, *, places: Places = Places(), listener: Listener) -> Built:
    """Build a dataset, or go on with one that was begun by the same recipe; replies of models are drawn once.

    Raises:
        ConfigError: if `out` holds something else, or a place is not there.
        DataError: if a source is broken, or a stage keeps no row.
        MissingError: if a source, a model or an extra cannot be had.
        DoesNotFitError: if the disk fills; the same command goes on.
        StoppedError: if an endpoint fails for good; the same command goes on.
    """
    _require_folders(places)
    require_writable(out, what=f"--out is {out}", hint="--out DIR")
    folder = DatasetFolder(out)
    tree = recipe.recipe.model_dump()
    benchmarks = None if places.benchmarks is None else str(places.benchmarks)
    if folder.begin({"name": recipe.name, "data_dir": benchmarks, "recipe": tree}):
        return Built(out, read_manifest(out), is_new=False)
    try:
        with hold(folder.unfinished, doing="built"):
            manifest = _build(recipe, folder, tree, places, listener)
    except OSError as error:
        if error.errno not in _DISK_FAULTS:
            raise
        raise DoesNotFitError(
            f"{out}: the disk takes no more ({error.strerror}).",
            hint="free some space, and the same command goes on; replies of models that are saved are kept",
        ) from error
    return Built(out, manifest, is_new=True)


def step_line(step: Step) -> str:
    """Return what a stage did in one line, with the published count beside ours."""
    published = "" if step.published_rows is None else f" (published: {step.published_rows:,})"
    return f"{step.part}: {step.stage}: {step.num_before:,} -> {step.num_after:,}{published}"


def _build(
    recipe: CheckedRecipe, folder: DatasetFolder, tree: Mapping[str, Any], places: Places, listener: Listener
) -> dict[str, Any]:
    folder.unfinished.mkdir(parents=True, exist_ok=True)
    ledger, rows_file = folder.unfinished / folder.ledger.name, folder.unfinished / folder.rows.name
    with ExitStack() as stack:
        grader = stack.enter_context(GraderPool())
        state = _State(stack.enter_context(LedgerWriter(ledger)), listener)
        for part in recipe.parts:
            _run_part(part, recipe, folder, state, grader, places)
        rows = _mixed(recipe, state)
    write_rows(rows_file, rows)
    folder.rows.parent.mkdir(exist_ok=True)
    rows_file.replace(folder.rows)
    ledger.replace(folder.ledger)
    manifest = _manifest(recipe, tree, state, rows)
    write_bytes(folder.card, dataset_card(manifest).encode(errors="replace"))
    files = {file.relative_to(folder.path).as_posix(): sha256_of(file) for file in _files(folder)}
    shutil.rmtree(folder.unfinished)
    write_json(folder.manifest, {**manifest, "files_sha256": files})
    return {**manifest, "files_sha256": files}


def _run_part(
    part: CheckedPart,
    recipe: CheckedRecipe,
    folder: DatasetFolder,
    state: _State,
    grader: GraderPool,
    places: Places,
) -> None:
    rows = _taken_rows(part, state) if part.config.dropped_by is not None else _read_rows(part, recipe, state)
    for stage in part.stages:
        other = None if places.replies_of is None else DatasetFolder(places.replies_of).answers(part.name, stage.name)
        own = folder.answers(part.name, stage.name)
        tools = _StageTools(recipe, own, grader, state.listener, places.benchmarks, other)
        judged = stage.kind.judge(stage.parameters, rows, tools)
        rows = state.note(_step(part, stage, rows, judged), rows, judged)
    state.kept[part.name] = rows


def _read_rows(part: CheckedPart, recipe: CheckedRecipe, state: _State) -> list[CuratedRow]:
    """Read the sources of a part; rows that ask nothing are dropped here."""
    rows: list[CuratedRow] = []
    findings: list[Finding] = []
    published: list[int | None] = []
    for name, source in part.config.sources.items():
        where = f"parts.{part.name}.sources.{name}"
        read = read_source(name, source, where=where, seed=recipe.recipe.seed)
        for line in read.lines:
            state.listener.say(line)
        state.sources.append(_source_facts(part.name, name, source, read))
        published.append(source.published_rows)
        rows += [*read.rows, *(row for row, _ in read.unasked)]
        findings += [*map(Finding, read.rows), *(dropped(reason) for _, reason in read.unasked)]
    known = [count for count in published if count is not None]
    said = sum(known) if len(known) == len(published) else None
    judged = Judged(findings)
    return state.note(Step(part.name, READ, READ, len(rows), _num_kept(judged), said), rows, judged)


def _taken_rows(part: CheckedPart, state: _State) -> list[CuratedRow]:
    taken = part.config.dropped_by
    assert taken is not None
    rows = state.dropped_by[taken.part, taken.stage]
    judged = Judged([Finding(row) for row in rows])
    return state.note(Step(part.name, f"dropped by {taken.part}.{taken.stage}", READ, len(rows), len(rows), None), rows,
                      judged)  # fmt: skip


def _mixed(recipe: CheckedRecipe, state: _State) -> list[CuratedRow]:
    """Draw every part, note what was not drawn, and return the rows in their order."""
    rows: list[CuratedRow] = []
    for mix in recipe.mix:
        drawn = draw_part(mix, state.kept[mix.part], seed=recipe.recipe.seed)
        num_kept = _num_kept(drawn.judged)
        if drawn.wanted is not None and num_kept < drawn.wanted:
            state.listener.warn(
                f"{mix.part}: {drawn.wanted:,} rows are wanted, and there are {num_kept:,}: all are taken"
            )
        published = None if recipe.recipe.published_rows is None else drawn.wanted
        step = Step(mix.part, MIX, MIX, len(drawn.rows), num_kept, published)
        rows += state.note(step, drawn.rows, drawn.judged)
    return put_in_order(rows, recipe.recipe.order, seed=recipe.recipe.seed)


def _manifest(
    recipe: CheckedRecipe, tree: Mapping[str, Any], state: _State, rows: Sequence[CuratedRow]
) -> dict[str, Any]:
    """Return what the dataset is made of; no time and no place, so that equal inputs give equal bytes."""
    return {
        "format": FORMAT,
        "recipe_name": recipe.name,
        "about": recipe.recipe.about,
        "seed": recipe.recipe.seed,
        "num_rows": len(rows),
        "published_rows": recipe.recipe.published_rows,
        "funnel": [vars(step) for step in state.steps],
        "sources": state.sources,
        "recipe_sha256": hashlib.sha256(canonical_json(tree).encode()).hexdigest(),
        "recipe": tree,
        "versions": {"leanrl": __version__, **_versions()},
    }


def _source_facts(part: str, name: str, source: Any, read: ReadSource) -> dict[str, Any]:
    kind = next(each for each in ("hub_id", "path", "generator") if getattr(source, each) is not None)
    return {
        "part": part,
        "name": name,
        "origin": {"kind": kind, "value": getattr(source, kind)},
        "revision": source.revision,
        "num_rows": read.num_rows,
        "published_rows": source.published_rows,
        "sha256": read.sha256,
        "licence": source.licence,
    }


def _step(part: CheckedPart, stage: CheckedStage, rows: Sequence[CuratedRow], judged: Judged) -> Step:
    return Step(part.name, stage.name, stage.kind_name, len(rows), _num_kept(judged), stage.published_rows)


def _num_kept(judged: Judged) -> int:
    return sum(finding.row is not None for finding in judged.findings)


def _emptied(step: Step, judged: Judged) -> DataError:
    counts: dict[str, int] = {}
    for finding in judged.findings:
        counts[finding.reason] = counts.get(finding.reason, 0) + 1
    commonest = sorted(counts.items(), key=lambda each: -each[1])[:_REASONS_SHOWN]
    lines = "\n".join(f"  - {count:,} rows: {reason}" for reason, count in commonest)
    before = f"all {step.num_before:,} rows" if step.num_before else "no rows, for none came to it"
    return DataError(
        f"Part {step.part}: the stage {step.stage} drops {before}, and nothing is left.\n{lines}".rstrip(),
        hint=_way_to_rows(step),
    )


def _way_to_rows(step: Step) -> str:
    """Return the keys by which a stage keeps more rows: its own, where it has any."""
    keys = ", ".join(KINDS[step.kind].section.model_fields) if step.kind in KINDS else ""
    if keys:
        return f"change its keys: `-s parts.{step.part}.stages.{step.stage}.KEY=VALUE`, of {keys}"
    return f"other columns or rows of the sources: `-s parts.{step.part}.sources.NAME.KEY=VALUE`"


def _files(folder: DatasetFolder) -> list[Path]:
    return [folder.rows, folder.card, folder.ledger]


def _versions() -> dict[str, str]:
    found = {}
    for name in _LIBRARIES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
