"""The held-out scores on the page: both, their difference, and what it is worth."""

from html import unescape
from typing import Any

import pytest

from leanrl.report.run_data import RunData
from leanrl.report.scores.heldout import HeldoutChange, score

SHOWN = {"value": 0.6, "low": 0.3648, "high": 0.8352, "p_value": 0.0005, "num_problems": 20, "is_shown": True}
UNSHOWN = {"value": 0.0, "low": -0.118, "high": 0.1, "p_value": 0.34, "num_problems": 26, "is_shown": False}


def told(change: dict[str, Any], *, smallest_seen: float | None = 0.3, after: float | None = 0.9) -> str:
    data = RunData("run", summary={"greedy_before": 0.3, "greedy_after": after, "num_eval": 20})
    return unescape(score(data, HeldoutChange(**change, smallest_seen=smallest_seen)))


def test_a_change_has_its_interval_and_p() -> None:
    page = told(SHOWN)
    assert "<strong>+60</strong> points, 95 % interval +36.5 to +83.5, p < 0.001, 20 problems, paired. " in page
    assert "A difference was shown." in page


@pytest.mark.parametrize(
    ("smallest", "said"),
    [(0.25, "this design sees 25.0 points or more."), (None, "so few problems show none.")],
)
def test_what_was_not_shown_says_what_could_have_been(smallest: float | None, said: str) -> None:
    page = told(UNSHOWN, smallest_seen=smallest)
    assert "95 % interval −11.8 to +10.0, p = 0.34, 26 problems, paired. No difference was shown; " + said in page


def test_without_the_score_after_training_there_is_no_change() -> None:
    page = told(SHOWN, after=None)
    assert "interval" not in page
    assert "the score after training is taken when the run ends" in page
