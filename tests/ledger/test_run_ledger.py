"""RunLedger: what goes in comes out bit for bit, small, and a broken file is named."""

import math
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leanrl.errors import ConfigError
from leanrl.ledger.records import pack_visit
from leanrl.ledger.run_ledger import RunLedger
from leanrl.storage.checkpoint_files import seal
from leanrl.types import Ledger, Row, Visit, prompt_id
from tests.ledger.visits import PROMPTS, Placed, bits_of, drawn_history, visit, visits

OTHER = "f" * 16
HEADER = b"leanrl ledger 1\n"


def ledger_of(history: list[Placed]) -> RunLedger:
    ledger = RunLedger()
    for prompt, each in history:
        ledger.add(prompt, each)
    return ledger


def all_bits(ledger: RunLedger) -> list[tuple[object, ...]]:
    return [(prompt, *bits_of(each)) for prompt, each in ledger]


def bytes_of(history: list[Placed]) -> bytes:
    return HEADER + b"".join(pack_visit(prompt, each) for prompt, each in history)


def test_visits_are_those_of_a_prompt_oldest_first() -> None:
    first, second, of_other = visit(True, False), visit(True, True, step=3), visit(False, step=1)
    ledger: Ledger = ledger_of([("a", first), (OTHER, of_other), ("a", second)])
    assert list(ledger.visits("a")) == [first, second]
    assert list(ledger.visits(OTHER)) == [of_other]
    assert list(ledger.visits("b")) == []


def test_it_goes_through_its_visits_in_the_order_of_adding() -> None:
    history = [("b", visit(True)), ("a", visit(False)), ("b", visit(False, step=1))]
    ledger = ledger_of(history)
    assert list(ledger) == history
    assert len(ledger) == 3
    assert ledger.prompt_ids == ["b", "a"]
    assert "a" in ledger
    assert "c" not in ledger


@settings(max_examples=20)  # each example flushes a file to the disk twice
@given(st.lists(st.tuples(PROMPTS | st.text(max_size=20), visits()), max_size=12))
def test_a_file_gives_every_visit_back_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, history: list[Placed]
) -> None:
    path = tmp_path_factory.getbasetemp() / "round_trip.dat"
    ledger = ledger_of(history)
    ledger.save(path)
    loaded = RunLedger.load(path)
    assert all_bits(loaded) == [(prompt, *bits_of(each)) for prompt, each in history]
    assert loaded.prompt_ids == ledger.prompt_ids
    written = path.read_bytes()
    loaded.save(path)
    assert path.read_bytes() == written


def test_a_nan_stays_the_nan_that_it_was(tmp_path: Path) -> None:
    skipped = Visit(0, 0, (math.nan, -math.nan, -0.0, math.inf), (False,) * 4, (1,) * 4, (False,) * 4)
    ledger_of([("a", skipped)]).save(tmp_path / "ledger.dat")
    (loaded,) = RunLedger.load(tmp_path / "ledger.dat").visits("a")
    assert bits_of(loaded) == bits_of(skipped)


@pytest.mark.parametrize("group_size", [6, 8, 16])
def test_a_visit_takes_under_100_bytes_beside_its_numbers(tmp_path: Path, group_size: int) -> None:
    """A reward takes 8 bytes, a length 4, correct and truncated a bit each: 31 bytes and a part of one are left."""
    num_visits = 1000
    row = Row("gsm8k:17", "How many?", "4", "How many?")
    history = [(prompt_id(row), each) for _, each in drawn_history(num_visits, group_size=group_size)]
    ledger_of(history).save(tmp_path / "ledger.dat")
    beside = ((tmp_path / "ledger.dat").stat().st_size - len(HEADER)) / num_visits - group_size * (8 + 4 + 2 / 8)
    assert 31 <= beside < 32


def test_the_bytes_are_the_documented_ones(tmp_path: Path) -> None:
    """Checksum; step 5, epoch 1, G 2, id of 1 byte; rewards 1 and 0; 3 and 256 tokens; bits 1,0 and 0,1: 0b1001."""
    ledger_of([("a", Visit(5, 1, (1.0, 0.0), (True, False), (3, 256), (False, True)))]).save(tmp_path / "ledger.dat")
    body = "05000000 01000000 0200 01 61 000000000000f03f 0000000000000000 03000000 00010000 09"
    written = (tmp_path / "ledger.dat").read_bytes()
    assert written[:16] == HEADER
    assert written[20:] == bytes.fromhex(body)


def test_an_empty_ledger_is_a_file_with_a_header(tmp_path: Path) -> None:
    RunLedger().save(tmp_path / "ledger.dat")
    assert (tmp_path / "ledger.dat").read_bytes() == HEADER
    assert len(RunLedger.load(tmp_path / "ledger.dat")) == 0


def test_saving_leaves_nothing_else_behind(tmp_path: Path) -> None:
    ledger_of(drawn_history(3)).save(tmp_path / "ledger.dat")
    assert [path.name for path in tmp_path.iterdir()] == ["ledger.dat"]


