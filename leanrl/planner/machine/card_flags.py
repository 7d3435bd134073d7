"""The card that `leanrl plan` is asked for: --gpu, --vram and --num-gpus as settings of a config."""

import re
from collections.abc import Sequence

from leanrl.errors import ConfigError

# Makers write GB for the GiB of a card; nvidia-smi prints MiB.
_GIB_BY_UNIT = {"": 1.0, "g": 1.0, "gb": 1.0, "gib": 1.0, "m": 1 / 1024, "mb": 1 / 1024, "mib": 1 / 1024}
_SIZE = re.compile(r"(?P<number>[-+]?(?:nan|inf|[\d.]+(?:e[-+]?\d+)?))\s*(?P<unit>[a-z]*)", re.IGNORECASE)


def card_settings(
    typed: Sequence[str], *, gpu: str | None, gib: float | None, num_gpus: int | None = None
) -> list[str]:
    """Return the settings, as `-s` takes them, that the flags stand for.

    A size without a name is a card of its own, not the preset's card with other memory. `typed` are the settings of
    `-s`, which may name a card.
    """
    is_named = gpu is not None or any(override.partition("=")[0].strip() == "hardware.gpu" for override in typed)
    name = ["hardware.gpu=null"] if gib is not None and not is_named else []
    return [
        *([f"hardware.gpu={gpu}"] if gpu is not None else name),
        *([f"hardware.num_gpus={num_gpus}"] if num_gpus is not None else []),
        *([f"hardware.vram_gib={gib}"] if gib is not None else []),
    ]


def card_gib(text: str) -> float:
    """Return the GiB of a card's memory as people write it: 24, 24GB, 24 GiB, 24564MiB.

    Raises:
        ConfigError: for anything else.
    """
    found = _SIZE.fullmatch(text.strip())
    if found is not None and found["unit"].lower() in _GIB_BY_UNIT:
        try:
            return float(found["number"]) * _GIB_BY_UNIT[found["unit"].lower()]
        except ValueError:  # two points
            pass
    raise ConfigError(f"--vram {text!r} is not the size of a card.", hint="`--vram 24` is 24 GiB; so is `--vram 24GB`")
