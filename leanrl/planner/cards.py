"""The GPUs that are known by name: bytes, speeds and a price to start from."""

import difflib
import itertools
import re
from dataclasses import dataclass

from leanrl.errors import ConfigError

GIB = 2**30


@dataclass(frozen=True)
class Price:
    """What an hour of a card costs, and who said so when; nobody's price but the one you pay is right."""

    usd_per_hour: float
    seen: str
    source: str


@dataclass(frozen=True)
class Card:
    """One GPU; `usable_bytes` is what the driver offers, `bf16_flops` the dense rate with fp32 accumulation."""

    name: str
    title: str
    usable_bytes: int
    bandwidth_bytes_per_second: float
    bf16_flops: float
    has_bf16: bool = True
    price: Price | None = None


def _card(name: str, title: str, usable_gib: float, gb_per_second: float, tflops: float, price: Price) -> Card:
    return Card(name, title, int(usable_gib * GIB), gb_per_second * 1e9, tflops * 1e12, price=price)


def _card_without_bf16(name: str, title: str, usable_gib: float, gb_per_second: float, price: Price) -> Card:
    return Card(name, title, int(usable_gib * GIB), gb_per_second * 1e9, 0.0, has_bf16=False, price=price)


def _akash(usd_per_hour: float) -> Price:
    return Price(usd_per_hour, "2026-09-20", "Akash marketplace, akash.network/pricing/gpus, starting at")


_PAPER = Price(0.4375, "2025-03", "Open-RS, arXiv 2503.16219: $42 for 4 cards and 24 hours")
_TINA = Price(1.00, "2025-04", "Tina, arXiv 2504.15777: $1 per L40S-hour, disk included")
_LAMBDA = Price(1.48, "2026-05-07", "Lambda on demand, as techbytes.app lists it")
_RUNPOD = Price(0.44, "2026-03-10", "RunPod, as deploybase.ai lists it")
_AWS = Price(1.006, "2026-06-17", "AWS on demand, g5.xlarge in us-east-1, as factualminds.com lists it")
_VERDA = Price(0.82, "2026-10-29", "Verda on demand, verda.com/pricing")

# Bandwidths and rates are the makers' data sheets. Usable bytes: the A40's was printed by a run (open-rs, logs.txt);
# the others are what such cards usually report, a little below the nominal size. `--vram` overrides them.
_ALL = (
    _card("a40", "NVIDIA A40 48 GB", 44.34, 696, 149.7, _PAPER),
    _card("a100-40", "NVIDIA A100 40 GB", 39.4, 1555, 312, _LAMBDA),
    _card("a100-80", "NVIDIA A100 80 GB", 79.1, 1935, 312, _akash(1.71)),
    _card("h100", "NVIDIA H100 SXM 80 GB", 79.1, 3350, 989, _akash(2.71)),
    _card("h200", "NVIDIA H200 SXM 141 GB", 139.8, 4800, 989, _akash(4.45)),
    _card("l4", "NVIDIA L4 24 GB", 22.0, 300, 121, _RUNPOD),
    _card("l40s", "NVIDIA L40S 48 GB", 44.4, 864, 362, _TINA),
    _card("rtx3060-12", "GeForce RTX 3060 12 GB", 11.6, 360, 25.5, _akash(0.14)),
    _card("rtx3090", "GeForce RTX 3090 24 GB", 23.6, 936, 71, _akash(0.16)),
    _card("rtx4080", "GeForce RTX 4080 16 GB", 15.6, 717, 97.5, _akash(0.15)),
    _card("rtx4090", "GeForce RTX 4090 24 GB", 23.5, 1008, 165.2, _akash(0.39)),
    _card("rtx5090", "GeForce RTX 5090 32 GB", 31.3, 1792, 209.5, _akash(0.67)),
    _card("a10g", "NVIDIA A10G 24 GB", 22.0, 600, 70, _AWS),
    _card("a6000", "RTX A6000 48 GB", 47.4, 768, 154.8, _VERDA),
    _card_without_bf16("t4", "NVIDIA T4 16 GB", 14.6, 300, _akash(0.15)),
    _card_without_bf16("v100-32", "NVIDIA V100 32 GB", 31.7, 900, _akash(0.17)),
)
CARDS = {card.name: card for card in _ALL}
# How far a driver's bytes may be from the table's before it is another card: an RTX 4090 for laptops has 16 GB.
_MOST_DIFFERENCE = 0.08
_VARIANTS = {"ti", "super", "laptop"}


def find_card(name: str) -> Card:
    """Return the card of that name.

    Raises:
        ConfigError: for a name that is not known.
    """
    card = CARDS.get(name.lower())
    if card is None:
        nearest = difflib.get_close_matches(name.lower(), CARDS, n=1)
        guess = f" Did you mean {nearest[0]!r}?" if nearest else ""
        raise ConfigError(
            f"the card {name!r} is not known.{guess}",
            hint=f"one of {', '.join(CARDS)}; `leanrl plan --vram GIB` plans for any other",
        )
    return card


def recognise_card(driver_name: str, total_bytes: int) -> Card | None:
    """Return the card that a driver describes ("NVIDIA A100-SXM4-80GB"), or None for one that is not known."""
    words = re.findall(r"[a-z0-9]+", driver_name.lower())
    # "RTX 4090" is two words of a driver and one of ours.
    names = {*words, *(first + second for first, second in itertools.pairwise(words))}
    alike = [card for card in _ALL if card.name.split("-")[0] in names and not names & _VARIANTS]
    near = [card for card in alike if abs(card.usable_bytes - total_bytes) <= _MOST_DIFFERENCE * card.usable_bytes]
    return near[0] if near else None


def require_bf16(card: Card) -> None:
    """Raise ConfigError for a card without bf16, in which leanrl trains."""
    if not card.has_bf16:
        usable = ", ".join(other.name for other in _ALL if other.has_bf16)
        raise ConfigError(
            f"{card.name}: the {card.title} has no bf16, and leanrl trains in bf16.", hint=f"choose one of {usable}"
        )
