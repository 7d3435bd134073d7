"""A task of one's own: problems that are made here, and a reward that checks their answers.

    python examples/custom_task.py                        # writes custom_task.jsonl
    leanrl train -s data.path=custom_task.jsonl --plugin examples/custom_task.py -s rewards.fewest_coins=1.0 \\
        -s rewards.accuracy=0

A task needs two things: rows with a problem and a gold answer, and a reward that reads them. Several answers may be
right here, so the reward checks an answer by the rule of the task, with the row's column `amount`. Where one value is
right, no reward of your own is needed: `rewards.accuracy` compares it.
"""

import json
import random
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from leanrl.rewards.registry import reward

COINS = (1, 2, 5, 10, 20, 50)
_BOX = re.compile(r"\\boxed\{([\d\s+,]*)\}")


def rows(num_rows: int, *, seed: int, level: int = 1) -> Iterator[dict[str, Any]]:
    """Yield problems; a seed gives the same ones each time, and a higher level asks for larger amounts."""
    draw = random.Random(seed)
    for number in range(num_rows):
        amount = draw.randint(3, 30 * 4**level)
        yield {
            "id": f"coins-{level}-{seed}-{number}",
            "problem": f"Pay {amount} cents with as few coins as possible. The coins are {', '.join(map(str, COINS))}. "
            "Write the coins with plus signs between them in a box.",
            "answer": " + ".join(map(str, fewest(amount))),
            "amount": amount,
            "level": level,
        }


def fewest(amount: int) -> list[int]:
    """Return the fewest coins that make an amount; the largest first is right for these coins."""
    coins = []
    for coin in sorted(COINS, reverse=True):
        count, amount = divmod(amount, coin)
        coins += [coin] * count
    return coins


@reward("fewest_coins")
def fewest_coins(completion: str | list[dict[str, str]], amount: int, any_number: float = 0.0) -> float:
    """Return 1 for the fewest coins that make the amount, `any_number` for more of them, else 0.

    `amount` is the row's column of that name; `any_number` has a default, so that it is an option.
    """
    text = completion if isinstance(completion, str) else completion[-1]["content"]
    boxes = _BOX.findall(text)
    coins = [int(coin) for coin in re.findall(r"\d{1,3}", boxes[-1])] if boxes else []
    if sum(coins) != int(amount) or not set(coins) <= set(COINS):
        return 0.0
    return 1.0 if len(coins) == len(fewest(int(amount))) else any_number


if __name__ == "__main__":
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "custom_task.jsonl")
    out.write_text("".join(json.dumps(row) + "\n" for row in rows(1000, seed=0)), encoding="utf-8")
    print(out)
