"""The tiled head against a plain log-softmax in float64, forward and backward."""

import pytest
import torch

from benchmarks.planner.allocator_peak import allocator_peak
from leanrl.algorithms.logprobs import LogitShape, token_logprobs

TARGETS = torch.tensor([0, 10, 3, 3, 7, 1, 5])


PLAIN = LogitShape()


def _plain(hidden, head, targets, temperature, shape):
    logits = hidden @ head.t() * shape.scale
    if shape.softcap is not None:
        logits = shape.softcap * torch.tanh(logits / shape.softcap)
    logprobs = torch.log_softmax(logits / temperature, dim=-1)
    entropies = -(logprobs.exp() * logprobs).sum(-1)
    return logprobs.gather(-1, targets[:, None]).squeeze(-1), entropies


def _compare(*, temperature=1.0, shape=PLAIN, dtype=torch.float64, tolerance=1e-12, **tiles):
    """Loss: a random sum of log-probabilities and entropies, so that both gradients count."""
    torch.manual_seed(0)
    hidden, head = torch.randn(7, 5, dtype=dtype), torch.randn(11, 5, dtype=dtype)
    upstream, upstream_entropy = torch.randn(2, 7, dtype=torch.float64)

    ours = [hidden.clone().requires_grad_(), head.clone().requires_grad_()]
    logprobs, entropies = token_logprobs(*ours, TARGETS, temperature=temperature, shape=shape, **tiles)
    (logprobs * upstream + entropies * upstream_entropy).sum().backward()

    exact = [hidden.double().requires_grad_(), head.double().requires_grad_()]
    expected, expected_entropies = _plain(*exact, TARGETS, temperature, shape)
    (expected * upstream + expected_entropies * upstream_entropy).sum().backward()

    assert torch.allclose(logprobs.double(), expected, atol=tolerance)
    assert torch.allclose(entropies.double(), expected_entropies, atol=tolerance)
    for mine, reference in zip(ours, exact, strict=True):
        assert torch.allclose(mine.grad.double(), reference.grad, atol=tolerance)


@pytest.mark.parametrize("head_gradient", ["returned", "added"])
@pytest.mark.parametrize("tile_vocabulary", [1, 4, 11, 100])
@pytest.mark.parametrize("tile_tokens", [1, 3, 7, 100])
def test_equals_log_softmax_and_its_gradients(tile_tokens, tile_vocabulary, head_gradient):
    _compare(tile_tokens=tile_tokens, tile_vocabulary=tile_vocabulary, head_gradient=head_gradient)


@pytest.mark.parametrize(
    "shape",
    [LogitShape(scale=0.25), LogitShape(softcap=1.5), LogitShape(scale=2.0, softcap=3.0)],
    ids=["scale", "softcap", "both"],
)
@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_what_a_family_does_to_its_logits(shape, temperature):
    """Cohere and Granite scale, Gemma 2 caps; the temperature comes after."""
    _compare(shape=shape, temperature=temperature, tile_tokens=3, tile_vocabulary=4)


def test_in_fp32():
    _compare(dtype=torch.float32, tolerance=1e-5, tile_tokens=3, tile_vocabulary=4)


def test_large_logits_do_not_overflow():
    """exp(800) overflows even float64; the sums are relative to the highest logit seen so far."""
    head = torch.tensor([[0.0], [800.0], [801.0], [-800.0]])
    hidden = torch.ones(2, 1)
    logprobs, entropies = token_logprobs(hidden, head, torch.tensor([1, 2]), temperature=1.0, tile_vocabulary=1)
    assert logprobs.tolist() == pytest.approx([-1.3132617, -0.3132617], abs=1e-4)  # -log(1 + e), -log(1 + 1/e)
    assert entropies.tolist() == pytest.approx([0.5822033] * 2, abs=1e-6)  # log(1 + 1/e) + 1 / (1 + e)


def test_a_frozen_head_gets_no_gradient():
    hidden = torch.randn(3, 4, requires_grad=True)
    head = torch.randn(6, 4)
    logprobs, _ = token_logprobs(hidden, head, torch.tensor([0, 1, 2]), temperature=1.0, head_gradient="added")
    logprobs.sum().backward()
    assert head.grad is None
    assert hidden.grad.abs().sum() > 0


