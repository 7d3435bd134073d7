"""Words around a value, and the sentences that they make: the answer is 5, the total area equals 5, x_1 = 5 and."""

# Only words that say nothing about the value. What denies, compares or hedges (not, wrong, about, twice) is not among
# them: it stays before the value, and makes words of it.
_LEADS = (
    r"so|thus|hence|therefore|then|and so|finally|in conclusion|in total|as a result|exactly|"
    r"we (?:get|have|find|obtain|conclude)|this (?:gives|means|yields|implies)|it follows|which (?:gives|means|is)|that"
)
_ADJECTIVES = (
    r"final|correct|right|required|desired|requested|exact|numerical|only|unique|total|maximum|minimum|maximal|minimal|"
    r"smallest|largest|least|greatest|possible|simplified|best|real|correct answer"
)
_ANNOUNCED = r"answer|result|solution"
_ANSWERS = rf"{_ANNOUNCED}|ans|option|choice"
_QUANTITIES = (
    r"value|number|sum|total|product|difference|quotient|remainder|ratio|probability|area|volume|length|width|height|"
    r"perimeter|circumference|radius|diameter|distance|speed|time|angle|cost|price|amount|root|limit|"
    r"integral|derivative|determinant|slope|equation|expression|function|set|range|domain|maximum|minimum|mean|median|mode|average|age"
)
_LINK = (
    r"(?:is|are|was|will be|must be|should be|would be|equals?|comes? (?:out )?to)"
    r"(?: equal to| given by| therefore| then)?"
)
_SUBJECTS = r"it|this|there|he|she|they|we|you"
_DOES = r"is|are|has|have|needs?|takes?|costs?|pays?|earns?|equals?|gets?"
# Behind one of these an announcement goes on: the answer is 5, which is odd.
GOES_ON = r"because|since|which|so"
CONCLUDES = r"so|thus|hence|therefore|then"
# What begins no answer, though "the answer is" stands before it.
NO_ANSWERS = ("not ", "unknown", "unclear", "as follows", "given", "shown", "below", "above")
# What may stand between boxes that list values one by one. A word that takes back what was boxed (no, wait, must be) or
# restates it (answer, so) ties nothing.
_COUNTING = (
    r"and|or|also|the|an?|other|another|first|second|third|fourth|one|is|are|as well as|together with|along with|"
    r"roots?|solutions?|zeros?|values?|numbers?|parts?|cases?|points?"
)
# Words that join a value to what follows; no unit begins with one.
JOINS = r"and|or|if|for|when|where|with|is|are|to|from|than|then|choose|mod"

# What introduces a value at the beginning of a text, and what says behind it that it is the answer. A space in these
# patterns is all that only sets words: spaces, \text, its braces.
_ADJECTIVE = rf"(?:(?:{_ADJECTIVES}) )*+"
INTRODUCTION = (
    rf" ?(?:(?:{_LEADS})(?: |,)+)*+(?:"
    rf"(?:(?:the|our|my|its|an?) )?{_ADJECTIVE}(?:{_ANSWERS})s?(?: to (?:the|this) (?:problem|question))?"
    rf"(?: {_LINK} ?:?| ?[:=.])"
    rf"|(?:the|our|its) (?P<name>{_ADJECTIVE}(?:{_QUANTITIES})s?(?: (?:of|for) [^=<>:.]{{1,40}}?)?) {_LINK}"
    rf"|(?:{_SUBJECTS}) (?:{_DOES})"
    rf"|(?=.)) *"
)
IS_THE_ANSWER = rf" (?:is|are) (?:the|our|my) {_ADJECTIVE}(?:{_ANSWERS})s?(?: |[.!])*+$"
CHINESE_INTRODUCTION = r" ?(?:所以|因此|故|则)?(?:最终|最后|正确)?的?(?:答案|结果)(?:为|是|:)+ ?"

# What announces an answer anywhere in a completion, and only where a sentence begins in the text of a gold. There marks
# of emphasis stand around the announcement, the answer or both: **Answer:** 42, The answer is **42**.
ANNOUNCED_ANSWER = (
    rf"\b(?:{_ANNOUNCED})\b(?:[^.:\n=]{{0,60}}?\b(?:is|are|was)\b(?:[ \t]*:)?|[ \t*_]*[:=])"
    r"[\s*_]*(?P<answer>\S.*)"
)
_CONCLUDED = "|".join(rf"(?<=\b{word})" for word in CONCLUDES.split("|"))
ANNOUNCEMENT_OF_A_GOLD = (
    rf"(?:^|(?<=[.!?:;\n,*])|{_CONCLUDED})[\s*_#]*"
    rf"(?:the\s+|my\s+)?(?:(?:final|correct|right)\s+)?(?:{_ANNOUNCED}|answers|ans)[*_]*"
    r"(?:\s+(?:is|are|equals|will\s+be)\b\s*:?|\s*[:=]|(?=\n))[*_]*"
)
# Where an answer in a sentence ends, and what goes on as more than an answer.
SENTENCE_END = rf"[.!?](?:\s|$)|,? (?:{GOES_ON})\b|(?<=\d), (?!and\b|or\b)(?=[A-Za-z]{{2}})"
REASON_FOLLOWS = rf"[.!?]\s+\S|\b(?:{GOES_ON}|{CONCLUDES}|but)\b"

# What stands between boxes that list values one by one: names (x_1 =), numbers of a list, and words that only count on.
BOX_NAME = r"[A-Za-z](?:_\{?\w{1,5}\}?)?"
BETWEEN_LISTED_BOXES = (
    rf"(?:\s|\$|\\[()\[\],;:!\\]|\\q?quad\b|[&~,;.:*•-]|\\(?:text|mbox|mathrm|textbf)\s*+\{{|\}}|\\begin\{{\w++\*?\}}|\\end\{{\w++\*?\}}"
    rf"|\b(?:{_COUNTING})(?![A-Za-z])|{BOX_NAME}\s*+&?\s*+=|\d{{1,2}}(?=[.):])|\([a-z\d]{{1,3}}\)|(?<=\d)\))*+"
)
