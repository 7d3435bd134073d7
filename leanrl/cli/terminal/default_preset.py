"""The preset of `leanrl train` and `leanrl plan` where none is named."""

import sys

from leanrl.cli.terminal.options import DEFAULT_PRESET


def preset_or_default(preset: str | None) -> str:
    """Return the preset that was typed; where there is none, say on stderr which one is taken, and return that."""
    if preset is not None:
        return preset
    print(
        f"No -p is given: the preset is {DEFAULT_PRESET}, for four A40 cards. "
        "For one card take -p single-gpu-lora, without a card -p cpu-demo.",
        file=sys.stderr,
    )
    return DEFAULT_PRESET
