"""Problems written for these tests: one that leaks, its kin, and forms of speech."""

from leanrl.curation.decontamination.index import EvaluationProblem

FERRY = (
    "A ferry leaves the harbour of Karlsund at noon with 18 crates of apples and 7 crates of pears, sells four crates "
    "on each island that it visits, and returns when fewer than six crates are left. How many islands does it visit?"
)
# The same with other words at its ends: what a scraper leaves.
FERRY_IN_A_LIST = f"Problem 7 (hard). {FERRY} Give your answer as an integer."
FERRY_WITH_OTHER_NUMBERS = FERRY.replace("18", "30").replace("four", "three")
KITE = "A kite has diagonals of 12 and 20. What is its area?"
FORM = "where m and n are relatively prime positive integers find m plus n and write the number in base ten"
ASKED_WITH_FORM = f"The slope of the shortest chord of a lens is m/n, {FORM}"

EVALUATION = [
    EvaluationProblem("ferries", "f1", FERRY, "5"),
    EvaluationProblem("chords", "c1", ASKED_WITH_FORM, "17"),
]


def training_with_form(count: int) -> list[str]:
    """Return different problems that end in one form of speech."""
    return [f"Urn number {number} gives a red ball with probability m/n, {FORM}" for number in range(count)]
