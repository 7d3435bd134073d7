"""docs/rewards.md names what there is."""

import re
from pathlib import Path

from leanrl.prompting.thinking import is_opening_tag
from leanrl.rewards.registry import is_shipped, known_rewards

PAGE = (Path(__file__).parents[2] / "docs" / "rewards.md").read_text(encoding="utf-8")


def test_every_reward_has_its_row():
    rows = re.findall(r"^\| (`[a-z_]+`(?:, `[a-z_]+`)*) \|", PAGE, re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    shipped = {name for name in known_rewards() if is_shipped(name)}
    assert {name for name in named if name in known_rewards()} == shipped


def test_every_tag_that_it_names_opens_a_thinking_part():
    (sentence,) = re.findall(r"One table names the tags \(`[^`]+`\): (.*?) and others", PAGE, re.DOTALL)
    assert all(map(is_opening_tag, re.findall(r"`([^`]+)`", sentence)))
