"""Recipes in files: shipped ones by their names, a user's own by their paths."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from leanrl.config.files.preset_file import check_values
from leanrl.config.files.text_faults import fault_text
from leanrl.config.files.yaml_text import NoYamlError, parse_yaml
from leanrl.config.names.nearest import did_you_mean, nearest_name
from leanrl.curation.recipes.checked import CheckedRecipe, check_recipe
from leanrl.curation.recipes.errors import problems_of
from leanrl.curation.recipes.recipe import Recipe
from leanrl.data.files.encoding import bad_byte
from leanrl.errors import ConfigError, Problem
from leanrl.hints import quoted
from leanrl.storage.home import expanded

_SHIPPED = Path(__file__).parent / "shipped"
_MAX_NESTED = 4


def recipe_names() -> list[str]:
    """Return the names of the recipes that come with leanrl."""
    return sorted(file.stem for file in _SHIPPED.glob("*.yaml"))


def load_recipe(name: str, overrides: Sequence[str] = ()) -> CheckedRecipe:
    """Return a recipe by its name or its file, with keys changed by `key=value`.

    Raises:
        ConfigError: if there is none, its YAML is broken, or keys are wrong or contradict; it names all of them.
    """
    tree = _with_parts(_read(name), depth=0)
    problems = [problem for override in overrides if (problem := _override(tree, override)) is not None]
    if problems:
        raise ConfigError("The recipe's keys cannot be changed like that.", problems=problems)
    try:
        recipe = Recipe.model_validate(tree)
    except ValidationError as error:
        raise ConfigError(
            f"The recipe {name} cannot be used.", problems=problems_of(error, where="", section=Recipe)
        ) from error
    return check_recipe(Path(name).stem, recipe)


def _read(name: str) -> dict[str, Any]:
    path = _SHIPPED / f"{name}.yaml" if name in recipe_names() else expanded(name)
    if not path.is_file():
        near = did_you_mean(nearest_name(name, recipe_names()))
        raise ConfigError(
            f"There is no recipe {name}, neither shipped nor as a file.",
            hint=near or f"recipes: {', '.join(recipe_names())}, or a file RECIPE.yaml",
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
        tree = parse_yaml(text)
    except NoYamlError as error:
        raise ConfigError(fault_text(error.fault, text=text, source=str(path)), hint=error.fault.remedy) from error
    except UnicodeDecodeError as error:
        found = bad_byte(path)
        raise ConfigError(found.message, hint=found.hint) from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}.", hint=f"`ls -l {quoted(path)}`") from error
    if not isinstance(tree, dict):
        raise ConfigError(
            f"{path} holds {_kind_of(tree)}, not keys with values.",
            hint="`leanrl data recipes mini` prints one to start from",
        )
    check_values(tree, where=str(path))
    return tree


def _kind_of(tree: Any) -> str:
    return "nothing" if tree is None else "a list" if isinstance(tree, list) else f"the value {tree!r:.40}"


def _with_parts(tree: dict[str, Any], *, depth: int) -> dict[str, Any]:
    """Return the recipe with parts of other recipes in the place of `recipe: NAME`, and their models beside its own."""
    tree = deepcopy(tree)
    parts, models = tree.get("parts"), tree.get("models") or {}
    if not isinstance(parts, dict) or not isinstance(models, dict):
        return tree  # which the schema refuses
    for name, part in list(parts.items()):
        other = part.get("recipe") if isinstance(part, dict) else None
        if other is None:
            continue
        if depth >= _MAX_NESTED or set(part) != {"recipe"}:
            what = "a part of another recipe has no keys of its own" if depth < _MAX_NESTED else "recipes nest too deep"
            raise ConfigError(
                f"parts.{name}.recipe is {other}: {what}.", hint=f"change them by `-s parts.{name}.KEY=VALUE`"
            )
        taken = _with_parts(_read(str(other)), depth=depth + 1)
        if not isinstance(taken.get("parts"), dict) or len(taken["parts"]) != 1:
            raise ConfigError(f"parts.{name}.recipe is {other}, which has not exactly one part.")
        parts[name] = next(iter(taken["parts"].values()))
        tree["models"] = models = {**(taken.get("models") or {}), **models}
    return tree


def _override(tree: dict[str, Any], override: str) -> Problem | None:
    """Change one key; a map is entered by name, a list by number."""
    name, equals, text = override.partition("=")
    if not equals or not all(name.strip().split(".")):
        return Problem(f"--set {override}", "is not of the form key=value", "-s parts.NAME.sources.NAME.path=FILE")
    *path, last = name.strip().split(".")
    try:
        value = parse_yaml(text)
    except NoYamlError as error:
        return Problem(name, f"the value cannot be read, {error}", error.fault.remedy)
    node: Any = tree
    for number, step in enumerate(path):
        if isinstance(node, list):
            node = node[int(step)] if step.isdigit() and int(step) < len(node) else None
        elif isinstance(node, Mapping):
            node = node.setdefault(step, {})  # type: ignore[attr-defined]
        if not isinstance(node, dict | list):
            return Problem(name, f"{'.'.join(path[: number + 1])} has no keys in it")
    if isinstance(node, list):
        if not last.isdigit() or int(last) >= len(node):
            return Problem(name, f"{last} is no number of an entry", f"0 to {len(node) - 1}")
        node[int(last)] = value
    else:
        node[last] = value
    return None


def recipe_text(name: str) -> str:
    """Return the text of a shipped recipe.

    Raises:
        ConfigError: if there is none of that name.
    """
    if name not in recipe_names():
        near = did_you_mean(nearest_name(name, recipe_names()))
        raise ConfigError(f"There is no shipped recipe {name}.", hint=near or f"recipes: {', '.join(recipe_names())}")
    return (_SHIPPED / f"{name}.yaml").read_text(encoding="utf-8")
