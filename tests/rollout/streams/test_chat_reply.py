"""The reply of a chat server: events put together, and what is none named."""

import json

import pytest

from leanrl.rollout.streams.chat_reply import EventsReply, ReplyError, WholeReply


def event(delta: dict, **more: object) -> bytes:
    return b"data: " + json.dumps({"choices": [{"delta": delta, **more}]}, ensure_ascii=False).encode() + b"\n\n"


def put_together(body: bytes) -> dict:
    reply = EventsReply()
    reply.feed(body)
    return reply.content()


USAGE = b'data: {"choices": [], "usage": {"completion_tokens": 7}, "model": "tiny"}\n\n'
PIECES = [
    event({"role": "assistant", "content": ""}, finish_reason=None),
    event({"reasoning_content": "hm"}),
    event({"content": "4\u2028"}),
    event({"content": "2é"}),
    event({}, finish_reason="length"),
    USAGE,
    b"data: [DONE]\n\n",
]


@pytest.mark.parametrize("num_bytes", [1, 7, 10_000])
def test_events_come_to_a_completion_however_they_are_cut(num_bytes: int):
    """A cut may fall within a character; U+2028 ends a line for Python and not for a stream."""
    reply, body = EventsReply(), b"".join(PIECES)
    for start in range(0, len(body), num_bytes):
        reply.feed(body[start : start + num_bytes])
    message = {"content": "4\u20282é", "reasoning_content": "hm"}
    assert reply.content() == {
        "model": "tiny",
        "usage": {"completion_tokens": 7},
        "choices": [{"message": message, "finish_reason": "length"}],
    }


@pytest.mark.parametrize("last", [b"data: [DONE]", event({"content": "!"}, finish_reason="stop").rstrip()])
def test_either_mark_ends_a_completion(last: bytes):
    assert put_together(event({"content": "4"}) + last)["choices"][0]["message"]["content"].startswith("4")


@pytest.mark.parametrize(
    ("body", "lack", "said"),
    [
        (event({"content": "4"}), "no end of a completion", "data: "),
        (b"", "no chat completion", ""),
        (b"data: [DONE]\n", "no chat completion", "data: [DONE]"),
        (event({"content": "4"}) + b'data: {"error": {"message": "dead"}}\n', "no chat completion", '{"error"'),
        (b"data: <html>\n", "no chat completion", "<html>"),
        (b'data: {"choices": [3]}\n', "no chat completion", '{"choices"'),
        (event({"content": ["4"]}), "no text", '{"choices"'),
    ],
)
def test_events_that_are_no_completion_are_named(body: bytes, lack: str, said: str):
    with pytest.raises(ReplyError) as caught:
        put_together(body)
    assert caught.value.lack == lack
    assert caught.value.said.startswith(said)


def test_only_events_bring_an_answer_on():
    reply = EventsReply()
    assert not reply.feed(b": ping\n\n")
    assert not reply.feed(b'data: {"choi')
    assert reply.feed(b'ces": []}\n')


def test_a_whole_reply():
    reply = WholeReply()
    assert reply.feed(b'{"choices"')
    assert reply.feed(b": []}")
    assert reply.content() == {"choices": []}
    reply.feed(b"x")
    with pytest.raises(ReplyError, match="no chat completion"):
        reply.content()
