"""The reward for staying in one language."""

from leanrl.rewards.text.language import language_share
from leanrl.types import Language, Sample


def language_consistency(sample: Sample, *, language: Language = "en") -> float:
    """Return the fraction of the completion's words that are in the language, 0 to 1; 0 if it has no words.

    Mathematics and code are left out but for their words: text commands, other scripts than Latin, and prose. Words in
    another script or in a sentence of another language count against it; short lines are told together.
    A text without words is not consistent, or saying nothing would pay in full.

    Source: DeepSeek-R1, arXiv 2501.12948, sec. 2.3.2 (fraction of target-language words in the chain of thought);
    how words and sentences are told apart is ours, with py3langid.
    """
    return language_share(sample.text, language) or 0.0
