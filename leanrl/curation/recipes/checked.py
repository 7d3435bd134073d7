"""A recipe that has been checked: every stage with its parameters, every part in an order that can be built."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from leanrl.config.names.nearest import did_you_mean, nearest_name
from leanrl.config.sections.section import Section
from leanrl.curation.recipes.errors import problems_of
from leanrl.curation.recipes.kinds import GOLD_VERIFIES, KINDS
from leanrl.curation.recipes.recipe import MixConfig, PartConfig, Recipe, SourceConfig, StageHead
from leanrl.curation.stages.stage import StageKind
from leanrl.data.tasks.gym import is_gym_task
from leanrl.data.tasks.makers import MAKERS
from leanrl.errors import ConfigError, Problem
from leanrl.evaluation.address import address_problem
from leanrl.hints import setting

_NAME = re.compile(r"[\w-][\w.-]*")


@dataclass(frozen=True)
class CheckedStage:
    """A stage with its parameters; `published_rows` is what the paper says stays after it."""

    name: str
    kind_name: str
    kind: StageKind
    parameters: Any
    published_rows: int | None


@dataclass(frozen=True)
class CheckedPart:
    """A part with its stages, of which the last sees to it that every row has an answer."""

    name: str
    config: PartConfig
    stages: Sequence[CheckedStage]


@dataclass(frozen=True)
class CheckedRecipe:
    """A recipe whose parts stand in an order in which each finds what it takes from others."""

    name: str
    recipe: Recipe
    parts: Sequence[CheckedPart]
    mix: Sequence[MixConfig]


def check_recipe(name: str, recipe: Recipe) -> CheckedRecipe:
    """Return the recipe with its stages read.

    Raises:
        ConfigError: with everything that is wrong or contradicts.
    """
    problems: list[Problem] = []
    if not recipe.parts:
        problems.append(
            Problem("parts", "there is none, so there are no rows", "`leanrl data recipes mini` prints a recipe")
        )
    problems += _name_problems(recipe)
    parts = {}
    for part_name, part in recipe.parts.items():
        where = f"parts.{part_name}"
        stages, found = _stages(part, where, recipe)
        problems += [*found, *_source_problems(part, where, recipe)]
        parts[part_name] = CheckedPart(part_name, part, stages)
    problems += _endpoint_problems(recipe)
    mix = list(recipe.mix) or [MixConfig(part=part_name) for part_name in recipe.parts]
    problems += [*_mix_problems(mix, recipe), *_order_problems(mix, recipe), *_circle_problems(recipe)]
    if problems:
        raise ConfigError(f"The recipe {name} cannot be used.", problems=problems)
    return CheckedRecipe(name, recipe, [parts[each] for each in _in_order(recipe.parts)], mix)


def _name_problems(recipe: Recipe) -> Iterator[Problem]:
    """Yield names of parts and stages that cannot be those of the folders in which replies are kept."""
    keys = [f"parts.{part}" for part in recipe.parts if not _NAME.fullmatch(part)]
    for part, config in recipe.parts.items():
        keys += [f"parts.{part}.stages.{stage}" for stage in config.stages if not _NAME.fullmatch(stage)]
    yield from (Problem(each, "is no name", "letters, digits, _ and -") for each in keys)


def _stages(part: PartConfig, where: str, recipe: Recipe) -> tuple[list[CheckedStage], list[Problem]]:
    stages: list[CheckedStage] = []
    problems: list[Problem] = []
    for name, keys in part.stages.items():
        place = f"{where}.stages.{name}"
        try:
            head = StageHead.model_validate({key: keys[key] for key in StageHead.model_fields if key in keys})
        except ValidationError as error:
            problems += problems_of(error, where=place, section=StageHead)
            continue
        kind_name = head.kind or name
        if kind_name not in KINDS:
            near = did_you_mean(nearest_name(kind_name, KINDS))
            problems.append(
                Problem(place, f"there is no kind of stage {kind_name!r}", near or f"kinds: {', '.join(KINDS)}")
            )
            continue
        kind = KINDS[kind_name]
        own = {key: value for key, value in keys.items() if key not in StageHead.model_fields}
        try:
            parameters = kind.section.model_validate(own)
        except ValidationError as error:
            problems += problems_of(error, where=place, section=kind.section)
            continue
        problems += [Problem(f"{place}.{each.where}", each.what, each.hint) for each in kind.contradictions(parameters)]
        problems += _model_problems(parameters, place, recipe)
        problems += _column_problems(kind_name, parameters, place, part)
        stages.append(CheckedStage(name, kind_name, kind, parameters, head.published_rows))
    if not any(stage.kind_name == GOLD_VERIFIES for stage in stages):
        kind = KINDS[GOLD_VERIFIES]
        stages.append(CheckedStage(GOLD_VERIFIES, GOLD_VERIFIES, kind, kind.section(), None))
    return stages, problems


def _model_problems(parameters: Section, place: str, recipe: Recipe) -> Iterator[Problem]:
    model = getattr(parameters, "model", None)
    if model is None:
        return
    if model not in recipe.models:
        known = ", ".join(recipe.models) or "there are none"
        yield Problem(f"{place}.model", f"{model!r} is none of the recipe's models ({known})")
    elif not recipe.models[model].id:
        yield Problem(f"models.{model}.id", "names no model", "a Hub id, a folder, or the model's name at the endpoint")


def _endpoint_problems(recipe: Recipe) -> Iterator[Problem]:
    """Yield addresses that are none, or hold a secret: the recipe is written into the dataset."""
    for name, model in recipe.models.items():
        problem = None if model.endpoint is None else address_problem(model.endpoint, f"models.{name}.endpoint")
        if problem is not None:
            yield problem


def _column_problems(kind: str, parameters: Any, place: str, part: PartConfig) -> Iterator[Problem]:
    """Yield columns that a stage reads and no source keeps; a stage of pass rates adds one."""
    if kind == "boxed_answer" and parameters.column == "solution":
        for name, source in part.sources.items():
            if source.generator is not None or source.solution_column is None:
                yield Problem(place, f"looks into solutions, and source {name} has no solution_column")
    if kind == "column_values" and parameters.column != "pass_rate":
        for name, source in part.sources.items():
            if parameters.column not in source.kept_columns and not (
                source.generator is not None and parameters.column == "level"
            ):
                yield Problem(
                    f"{place}.column",
                    f"{parameters.column!r} is no column that source {name} keeps",
                    f"kept_columns: [{parameters.column}]",
                )


def _source_problems(part: PartConfig, where: str, recipe: Recipe) -> Iterator[Problem]:
    if bool(part.sources) == (part.dropped_by is not None):
        yield Problem(where, "needs either sources or dropped_by", "sources: {NAME: {path: FILE.jsonl}}")
    for name, source in part.sources.items():
        yield from _one_source_problems(source, f"{where}.sources.{name}")
    taken = part.dropped_by
    if taken is None:
        return
    if taken.part not in recipe.parts:
        yield Problem(f"{where}.dropped_by.part", f"there is no part {taken.part!r}")
    elif taken.stage not in {*recipe.parts[taken.part].stages, GOLD_VERIFIES}:
        yield Problem(
            f"{where}.dropped_by.stage",
            f"part {taken.part} has no stage {taken.stage!r}",
            f"its stages: {', '.join(recipe.parts[taken.part].stages)}",
        )


def _one_source_problems(source: SourceConfig, where: str) -> Iterator[Problem]:
    named = [name for name in ("hub_id", "path", "generator") if getattr(source, name) is not None]
    if len(named) != 1:
        what = "names no source" if not named else f"names several sources: {', '.join(named)}"
        yield Problem(where, what, "set one of hub_id, path and generator, and the others to null")
    if "part" in source.kept_columns:
        what = "a built dataset has a column `part` of its own, the part of the recipe"
        yield Problem(f"{where}.kept_columns", what, "give the column of the data another name")
    if source.generator is None:
        return
    if source.options and not is_gym_task(source.generator):
        yield Problem(f"{where}.options", f"{source.generator} has none", "levels: [1, 2] makes it harder")
    if is_gym_task(source.generator):
        pass
    elif source.generator not in MAKERS:
        near = did_you_mean(nearest_name(source.generator, MAKERS))
        yield Problem(f"{where}.generator", f"there is no {source.generator!r}", near or f"known: {', '.join(MAKERS)}")
    elif not MAKERS[source.generator].is_graded:
        hint = f"train on it without a recipe: `{setting('data.generator', source.generator)}`"
        yield Problem(f"{where}.generator", f"the grader does not judge answers of {source.generator}", hint)
    elif max(source.levels, default=0) > MAKERS[source.generator].num_levels or not source.levels:
        yield Problem(
            f"{where}.levels", f"{source.generator} has the levels 1 to {MAKERS[source.generator].num_levels}"
        )
    if source.num_rows is None:
        yield Problem(f"{where}.num_rows", "a generator makes as many rows as are asked for", "num_rows: 1000")


def _mix_problems(mix: Sequence[MixConfig], recipe: Recipe) -> Iterator[Problem]:
    names = [each.part for each in mix]
    for index, name in enumerate(names):
        if name not in recipe.parts:
            near = did_you_mean(nearest_name(name, recipe.parts))
            yield Problem(f"mix[{index}].part", f"there is no part {name!r}", near)
        elif name in names[:index]:
            yield Problem(f"mix[{index}].part", f"{name} is there twice", "one entry for each part")


def _order_problems(mix: Sequence[MixConfig], recipe: Recipe) -> Iterator[Problem]:
    """Yield a problem where rows are to be sorted, and nothing that they are sorted by can be on any of them."""
    sources = [source for part in recipe.parts.values() for source in part.sources.values()]
    has_level = any(each.level is not None for each in mix) or any(
        source.generator is not None or {"level", "pass_rate"} & set(source.kept_columns) for source in sources
    )
    kinds = {keys.get("kind", name) for part in recipe.parts.values() for name, keys in part.stages.items()}
    if recipe.order == "easy_to_hard" and sources and not has_level and "pass_rate" not in kinds:
        yield Problem(
            "order",
            "easy_to_hard sorts by the columns level and pass_rate, and no row has either",
            "kept_columns: [level], a stage of the kind pass_rate, or order: shuffled",
        )


def _circle_problems(recipe: Recipe) -> Iterator[Problem]:
    for name in recipe.parts:
        seen, current = {name}, recipe.parts[name].dropped_by
        while current is not None and current.part in recipe.parts:
            if current.part in seen:
                yield Problem(f"parts.{name}.dropped_by", "takes its rows, by way of other parts, from itself")
                break
            seen.add(current.part)
            current = recipe.parts[current.part].dropped_by


def _in_order(parts: Mapping[str, PartConfig]) -> list[str]:
    """Return names so that a part comes behind the one it takes rows from."""
    ordered: list[str] = []
    while len(ordered) < len(parts):
        ordered += [
            name
            for name, part in parts.items()
            if name not in ordered and (part.dropped_by is None or part.dropped_by.part in ordered)
        ]
    return ordered
