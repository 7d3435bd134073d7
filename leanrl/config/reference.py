"""docs/config.md, written from the schema.

Write it anew with `python -m leanrl.config.reference > docs/config.md`.
"""

import json
from collections.abc import Iterator

from leanrl.config.keys import Key, schema_groups, schema_keys
from leanrl.config.names.elsewhere import NOT_HERE, OTHERWISE, SAME

_INTRODUCTION = """\
# Configuration

Written from the schema by `python -m leanrl.config.reference > docs/config.md`; a test compares.

A run is described by the keys below. `leanrl train --preset NAME` takes them from a preset that comes with leanrl
(`leanrl presets` lists them), or from a file of your own: any path that ends in `.yaml`, `.yml` or `.json`. The
`config.json` of a run is such a file, so `leanrl train --preset runs/<run>/config.json` runs it again.

## Where a value comes from

defaults < parent preset < preset < `--set key=value` (`-s`). `leanrl train --dry-run` prints the origin of each value.

- `extends: NAME` names one parent, a shipped preset or a file beside this one. The parent may have a parent.
- Maps merge; lists and single values replace. `name` and `about` are not inherited: `name` is the file's, unless set.
- `rewards.<name>: null` takes an inherited reward away, and its options with it.
- `algorithm.<seam>` is a map with the name of a plug-in and its options (`leanrl plugins` lists them). Another name
  drops the options of the first; `null` takes the plug-in away. Options without a name are those of the usual plug-in.
- A new model resets `model.revision` and `model.wheel` to their defaults. A new data source resets `data.split`,
  `data.hub_revision` and the columns. Set them together with it to keep other values. So `-s data.path=my.jsonl` is
  enough on any preset.
- `train.micro_batch_completions` resets `train.max_tokens_per_micro_batch` of a parent, which would count in its place.
- Values are YAML. `1e-6` and `1.0e-6` are both numbers here. A key that takes text takes on the command line what you
  typed, also where YAML would see a number or a map; in a file, put such text in quotes.
- `reasons.<key>` says why a preset departs from its parent; `leanrl presets diff A B` prints it.

Everything that is wrong with a configuration is reported at once, with exit code 2: unknown keys with the nearest known
one, values of the wrong type or out of range, and keys that contradict each other.

`leanrl presets init NAME > my.yaml` writes a file of your own with every key in it.

## Your own model and data

    leanrl train -p single-gpu-lora -s model.id=Qwen/Qwen2.5-0.5B-Instruct -s data.path=my.jsonl

| what | keys |
|---|---|
| another model | `model.id` (Hub id or folder), `model.revision`, `model.chat_template` |
| a file, one problem a line | `data.path`, `data.problem_column`, `data.answer_column` |
| a dataset on the Hub | `data.hub_id`, `data.split`, `data.problem_column`, `data.answer_column` |
| another prompt | `data.system_prompt`, `data.prompt_template` |
| a tracker | `tracking` |

## Keys
"""

_ELSEWHERE_INTRODUCTION = """
## Names from other libraries

An unknown key that has one of these names, of TRL, transformers, vLLM, verl or axolotl, is answered with ours.

| elsewhere | here |
|---|---|"""


def config_reference() -> str:
    """Return the text of docs/config.md."""
    rows = {name: f"`{ours}`" for name, ours in SAME.items()}
    rows |= {name: f"`{wanted}`: {difference}" for name, (wanted, difference) in OTHERWISE.items()}
    rows |= {name: f"no such setting: {instead}" for name, instead in NOT_HERE.items()}
    elsewhere = [f"| `{name}` | {row} |" for name, row in sorted(rows.items())]
    return "\n".join([_INTRODUCTION, *_sections(), _ELSEWHERE_INTRODUCTION, *elsewhere]) + "\n"


def _sections() -> Iterator[str]:
    by_group: dict[str, list[Key]] = {}
    for key in schema_keys().values():
        by_group.setdefault(key.name.rpartition(".")[0], []).append(key)
    for group, keys in by_group.items():
        title = f"### `{group}`: {schema_groups()[group].about}" if group else "### Top level"
        yield from [title, "", "| key | takes | default | what it is |", "|---|---|---|---|"]
        yield from (_row(key) for key in keys)
        yield ""


def _row(key: Key) -> str:
    default = json.dumps(key.default, ensure_ascii=False)
    return f"| `{key.name}` | {key.takes} | `{default}` | {key.about} |"


if __name__ == "__main__":
    print(config_reference(), end="")
