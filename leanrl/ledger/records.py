"""The bytes of a ledger: a line that names the format, then one record for each visit.

A record holds these fields, little-endian, without gaps:

    checksum     4 bytes       CRC-32 of the rest of the record
    step         4 bytes
    epoch        4 bytes
    group size   2 bytes       G
    id length    1 byte        I
    prompt id    I bytes       UTF-8
    rewards      8 G bytes     IEEE doubles, bit for bit, NaN too
    lengths      4 G bytes     tokens
    flags        G / 4 bytes   rounded up: one bit each of correct, then one bit each of truncated

A visit with the ids of `leanrl.types.prompt_id` takes 31 bytes beside its numbers.
"""

import struct
from collections.abc import Iterator, Sequence
from zlib import crc32

from leanrl.types import Visit

FORMAT = 1
_WORDS = b"leanrl ledger "
_CHECKSUM = struct.Struct("<I")
_FIELDS = struct.Struct("<IIHB")
_HEAD_BYTES = _CHECKSUM.size + _FIELDS.size
_LONGEST_HEADER = 32


def header() -> bytes:
    """Return the first line of a ledger file."""
    return _WORDS + str(FORMAT).encode() + b"\n"


def read_header(data: bytes) -> tuple[int, int] | None:
    """Return the format of a ledger file and where its records begin; None where it is no ledger."""
    end = data.find(b"\n", 0, _LONGEST_HEADER)
    number = data[len(_WORDS) : end]
    if end < 0 or not data.startswith(_WORDS) or not (number.isdigit() and number.isascii()):
        return None
    return int(number), end + 1


def pack_visit(prompt_id: str, visit: Visit) -> bytes:
    """Return the record of a visit.

    Raises:
        ValueError: if the visit is not one of a group, or a number does not fit its field.
    """
    name, size = prompt_id.encode("utf-8", errors="surrogatepass"), len(visit.rewards_G)
    sizes = {len(visit.correct_G), len(visit.lengths_G), len(visit.truncated_G)}
    if size == 0 or sizes != {size}:
        raise ValueError(f"a visit of prompt {prompt_id} has {size} rewards, and {sorted(sizes)} other values each.")
    try:
        body = _FIELDS.pack(visit.step, visit.epoch, size, len(name)) + name
        body += struct.pack(f"<{size}d{size}I", *visit.rewards_G, *visit.lengths_G)
    except struct.error as error:
        raise ValueError(f"a visit of prompt {prompt_id} does not fit a ledger: {error}") from error
    body += _pack_flags((*visit.correct_G, *visit.truncated_G))
    return _CHECKSUM.pack(crc32(body)) + body


def unpack_visit(record: bytes) -> Visit:
    """Return the visit of a record that `split_records` has found whole."""
    step, epoch, size, name_bytes = _FIELDS.unpack_from(record, _CHECKSUM.size)
    start = _HEAD_BYTES + name_bytes
    numbers = struct.unpack_from(f"<{size}d{size}I", record, start)
    flags = _unpack_flags(record[start + 12 * size :], count=2 * size)
    return Visit(step, epoch, numbers[:size], flags[:size], numbers[size:], flags[size:])


def prompt_of(record: bytes) -> str:
    """Return the prompt id of a record."""
    name_bytes = record[_HEAD_BYTES - 1]
    return record[_HEAD_BYTES : _HEAD_BYTES + name_bytes].decode("utf-8", errors="surrogatepass")


def step_of(record: bytes) -> int:
    """Return the step of a record."""
    return int.from_bytes(record[_CHECKSUM.size : _CHECKSUM.size + 4], "little")


def split_records(data: bytes, start: int) -> tuple[list[bytes], int]:
    """Return the records from `start` on, up to one that is cut short or damaged, and where they end."""
    records = list(_whole_records(data, start))
    return records, start + sum(map(len, records))


def _whole_records(data: bytes, start: int) -> Iterator[bytes]:
    while start + _HEAD_BYTES <= len(data):
        _, _, size, name_bytes = _FIELDS.unpack_from(data, start + _CHECKSUM.size)
        end = start + _HEAD_BYTES + name_bytes + 12 * size + _flag_bytes(2 * size)
        record = data[start:end]
        (checksum,) = _CHECKSUM.unpack_from(record)
        if end > len(data) or crc32(record[_CHECKSUM.size :]) != checksum:
            return
        yield record
        start = end


def _flag_bytes(count: int) -> int:
    return (count + 7) // 8


def _pack_flags(flags: Sequence[bool]) -> bytes:
    bits = sum(1 << place for place, flag in enumerate(flags) if flag)
    return bits.to_bytes(_flag_bytes(len(flags)), "little")


def _unpack_flags(data: bytes, *, count: int) -> tuple[bool, ...]:
    bits = int.from_bytes(data, "little")
    return tuple(bool(bits >> place & 1) for place in range(count))
