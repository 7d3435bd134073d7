"""Visits for tests: made by hand, from a seed, or by hypothesis."""

import struct
from random import Random

from hypothesis import strategies as st

from leanrl.types import Visit

Placed = tuple[str, Visit]
PROMPTS = st.from_regex(r"[0-9a-f]{16}", fullmatch=True)
COUNTS = st.integers(min_value=0, max_value=2**32 - 1)


def visit(*correct: bool, step: int = 0, reward: float = 0.5) -> Visit:
    """Return a group in which each completion has `reward` where it is correct, and 10 tokens."""
    size = len(correct)
    rewards = tuple(reward if right else 0.0 for right in correct)
    return Visit(step, 0, rewards, correct, (10,) * size, (False,) * size)


def bits_of(visit: Visit) -> tuple[object, ...]:
    """Return a visit with its rewards as bytes: two NaN are never equal, and 0.0 equals -0.0."""
    rewards = tuple(struct.pack("<d", reward) for reward in visit.rewards_G)
    return (visit.step, visit.epoch, rewards, visit.correct_G, visit.lengths_G, visit.truncated_G)


@st.composite
def visits(draw: st.DrawFn) -> Visit:
    """Any visit, of 1 to 20 completions; rewards of any bits."""
    size = draw(st.integers(min_value=1, max_value=20))

    def row(values: st.SearchStrategy[object]) -> tuple[object, ...]:
        return tuple(draw(st.lists(values, min_size=size, max_size=size)))

    doubles = st.binary(min_size=8, max_size=8).map(lambda data: struct.unpack("<d", data)[0])
    rewards, correct, lengths, truncated = (
        row(kind) for kind in (doubles | st.floats(), st.booleans(), COUNTS, st.booleans())
    )
    return Visit(draw(COUNTS), draw(COUNTS), rewards, correct, lengths, truncated)  # type: ignore[arg-type]


def drawn_history(num_visits: int, *, group_size: int = 8, num_prompts: int = 500, seed: int = 5) -> list[Placed]:
    """Return the visits of a run of 8 prompts a step, some easy and some hard."""
    draw = Random(seed)
    chances = [draw.choice((0.0, 1.0, draw.random())) for _ in range(num_prompts)]
    history = []
    for number in range(num_visits):
        prompt = draw.randrange(num_prompts)
        correct = tuple(draw.random() < chances[prompt] for _ in range(group_size))
        lengths = tuple(draw.randint(1, 4000) for _ in correct)
        rewards = tuple(1.0 * right + draw.random() for right in correct)
        truncated = tuple(length > 3500 for length in lengths)
        history.append((f"{prompt:016x}", Visit(number // 8, number // 4000, rewards, correct, lengths, truncated)))
    return history
