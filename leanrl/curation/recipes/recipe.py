"""Recipe: sources, stages and mix of a dataset, as its YAML file writes them."""

from typing import Any, Literal

from leanrl.config.sections.field_types import Fraction, NonNegative, NonNegativeInt, PositiveInt
from leanrl.config.sections.section import Section, key


class SourceConfig(Section):
    hub_id: str | None = key(None, "dataset on the Hub")
    hub_config: str | None = key(None, "configuration of a dataset that has several")
    revision: str | None = key(None, "commit of the dataset; null takes the newest, which nobody has verified")
    split: str = key("train", "split of the dataset, or of a folder whose files name splits")
    path: str | None = key(None, "a file of problems or a folder of such files")
    generator: str | None = key(None, "a kind of task that leanrl makes (docs/data.md), or reasoning_gym:NAME")
    options: dict[str, Any] = key({}, "settings of a task of reasoning-gym, by its own names")
    levels: list[PositiveInt] = key([1], "levels of made tasks")
    num_rows: PositiveInt | None = key(None, "rows to make, or the first rows of a dataset that are read; null: all")
    problem_column: str = key("problem", "column with the problem")
    answer_column: str = key("answer", "column with the gold answer")
    solution_column: str | None = key(None, "column with a worked solution")
    gold_from: Literal["auto", "answer", "boxed", "hashes"] = key("auto", "where the answer stands in its column")
    kept_columns: list[str] = key([], "further columns that stay; one with a name of the dataset becomes original_NAME")
    licence: str | None = key(None, "licence of the data, for the dataset card; null: not known")
    published_rows: PositiveInt | None = key(None, "rows that the source is said to have")


class ModelConfig(Section):
    id: str = key("", "Hub id, folder or run of a model, or its name at the endpoint")
    endpoint: str | None = key(None, "address of an OpenAI-compatible server, up to /v1")
    engine: Literal["vllm", "hf"] | None = key(None, "engine of a local model; null: vLLM where it is installed")
    temperature: NonNegative = key(0.0, "sampling temperature; 0 takes the likeliest token")
    top_p: Fraction = key(1.0, "nucleus sampling")
    max_completion_tokens: PositiveInt = key(4096, "the longest completion")
    seed: NonNegativeInt = key(0, "seed of the completions")
    system_prompt: str | None = key(None, "system message; null sends none")
    prompt_template: str = key("{problem}", "user message")


class StageHead(Section):
    kind: str | None = key(None, "the kind of the stage; null: its name says it")
    published_rows: PositiveInt | None = key(None, "rows that the paper says stay after it")


class DroppedBy(Section):
    part: str = key("", "a part of this recipe")
    stage: str = key("", "the stage of it whose dropped rows are taken")


class PartConfig(Section):
    recipe: str | None = key(None, "another recipe whose only part is taken as it is")
    sources: dict[str, SourceConfig] = key({}, "where rows come from, by name")
    dropped_by: DroppedBy | None = key(None, "rows that a stage of another part drops, in the place of sources")
    stages: dict[str, dict[str, Any]] = key({}, "stages in their order; `kind` says which where the name does not")


class MixConfig(Section):
    part: str = key("", "a part of the recipe")
    num_rows: PositiveInt | None = key(None, "rows that are drawn from it by seed; null takes all")
    level: str | None = key(None, "value of the column `level` for these rows; null keeps their own")


class Recipe(Section):
    about: str = key("", "what the recipe is for, in one line")
    seed: NonNegativeInt = key(0, "draws the rows of the mix, their order, and made tasks")
    published_rows: PositiveInt | None = key(None, "rows that the published dataset has")
    models: dict[str, ModelConfig] = key({}, "models that stages ask, by name")
    parts: dict[str, PartConfig] = key({}, "rows that are filtered alike, by name")
    mix: list[MixConfig] = key([], "how many rows of each part; empty takes all rows of all parts")
    order: Literal["shuffled", "easy_to_hard", "as_read"] = key(
        "shuffled", "order of the rows; easy_to_hard sorts by the column `level`, then by `pass_rate` falling"
    )
