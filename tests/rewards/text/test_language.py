"""The language a completion is written in."""

import pytest

from leanrl.rewards.language_consistency import language_consistency
from leanrl.rewards.text.language import language_share, other_script_share
from tests.rewards.sample import make_sample

ENGLISH = "First we add the two numbers. Then we divide the sum by two, which gives the answer."
GERMAN = "Zuerst addieren wir die beiden Zahlen. Dann teilen wir die Summe durch zwei und erhalten die Antwort."


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        (ENGLISH, "en", 1.0),
        (GERMAN, "de", 1.0),
        (GERMAN, "en", 0.0),  # the same script, told apart by its sentences
        (ENGLISH, "de", 0.0),
        ("首先把两个数相加", "zh", 1.0),
        ("首先把两个数相加", "en", 0.0),
        ("Сначала сложим два числа", "ru", 1.0),
        ("Сначала сложим два числа", "en", 0.0),
        ("We add 两 个 numbers", "en", 0.6),  # we, add, numbers of five words
        ("We know 答案 here", "en", 0.6),  # a Chinese letter is a word: we, know, here of five
        (r"So $x = \text{gleich}$ and \(y\) hold \[ z = 3 \] here", "en", 1.0),  # formulas are left out
        (r"\begin{aligned} x &= 1 \end{aligned} holds", "en", 1.0),
        ("```\nwenn dann sonst\n``` is code", "en", 1.0),
        ("Let x and π be given", "en", 1.0),  # single letters are mathematics
        (GERMAN.replace(" ", "-"), "en", 0.0),  # a hyphen ends a word
        (rf"$\mathit{{{GERMAN}}}$".replace(" ", r"\ "), "en", 0.0),
        (f"${GERMAN}$".replace(" ", "~"), "en", 0.0),
        ("Hmm. Also gut.", "en", 1.0),  # too short to tell
    ],
)
def test_share_of_words(text, language, expected):
    """Words in the language over all words, formulas left out."""
    assert language_share(text, language) == pytest.approx(expected)


CHINESE = "答案是五因为二加三等于五" * 5
FRENCH = "la réponse est bien égale au nombre cinq"


@pytest.mark.parametrize(
    "hidden",
    [
        "$${}$$",
        "${}$",
        r"\[{}\]",
        r"\({}\)",
        "`{}`",
        "```\n{}\n```",
        r"\boxed{{{}}}",
        "<{}>",
        "http://{}",
        r"$\text{{{}}}$",
    ],
)
def test_words_of_another_script_count_wherever_they_stand(hidden):
    """One English word and sixty Chinese ones, each a letter."""
    assert language_share("Hello " + hidden.format(CHINESE), "en") == pytest.approx(1 / 61)
    assert language_share("Hello " + hidden.format(CHINESE), "zh") == pytest.approx(60 / 61)


@pytest.mark.parametrize(
    "hidden",
    [r"$\text{{{}}}$", r"\[x = \mbox{{{}}}\]", r"$$\text{{{}, {{et}} voilà}}$$", "$${}$$", "`{}`", r"\boxed{{{}}}"],
)
def test_prose_counts_wherever_it_stands(hidden):
    """Eight French words and more in a text command, or in a row."""
    assert language_share(hidden.format(FRENCH), "en") == 0.0
    assert language_share(hidden.format(FRENCH), "fr") == 1.0


@pytest.mark.parametrize(
    "formula",
    [
        r"$ab + cd$",
        r"$\alpha\beta\gamma$",
        "$αβγ = δε$",
        "$𝑎𝑏 + ℝℂ$",
        r"$\mathrm{cm}$",
        r"\(sin \theta cos \phi tan \psi cot\)",
        "`for item in items: total += item`",
        "```\nimport numpy\nimport pandas\nimport torch\n```",
        "<think>",
        "https://example.org/some-path",
    ],
)
def test_names_in_mathematics_and_code_are_no_words(formula):
    assert language_share(formula, "en") is None


@pytest.mark.parametrize("num_words", [2, 3])
def test_a_text_broken_into_short_lines_is_told_by_all_of_them(num_words):
    words = GERMAN.split()
    lines = "\n".join(" ".join(words[at : at + num_words]) for at in range(0, len(words), num_words))
    assert language_share(lines, "en") == 0.0
    assert language_share(lines, "de") == 1.0
    assert language_share(f"{ENGLISH}\n{lines}", "en") == pytest.approx(
        len(ENGLISH.split()) / (len(ENGLISH.split()) + len(words))
    )


@pytest.mark.parametrize("text", ["", "3 + 2 = 5", r"$x$", r"\boxed{5}", "x", "🙂"])
def test_a_text_without_words_has_no_share(text):
    """Nothing to be consistent: no fraction, and no reward (gamed: an empty text would be perfectly consistent)."""
    assert language_share(text, "en") is None
    assert language_consistency(make_sample(text)) == 0.0


def test_half_a_completion_in_another_language():
    """An English half of 17 words and a German one of 17: 17 of 34."""
    english = "First we add the two given numbers together. Then we divide the sum by two to get there."
    german = "Zuerst addieren wir die beiden gegebenen Zahlen hier. Danach teilen wir die Summe durch zwei und fertig."
    counts = [len(text.split()) for text in (english, german)]
    expected = counts[0] / sum(counts)
    assert language_consistency(make_sample(f"{english}\n{german}")) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["\\[" * 50_000, "$" * 100_001, "```" * 33_333, "\\(" * 50_000, "`" * 100_000])
def test_a_text_of_nothing_but_openings_is_read_once(text):
    """The reward runs in the trainer's process: no text may keep it busy."""
    assert language_share(text, "en") is None


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("The answer is 5.", "en", 0.0),
        ("答案是 abc", "en", 0.5),  # three letters of six
        ("ответ abcde", "en", 0.5),
        ("ответ", "ru", 0.0),
        ("x in ru", "ru", 0.0),  # Latin letters may be formulas
        ("2πr and 𝑥² + é", "en", 0.0),  # formulas have Greek and Unicode's own letters
        ("答案", "zh", 0.0),
        ("12 + 3 = 15 🙂", "en", None),
        ("", "en", None),
    ],
)
def test_letters_in_other_scripts(text, language, expected):
    assert other_script_share(text, language) == expected
