"""What a run is planned for: a kind of card, or this machine's CPU, its bytes, and the vLLM on it."""

from dataclasses import dataclass, replace

from leanrl.config.schema import HardwareConfig, RunConfig
from leanrl.errors import ConfigError, MissingError
from leanrl.planner.machine.card_names import find_card
from leanrl.planner.machine.cards import CARDS, GIB, Card, Price, name_by_size
from leanrl.planner.memory.allocation import CONTEXT_BYTES
from leanrl.planner.memory.host_memory import USABLE_SHARE
from leanrl.planner.past_runs.calibration import Calibration
from leanrl.planner.prediction import Device
from leanrl.planner.search.fixes import Changes, as_flags, changes_only

# Of the cards that a hint names.
_NUM_OFFERED = 4


@dataclass(frozen=True)
class Target:
    """Where the bytes have to go; every card of a run is of the same kind.

    `vllm` is the version that generates there; None is the newest that leanrl works with. `host_bytes` is the memory
    of the machine that the cards are in; None where it is not known. `calibration` holds what a run has measured there.
    """

    device: Device
    usable_bytes: int
    card: Card | None = None
    vllm: str | None = None
    host_bytes: int | None = None
    calibration: Calibration | None = None


def find_target(
    config: RunConfig,
    *,
    card: Card | None = None,
    vram_bytes: int | None = None,
    host_bytes: int | None = None,
    vllm: str | None = None,
    calibration: Calibration | None = None,
) -> Target:
    """Return what to plan for: the given card or bytes, else the card that the config names, else the host.

    Raises:
        MissingError: if neither a card nor its bytes are named.
        ConfigError: for an unknown card, one without bf16 for a run that needs it, or one with no more memory than a
            CUDA context takes.
    """
    if config.hardware.is_cpu:
        if host_bytes is None:
            raise ValueError("host_bytes is None; a plan for a CPU needs the machine's memory.")
        return Target("cpu", int(USABLE_SHARE * host_bytes), calibration=calibration)
    card = _as_given(config.hardware, card or _named_card(config.hardware))
    if card is not None:
        require_bf16(card, config)
    if vram_bytes is None and config.hardware.vram_gib is not None:
        vram_bytes = int(config.hardware.vram_gib * GIB)
    if vram_bytes is None and card is None:
        raise MissingError(
            "hardware.gpu names no card, so there is no memory to plan for.",
            hint="`leanrl plan --gpu a40`, `--vram 24`, or `-s hardware.gpu=rtx4090`",
        )
    usable_bytes = card.usable_bytes if vram_bytes is None and card is not None else vram_bytes
    assert usable_bytes is not None
    return Target("cuda", _with_room(usable_bytes), card, vllm, host_bytes, calibration)


def _with_room(usable_bytes: int) -> int:
    """Return the bytes of a card if its CUDA context leaves some of them."""
    if usable_bytes <= CONTEXT_BYTES:
        raise ConfigError(
            f"a card with {usable_bytes / GIB:.2f} GiB holds no model: "
            f"the CUDA context alone takes about {CONTEXT_BYTES / GIB:.2f} GiB.",
            hint="`leanrl plan --vram 24` is 24 GiB; `leanrl cards` lists the cards that are known",
        )
    return usable_bytes


def require_bf16(card: Card, config: RunConfig) -> None:
    """Raise ConfigError where a run needs bf16 and the card has none, with what would be needed."""
    if not lacks_bf16(config, card):
        return
    flags = as_flags(changes_only(config, in_float32(config)))
    raise ConfigError(
        f"{card.name}: the {card.title} has no bf16, in which this run computes.",
        hint=f"`{flags}` computes in float32, with twice the bytes; cards with bf16 and as much memory: "
        f"{', '.join(cards_with_bf16(card))}",
    )


def cards_with_bf16(card: Card) -> list[str]:
    """Return the names of the smallest cards that have bf16 and as much memory."""
    large = [other for other in CARDS.values() if other.has_bf16 and other.usable_bytes >= 0.95 * card.usable_bytes]
    return [other.name for other in sorted(large, key=lambda other: other.usable_bytes)[:_NUM_OFFERED]]


def lacks_bf16(config: RunConfig, card: Card | None) -> bool:
    """Whether a run computes, keeps weights or trains an adapter in bf16, as NF4 does, on a card that has none."""
    if card is None or card.has_bf16:
        return False
    return bool(changes_only(config, in_float32(config)))


def in_float32(config: RunConfig) -> Changes:
    """Return the changes that make a run compute without bf16."""
    method = config.model.tuning.method
    return {
        "model.dtype": "float32",
        "model.compute_dtype": "float32",
        **({} if method == "full" else {"model.tuning.adapter_dtype": "float32"}),
        **({"model.tuning.method": "lora"} if method == "qlora" else {}),
    }


def _named_card(hardware: HardwareConfig) -> Card | None:
    """Return the card that the config names, or one made of its own numbers, or nothing."""
    if hardware.gpu is not None:
        return find_card(hardware.gpu)
    vram, bandwidth, tflops = hardware.vram_gib, hardware.bandwidth_gb_per_second, hardware.bf16_tflops
    if vram is None or bandwidth is None or tflops is None:
        return None
    return Card(name_by_size(int(vram * GIB)), "a card of your own", int(vram * GIB), bandwidth * 1e9, tflops * 1e12)


def _as_given(hardware: HardwareConfig, card: Card | None) -> Card | None:
    """Return the card with the speeds and the price that the config gives in place of the known ones."""
    if card is None:
        return None
    if hardware.bandwidth_gb_per_second is not None:
        card = replace(card, bandwidth_bytes_per_second=hardware.bandwidth_gb_per_second * 1e9)
    if hardware.bf16_tflops is not None:
        card = replace(card, bf16_flops=hardware.bf16_tflops * 1e12)
    if hardware.usd_per_hour is not None:
        card = replace(card, price=Price(hardware.usd_per_hour, "as given", "hardware.usd_per_hour"))
    return card
