"""A record in words to write as a JSON object by a schema; there is one right object."""

import json
from random import Random
from typing import Any

from leanrl.data.tasks.task import MadeTask

_NAMES = ("Ada", "Bao", "Carla", "Dmitri", "Esi", "Farid", "Greta", "Hana", "Ivo", "Jun", "Kofi", "Lena")
_CITIES = ("Accra", "Bergen", "Cusco", "Dhaka", "Essen", "Fez", "Gdansk", "Hanoi")
_PETS = ("cat", "dog", "parrot", "tortoise", "rabbit")
_FIELDS_BY_LEVEL = (2, 3, 4, 5, 6)


def make_json_object(level: int, draw: Random) -> MadeTask:
    """Return a record of one more field with every level; the last fields are a list and an object."""
    properties, sentences, record = _person(draw)
    names = list(record)[: _FIELDS_BY_LEVEL[level - 1]]
    order = draw.sample(names, len(names))
    schema = {
        "type": "object",
        "properties": {name: properties[name] for name in order},
        "required": order,
        "additionalProperties": False,
    }
    text = " ".join(sentences[name] for name in names)
    problem = (
        f"Write what the text says as one JSON object that the schema allows.\nText: {text}\n"
        f"Schema: {json.dumps(schema)}\nPut the object, and nothing else, into a block that begins with ```json and "
        "ends with ```."
    )
    return MadeTask(problem, (json.dumps({name: record[name] for name in order}),))


def _person(draw: Random) -> tuple[dict[str, Any], dict[str, str], dict[str, Any]]:
    """Return schema, sentence and value of every field."""
    name, city, age = draw.choice(_NAMES), draw.choice(_CITIES), draw.randint(18, 90)
    pets = draw.sample(_PETS, draw.randint(1, 3))
    is_member = draw.random() < 0.5
    street, number = draw.choice(("Mill Lane", "Oak Road", "Quay Street")), draw.randint(1, 120)
    text, whole = {"type": "string"}, {"type": "integer"}
    address = {
        "type": "object",
        "properties": {"street": text, "number": whole},
        "required": ["street", "number"],
        "additionalProperties": False,
    }
    fields: dict[str, tuple[dict[str, Any], str, Any]] = {
        "name": (text, f"This is {name}.", name),
        "age": (whole, f"{name} is {age} years old.", age),
        "city": (text, f"Home is in {city}.", city),
        "is_member": ({"type": "boolean"}, f"{name} is {'' if is_member else 'not '}a member of the club.", is_member),
        "pets": (
            {"type": "array", "items": text},
            f"The pets, from the eldest to the youngest, are: {', '.join(pets)}.",
            pets,
        ),
        "address": (address, f"The house is number {number} of {street}.", {"street": street, "number": number}),
    }
    properties = {key: schema for key, (schema, _, _) in fields.items()}
    sentences = {key: sentence for key, (_, sentence, _) in fields.items()}
    return properties, sentences, {key: value for key, (_, _, value) in fields.items()}