def test_a_kill_while_it_is_saved_leaves_the_file_of_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kill comes before the new bytes have the name."""
    path = tmp_path / "ledger.dat"
    ledger_of(drawn_history(3)).save(path)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            ledger_of(drawn_history(9)).save(path)
    assert list(RunLedger.load(path)) == drawn_history(3)


def test_a_checkpoint_takes_the_visits_before_its_step() -> None:
    """Step 2 was begun when memory ran out: 2 steps are finished, and its visits come again."""
    ledger = ledger_of([("a", visit(True, step=0)), ("a", visit(True, step=1)), ("b", visit(True, step=2))])
    assert [(prompt, each.step) for prompt, each in ledger.before(2)] == [("a", 0), ("a", 1)]
    assert ledger.before(2).prompt_ids == ["a"]
    assert len(ledger) == 3


@pytest.mark.parametrize(
    "wrong",
    [
        Visit(0, 0, (), (), (), ()),
        Visit(0, 0, (1.0,), (True, True), (1,), (True,)),
        Visit(0, 0, (1.0,), (True,), (1, 2), (True,)),
        Visit(0, 0, (1.0,), (True,), (1,), ()),
        Visit(-1, 0, (1.0,), (True,), (1,), (True,)),
        Visit(0, 0, (1.0,), (True,), (2**32,), (True,)),
    ],
)
def test_what_is_no_visit_of_a_group_is_refused(wrong: Visit) -> None:
    ledger = RunLedger()
    with pytest.raises(ValueError, match="prompt a"):
        ledger.add("a", wrong)
    assert len(ledger) == 0


def cut(data: bytes) -> bytes:
    return data[:-3]


def changed(data: bytes) -> bytes:
    place = len(data) // 2
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def lengthened(data: bytes) -> bytes:
    return data + bytes(512)  # what a power cut makes of a file


def without_header(data: bytes) -> bytes:
    return data[len(HEADER) :]


def half_a_header(data: bytes) -> bytes:
    return data[:7]


def emptied(_: bytes) -> bytes:
    return b""


@pytest.mark.parametrize("spoil", [cut, changed, lengthened, without_header, half_a_header, emptied])
def test_a_broken_file_is_named_with_what_to_do(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "my run" / "ledger.dat"
    path.parent.mkdir()
    ledger_of(drawn_history(5)).save(path)
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(ConfigError) as caught:
        RunLedger.load(path)
    assert str(path) in caught.value.message
    assert f"leanrl train --resume '{path.parent}'" in str(caught.value.hint)


def test_a_broken_file_of_a_checkpoint_points_at_the_checkpoint_before_it(tmp_path: Path) -> None:
    checkpoint = tmp_path / "checkpoints" / "step-000010"
    checkpoint.mkdir(parents=True)
    path = checkpoint / "ledger.dat"
    ledger_of(drawn_history(5)).save(path)
    seal(checkpoint, step=10)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ConfigError, match="can be read, with 4 visits") as caught:
        RunLedger.load(path)
    assert caught.value.hint == (
        f"move {checkpoint} away; `leanrl train --resume {tmp_path}` goes on from the checkpoint before it"
    )


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.dat cannot be read: No such file"):
        RunLedger.load(tmp_path / "absent.dat")


@pytest.mark.parametrize("loads", [RunLedger.load, RunLedger.load_whole_records])
def test_a_newer_format_is_refused_by_name(tmp_path: Path, loads: Callable[[Path], object]) -> None:
    path = tmp_path / "ledger.dat"
    path.write_bytes(b"leanrl ledger 12\n and what it holds")
    with pytest.raises(ConfigError, match="ledger format 12; this leanrl reads format 1") as caught:
        loads(path)
    assert "env.json" in str(caught.value.hint)


@given(st.data())
def test_a_file_that_is_cut_anywhere_gives_its_whole_visits(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "cut.dat"
    history = data.draw(st.lists(st.tuples(PROMPTS, visits()), max_size=5))
    whole = bytes_of(history)
    end = data.draw(st.integers(min_value=0, max_value=len(whole)))
    path.write_bytes(whole[:end])
    loaded, damage = RunLedger.load_whole_records(path)
    read = bytes_of(list(loaded))
    assert whole.startswith(read)
    assert (damage is None) == (len(read) == end)
    assert len(read) <= max(end, len(HEADER))


def test_a_visit_that_was_changed_ends_what_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "ledger.dat"
    ledger_of(drawn_history(10)).save(path)
    path.write_bytes(changed(path.read_bytes()))
    loaded, damage = RunLedger.load_whole_records(path)
    assert list(loaded) == drawn_history(10)[: len(loaded)]
    readable_bytes = len(HEADER) + len(loaded) * (31 + 8 * 12 + 2)
    assert damage == f"is cut short or damaged: of its 1306 bytes, {readable_bytes} can be read, with 4 visits."


def test_two_sessions_of_the_same_visits_write_the_same_bytes(tmp_path: Path) -> None:
    for name in ("first", "second"):
        ledger_of(drawn_history(50)).save(tmp_path / name)
    assert (tmp_path / "first").read_bytes() == (tmp_path / "second").read_bytes()
