"""Seeds of completions."""

from hashlib import sha256

from leanrl.eval.drawing.schedule import Draw
from leanrl.eval.drawing.seeds import seed_of


def test_each_part_of_a_completion_s_name_changes_its_seed():
    named = [Draw("aime24", "1", 0), Draw("aime25", "1", 0), Draw("aime24", "10", 0), Draw("aime24", "1", 1)]
    seeds = {seed_of(draw, seed=seed) for draw in named for seed in (0, 1)}
    assert len(seeds) == 8
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_a_seed_is_the_same_in_every_process():
    """SHA-256 of "7, aime24, 60/I-1, 3" joined by zero bytes, the first 8 bytes without the lowest bit."""
    named = "7\0aime24\x0060/I-1\x003"
    assert seed_of(Draw("aime24", "60/I-1", 3), seed=7) == int(sha256(named.encode()).hexdigest()[:16], 16) // 2
