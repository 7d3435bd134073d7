"""Chat templates that do to a prompt what those of known families do, written for tests."""

_TURN = "{{ '<' + message.role + '>' + message.content | trim + '</' + message.role + '>' }}"
_OPEN = "{% if add_generation_prompt %}<assistant>{% endif %}"

# Keeps everything.
PLAIN = "{% for message in messages %}" + _TURN + "{% endfor %}" + _OPEN

# Mistral v0.1, Gemma 2: refuses a system message.
NO_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('System role not supported') }}{% endif %}" + PLAIN

# Mistral v0.2: roles have to alternate from the user's on, said about the order and not about the system message.
ALTERNATING = (
    "{% for message in messages %}"
    "{% if (message.role == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}{% endif %}"
    + _TURN
    + "{% endfor %}"
    + _OPEN
)

# Gemma 3, Mistral v0.3: the system message stands at the head of the user's.
MERGES_SYSTEM = (
    "{% set first = '' %}{% set rest = messages %}"
    "{% if messages[0].role == 'system' %}{% set first = messages[0].content + '\n\n' %}"
    "{% set rest = messages[1:] %}{% endif %}"
    "{% for message in rest %}"
    "{{ '<' + message.role + '>' + (first if loop.first else '') + message.content + '</' + message.role + '>' }}"
    "{% endfor %}" + _OPEN
)

# Qwen2.5, SmolLM2: a system message of its own where none is given.
OWN_SYSTEM = "{% if messages[0].role != 'system' %}{{ '<system>You help.</system>' }}{% endif %}" + PLAIN

# Goes through user and assistant turns alone.
DROPS_SYSTEM = (
    "{% for message in messages %}{% if message.role != 'system' %}" + _TURN + "{% endif %}{% endfor %}" + _OPEN
)

# R1: thinking of earlier answers is cut, and the prompt opens the next one.
CUTS_THINKING = (
    "{% for message in messages %}{% set text = message.content %}"
    "{% if message.role == 'assistant' and '</think>' in text %}{% set text = text.split('</think>')[-1] %}{% endif %}"
    "{{ '<' + message.role + '>' + text + '</' + message.role + '>' }}{% endfor %}"
    "{% if add_generation_prompt %}<assistant><think>\n{% endif %}"
)

# Qwen3: the same, with a switch that closes the thinking before it begins.
SWITCHES_THINKING = CUTS_THINKING.replace(
    "<assistant><think>\n",
    "<assistant>{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n{% endif %}",
)

# Keeps thinking, and breaks its lines as it likes.
KEEPS_THINKING = PLAIN.replace("message.content | trim", "message.content.replace('<think>', '<think>\n') | trim")

# Answers of earlier turns are left out.
LAST_TURN = "{{ '<user>' + messages[-1].content + '</user>' }}" + _OPEN

# Nothing of the conversation is there.
EMPTY = "Hello." + _OPEN

# Faults of a template's own.
BROKEN = "{% for message in messages %}"
UNDEFINED = "{{ messages[0].nothing.at_all }}"
WRONG_TYPE = "{{ messages[0].content + 1 }}"
DIVIDES = "{{ 1 // 0 }}"
