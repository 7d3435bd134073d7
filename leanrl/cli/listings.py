"""`leanrl keys`, `leanrl rewards`, `leanrl plugins` and `leanrl cards`: what a config can name."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leanrl.cli.terminal.completion import complete_key
from leanrl.cli.terminal.options import AsJson

if TYPE_CHECKING:
    from leanrl.config.keys import Key

_GIB = 2**30


def keys(
    prefix: Annotated[
        str, typer.Argument(metavar="[PREFIX]", help="Only keys that begin like this.", autocompletion=complete_key)
    ] = "",
    as_json: AsJson = False,
) -> None:
    """List the keys of a config with what they take: `leanrl keys rollout`."""
    found = _keys_like(prefix)
    if as_json:
        rows = [{"key": k.name, "takes": k.takes, "default": k.default, "about": k.about} for k in found]
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for key in found:
        print(f"{key.name} = {json.dumps(key.default, ensure_ascii=False)}\n    {key.about} [{key.takes}]")


def rewards(
    plugin: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Python file with rewards of your own; repeatable.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the rewards with what they do and their options."""
    from leanrl.preflight.plugins import load_plugins
    from leanrl.rewards.listing import list_rewards

    load_plugins(plugin or [])
    found = list_rewards()
    if as_json:
        print(json.dumps([asdict(info) for info in found], indent=2, default=str))
        return
    for info in found:
        print(f"{info.name}\n    {info.about}")
        options = [f"{name}={json.dumps(value, default=str)}" for name, value in info.options.items()]
        options += [f"{name} (has to be set)" for name in info.required_options]
        if options:
            print(f"    options: {', '.join(options)}")
        if info.columns:
            print(f"    columns of the data: {', '.join(info.columns)}")
    print("\nA weight turns one on: -s rewards.NAME=1; an option: -s reward_options.NAME.OPTION=VALUE")


def plugins(
    plugin: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Python file with plug-ins of your own; repeatable.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the plug-ins of a step, by seam in the order of a step, with what they do and their options."""
    from leanrl.preflight.plugins import load_plugins
    from leanrl.seams.listing import list_plugins

    load_plugins(plugin or [])
    found = list_plugins()
    if as_json:
        print(json.dumps([asdict(info) for info in found], indent=2, default=str))
        return
    for info in found:
        print(f"{info.seam}: {info.name}\n    {info.about}")
        options = [f"{name}={json.dumps(value, default=str)}" for name, value in info.options.items()]
        options += [f"{name} (has to be set)" for name in info.required_options]
        if options:
            print(f"    options: {', '.join(options)}")
    print("\nOne is named by -s algorithm.SEAM.name=NAME, its options by -s algorithm.SEAM.OPTION=VALUE")


def cards(as_json: AsJson = False) -> None:
    """List the GPUs that `leanrl plan --gpu NAME` knows."""
    from leanrl.planner.machine.cards import CARDS

    if as_json:
        print(json.dumps([_known_values(asdict(card)) for card in CARDS.values()], indent=2))
        return
    width = max(len(name) for name in CARDS)
    print(f"{'name':{width}}  GiB    GB/s  bf16 TFLOP/s  $ an hour  card")
    for card in CARDS.values():
        rate = _number(card.bf16_flops / 1e12, width=12) if card.has_bf16 else "no bf16".rjust(12)
        bandwidth = _number(card.bandwidth_bytes_per_second / 1e9, width=4)
        price = f"{card.price.usd_per_hour:9.2f}" if card.price is not None else "-".rjust(9)
        print(f"{card.name:{width}}  {card.usable_bytes / _GIB:5.1f}  {bandwidth}  {rate}  {price}  {card.title}")
    print(
        "\n-: not known, so that no time or no dollars are predicted. Prices are dated in --json; set yours:\n"
        "-s hardware.usd_per_hour=PRICE. `4090`, `RTX 4090` and `a100 80gb` are names too. Another card: --vram GIB."
    )


def _known_values(card: dict[str, Any]) -> dict[str, Any]:
    """Return a card with null in place of the 0 that stands for a speed that is not known."""
    return {name: value or None if isinstance(value, float) else value for name, value in card.items()}


def _number(value: float, *, width: int) -> str:
    return f"{value:{width}.0f}" if value > 0 else "-".rjust(width)


def _keys_like(prefix: str) -> "list[Key]":
    from leanrl.config.keys import schema_keys
    from leanrl.config.names.nearest import hint_for_key
    from leanrl.errors import ConfigError

    known = list(schema_keys().values())
    found = [key for key in known if key.name.startswith(prefix)] or [
        key for key in known if prefix in key.name or prefix.lower() in key.about.lower()
    ]
    if not found:
        raise ConfigError(f"no key begins with or is about `{prefix}`.", hint=hint_for_key(prefix))
    return found
