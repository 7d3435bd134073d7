"""The card that a name means: as the table writes it, as people do, or as a driver gives it.

"4090", "RTX-4090" and "NVIDIA GeForce RTX 4090" are one card. What makes another card of the same number stays in the
name: "4070 Ti SUPER" is not "4070", and a card for laptops or a part of a card is none that is known.
"""

import difflib
import re
from collections.abc import Iterator

from leanrl.errors import ConfigError
from leanrl.hints import command
from leanrl.planner.machine.cards import CARDS, Card

# Words that say who made a card, or how it is built in, and not which it is.
_SILENT = re.compile(
    r"nvidia|geforce|rtx|quadro|tesla|amd|instinct|gpu|generation|blackwell|workstation|server|edition|hgx|dgx"
    r"|oam|vf|hbm\d?e?|sxm\d?"
)
# "4080S" and "4070S Ti" are the SUPER of a 4080 and of a 4070 Ti.
_SHORT_SUPER = re.compile(r"(\d{4})(ti)?s(ti)?")
# The same for most cards; an H100 for PCIe has speeds of its own.
_FORM = "pcie"
_MEMORY = re.compile(r"\b(\d+) ?(?:gb|gib|g)\b")
# How far a driver's bytes may be from the table's before it is another card: an RTX 4090 for laptops has 16 GB.
_MOST_DIFFERENCE = 0.08
_LEAST_LIKENESS = 0.6


def find_card(name: str) -> Card:
    """Return the card of that name; of several sizes, where the name does not say which, the smallest.

    Raises:
        ConfigError: for a name that is not known, or a size that a card does not come in.
    """
    called = cards_called(name)
    if not called:
        raise _unknown(name)
    return called[0]


def known_card(name: str | None) -> Card | None:
    """Return what `find_card` does, or None for a name that is not known."""
    return next(iter(cards_called(name)), None) if name is not None else None


def size_note(name: str | None) -> str | None:
    """Return the line that says which size a name is taken for; None where it leaves no choice."""
    called = cards_called(name) if name is not None else []
    if len(called) < 2:
        return None
    names = " or ".join(card.name for card in called)
    return f"{name} may be {names}: planned for the smaller, {called[0].name}."


def cards_called(name: str) -> list[Card]:
    """Return the cards that a name may mean, smallest first; they differ in memory alone."""
    exact = CARDS.get(name.strip().lower())
    if exact is not None:
        return [exact]
    for model, memory_gb in _readings(name):
        called = [card for card in _of_model(model) if memory_gb is None or _is_near(memory_gb, card.memory_gb)]
        if called:
            return called
    return []


def recognise_card(driver_name: str, total_bytes: int) -> Card | None:
    """Return the card that a driver describes ("NVIDIA A100-SXM4-80GB"), or None for one that is not known."""
    called = cards_called(driver_name)
    return next((card for card in called if _is_near(total_bytes, card.usable_bytes)), None)


def _readings(name: str) -> Iterator[tuple[str, int | None]]:
    """Yield a model and its memory in GB as a name may be read; a last number is the memory where no unit says so."""
    words = " ".join(re.findall(r"[a-z0-9]+", name.lower()))
    sizes = _MEMORY.findall(words)
    memory_gb = int(sizes[0]) if len(sizes) == 1 else None
    kept = [word for word in _MEMORY.sub(" ", words).split() if not _SILENT.fullmatch(word)]
    for model_words in (kept, [word for word in kept if word != _FORM]):
        yield _model(model_words), memory_gb
        if memory_gb is None and len(model_words) > 1 and model_words[-1].isdigit():
            yield _model(model_words[:-1]), int(model_words[-1])


def _model(words: list[str]) -> str:
    model = "".join(words).removeprefix("rtx")
    short = _SHORT_SUPER.fullmatch(model)
    return model if short is None else f"{short[1]}{short[2] or short[3] or ''}super"


def _of_model(model: str) -> list[Card]:
    alike = [card for card in CARDS.values() if _model_of(card) == model]
    return sorted(alike, key=lambda card: card.usable_bytes)


def _model_of(card: Card) -> str:
    return _model(card.name.removesuffix(f"-{card.memory_gb}").split("-"))


def _is_near(size: float, known: float) -> bool:
    return abs(size - known) <= _MOST_DIFFERENCE * known


def _unknown(name: str) -> ConfigError:
    of_other_size = next((found for model, _ in _readings(name) if (found := _of_model(model))), [])
    if of_other_size:
        sizes = " or ".join(f"{card.name} ({card.memory_gb} GB)" for card in of_other_size)
        return ConfigError(
            f"the card {name!r} is not known with that memory; {sizes} is.",
            hint=f"`{command('plan', '--gpu', of_other_size[0].name, '--vram', 'GIB')}` plans for it with other memory",
        )
    nearest = _nearest(name)
    guess = f" Did you mean {nearest!r}?" if nearest is not None else ""
    return ConfigError(
        f"the card {name!r} is not known.{guess}",
        hint="`leanrl cards` lists those that are; `leanrl plan --vram GIB` plans for any other",
    )


def _nearest(name: str) -> str | None:
    """Return a similar name: of the same series and number, then the most similar, then that of the nearest number."""
    model = next(_readings(name))[0]

    def distance(card: Card) -> tuple[bool, bool, float, int]:
        other = _model_of(card)
        difference = abs(_number(other) - _number(model))
        return (_series(other) != _series(model), difference > 0, -_likeness(model, other), difference)

    alike = [card for card in CARDS.values() if _likeness(model, _model_of(card)) >= _LEAST_LIKENESS]
    return min(alike, key=distance).name if alike else None


def _likeness(model: str, other: str) -> float:
    return difflib.SequenceMatcher(None, model, other).ratio()


def _series(model: str) -> str:
    return model[:1] if model[:1].isalpha() else ""


def _number(model: str) -> int:
    return int("".join(re.findall(r"\d+", model)[:1]) or 0)