def test_a_second_backward_adds():
    """Micro-batches accumulate: two times the same gradient, in `.grad` itself."""
    torch.manual_seed(0)
    hidden, head = torch.randn(3, 4), torch.randn(6, 4, requires_grad=True)
    seen = []
    for _ in range(2):
        token_logprobs(hidden, head, torch.tensor([0, 1, 2]), temperature=1.0, head_gradient="added")[
            0
        ].sum().backward()
        seen.append(head.grad.clone())
    assert torch.allclose(seen[1], 2 * seen[0])
    assert seen[0].abs().sum() > 0


def test_whoever_waits_for_the_heads_gradient_is_called_when_it_is_whole():
    """DDP and FSDP2 hook in after the gradient was accumulated, and read `.grad`."""
    torch.manual_seed(0)
    hidden, head = torch.randn(3, 4), torch.randn(6, 4, requires_grad=True)
    seen = []
    head.register_post_accumulate_grad_hook(lambda weight: seen.append(weight.grad.clone()))
    token_logprobs(hidden, head, torch.tensor([0, 1, 2]), temperature=1.0, head_gradient="added")[0].sum().backward()
    assert len(seen) == 1
    assert torch.equal(seen[0], head.grad)
    assert seen[0].abs().sum() > 0


@pytest.mark.parametrize("head_gradient", ["returned", "added", "added_silently"])
def test_a_tied_head_gets_both_gradients(head_gradient):
    """The embedding reaches the same weight by autograd: look up, then score. Its hook is called once, at the end."""
    torch.manual_seed(0)
    table = torch.randn(11, 5, dtype=torch.float64, requires_grad=True)
    again = table.detach().clone().requires_grad_()
    seen = []
    table.register_post_accumulate_grad_hook(lambda weight: seen.append(weight.grad.clone()))
    ids = torch.tensor([1, 4, 4, 9, 0, 2, 10])
    logprobs, _ = token_logprobs(table[ids].tanh(), table, TARGETS, temperature=1.0, head_gradient=head_gradient)
    logprobs.sum().backward()
    _plain(again[ids].tanh(), again, TARGETS, 1.0, PLAIN)[0].sum().backward()
    assert torch.allclose(table.grad, again.grad, atol=1e-12)
    assert len(seen) == 1
    assert torch.equal(seen[0], table.grad)


def test_the_heads_gradient_takes_no_buffer_of_its_size():
    """1,600 x 64 weights in bf16 and their gradient exist; a fp32 buffer would be 410 kB, a tile of 100 words 26 kB."""
    torch.manual_seed(0)
    hidden = torch.randn(8, 64, dtype=torch.bfloat16)
    head = torch.randn(1600, 64, dtype=torch.bfloat16, requires_grad=True)
    head.grad = torch.zeros_like(head)
    logprobs, _ = token_logprobs(
        hidden, head, torch.arange(8), temperature=1.0, head_gradient="added", tile_vocabulary=100
    )
    assert 0 < allocator_peak(logprobs.sum().backward) < 100_000


def test_a_tied_heads_gradient_takes_only_the_embeddings():
    """A table of 1600 x 64 in fp32 is 410 kB, as is its gradient from the look-up; together with zeros: twice that."""
    torch.manual_seed(0)
    table = torch.randn(1600, 64, requires_grad=True)
    table.grad = torch.zeros_like(table)
    hidden = torch.nn.functional.embedding(torch.arange(8), table).tanh()
    logprobs, _ = token_logprobs(
        hidden, table, torch.arange(8), temperature=1.0, head_gradient="added_silently", tile_vocabulary=100
    )
    assert allocator_peak(logprobs.sum().backward) < 1.2 * 4 * 1600 * 64


@pytest.mark.parametrize(
    ("hidden_dtype", "head_dtype"),
    [(torch.bfloat16, torch.float32), (torch.float32, torch.bfloat16), (torch.bfloat16, torch.bfloat16)],
)
def test_mixed_dtypes(hidden_dtype, head_dtype):
    """Results are fp32 and each gradient has its tensor's dtype; bf16 keeps about 2 of 100."""
    torch.manual_seed(0)
    hidden, head = torch.randn(7, 5), torch.randn(11, 5)
    exact = [hidden.to(hidden_dtype).double().requires_grad_(), head.to(head_dtype).double().requires_grad_()]
    ours = [hidden.to(hidden_dtype).requires_grad_(), head.to(head_dtype).requires_grad_()]
    logprobs, entropies = token_logprobs(*ours, TARGETS, temperature=1.0, tile_tokens=3, tile_vocabulary=4)
    assert (logprobs.dtype, entropies.dtype) == (torch.float32, torch.float32)
    logprobs.sum().backward()
    expected, _ = _plain(*exact, TARGETS, 1.0, PLAIN)
    expected.sum().backward()
    assert torch.allclose(logprobs.double(), expected, atol=0.05)
    for mine, reference in zip(ours, exact, strict=True):
        assert mine.grad.dtype == mine.dtype
        assert (mine.grad.double() - reference.grad).norm() < 0.02 * reference.grad.norm()


