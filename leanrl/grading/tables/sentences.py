"""Words around a value in a sentence, as alternatives of a pattern: the answer is 5, the total area equals 5."""

# Only words that say nothing about the value. What denies, compares or hedges (not, wrong, about, twice) is not among
# them: it stays before the value, and makes words of it.
LEADS = (
    r"so|thus|hence|therefore|then|and so|finally|in conclusion|in total|as a result|"
    r"we (?:get|have|find|obtain|conclude)|this (?:gives|means|yields|implies)|it follows|which (?:gives|means|is)|that"
)
ADJECTIVES = (
    r"final|correct|right|required|desired|requested|exact|numerical|only|unique|total|maximum|minimum|maximal|minimal|"
    r"smallest|largest|least|greatest|possible|simplified|best|real|correct answer"
)
ANNOUNCED = r"answer|result|solution"
ANSWERS = rf"{ANNOUNCED}|ans|option|choice"
QUANTITIES = (
    r"value|number|sum|total|product|difference|quotient|remainder|ratio|probability|area|volume|length|width|height|"
    r"perimeter|circumference|radius|diameter|distance|speed|time|angle|cost|price|amount|root|limit|"
    r"integral|derivative|determinant|slope|equation|expression|function|set|range|domain|maximum|minimum|mean|median|mode|average|age"
)
LINK = (
    r"(?:is|are|was|will be|must be|should be|would be|equals?|comes? (?:out )?to)"
    r"(?: equal to| given by| therefore| then)?"
)
SUBJECTS = r"it|this|there|he|she|they|we|you"
DOES = r"is|are|has|have|needs?|takes?|costs?|pays?|earns?|equals?|gets?"
CHINESE_LEAD = r"(?:所以|因此|故|则)?(?:最终|最后|正确)?的?(?:答案|结果)(?:为|是|:)+"
# Behind one of these an announcement goes on: the answer is 5, which is odd.
GOES_ON = r"because|since|which|so"
CONCLUDES = r"so|thus|hence|therefore|then"
# What begins no answer, though "the answer is" stands before it.
NO_ANSWERS = ("not ", "unknown", "unclear", "as follows", "given", "shown", "below", "above")
# What may stand between boxes that list values one by one. A word that takes back what was boxed (no, wait, must be) or
# restates it (answer, so) ties nothing.
COUNTING = (
    r"and|or|also|the|an?|other|another|first|second|third|fourth|one|is|are|as well as|together with|along with|"
    r"roots?|solutions?|zeros?|values?|numbers?|parts?|cases?|points?"
)
# Words that join a value to what follows; no unit begins with one.
JOINS = r"and|or|if|for|when|where|with|is|are|to|from|than|then|choose|mod"