def _full_logits(hidden, head, targets):
    """What autograd makes of whole logits in the dtype of the hidden states, with the softmax in fp32."""
    return torch.log_softmax((hidden @ head.t()).to(torch.promote_types(hidden.dtype, torch.float32)), dim=-1)[
        torch.arange(len(targets)), targets
    ]


def _tiled(hidden, head, targets):
    return token_logprobs(hidden, head, targets, temperature=1.0, tile_tokens=128, tile_vocabulary=128)[0]


@pytest.mark.parametrize(("num_tokens", "num_words"), [(256, 4096), (4096, 256)], ids=["word tiles", "token tiles"])
def test_gradients_in_bf16_are_as_exact_as_those_of_whole_logits(num_tokens, num_words):
    """32 tiles of words or of tokens. A product that is rounded before it is summed would add a fifth to the error."""
    torch.manual_seed(0)
    hidden, head = torch.randn(num_tokens, 64).bfloat16(), (0.05 * torch.randn(num_words, 64)).bfloat16()
    targets, upstream = torch.randint(num_words, (num_tokens,)), torch.randn(num_tokens)

    def gradients(score, dtype):
        leaves = [tensor.detach().clone().to(dtype).requires_grad_() for tensor in (hidden, head)]
        (score(*leaves, targets) * upstream).sum().backward()
        return [leaf.grad.double() for leaf in leaves]

    exact = gradients(_full_logits, torch.float64)
    whole = gradients(_full_logits, torch.bfloat16)
    tiled = gradients(_tiled, torch.bfloat16)
    for name, mine, theirs, truth in zip(("hidden", "head"), tiled, whole, exact, strict=True):
        assert (mine - truth).norm() <= 1.01 * (theirs - truth).norm(), name


def test_no_token():
    hidden, head = torch.zeros(0, 4, requires_grad=True), torch.randn(6, 4, requires_grad=True)
    logprobs, entropies = token_logprobs(hidden, head, torch.zeros(0, dtype=torch.int64), temperature=1.0)
    assert logprobs.shape == entropies.shape == (0,)
    logprobs.sum().backward()
    assert head.grad.abs().sum() == 0


def test_forward_and_backward_agree_under_autocast():
    """The backward pass leaves autocast; it must still differentiate the bf16 logits of the forward pass.

    The gradient of sum_v p_v = 1 is 0, so each row's softmax gradient sums to 0 over the vocabulary: with the
    head as identity, grad_hidden is that row itself.
    """
    hidden = torch.randn(4, 8).requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logprobs, _ = token_logprobs(hidden, torch.eye(8), torch.tensor([0, 1, 2, 3]), temperature=1.0)
    logprobs.sum().backward()
    assert hidden.grad.sum(dim=-1).abs().max() < 1e-2


@pytest.mark.parametrize(("temperature", "message"), [(0.0, "temperature is 0"), (-1.0, "temperature is -1")])
def test_temperature_must_be_positive(temperature, message):
    with pytest.raises(ValueError, match=message):
        token_logprobs(torch.zeros(1, 2), torch.zeros(3, 2), torch.tensor([0]), temperature=temperature)


def test_sizes_must_agree():
    with pytest.raises(ValueError, match="N and H must agree"):
        token_logprobs(torch.zeros(2, 2), torch.zeros(3, 2), torch.tensor([0]), temperature=1.0)


def test_only_a_leaf_has_a_gradient_to_add_to():
    head = torch.zeros(3, 2, requires_grad=True) * 2
    with pytest.raises(ValueError, match="no leaf"):
        token_logprobs(torch.zeros(1, 2), head, torch.tensor([0]), temperature=1.0, head_gradient="added")
