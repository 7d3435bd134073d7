"""The policy as unsloth's own loader makes it, where a card is pretended."""


def test_the_policy_has_the_asked_adapter_and_unsloths_code(tiny_model, run_child):
    """Rank 4 on two layers: q and o 64 x 64, k and v 64 x 32, three of the MLP 64 x 128."""
    found = run_child("tests.unsloth.load_policy", tiny_model, 32)
    said = found.pop("of_a_model_it_has_not_patched")
    assert found == {
        "rank": 4,
        "alpha": 8.0,
        "dropout": 0.05,
        "modules": ["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"],
        "num_weights": 4 * 2 * (2 * (64 + 64) + 2 * (64 + 32) + 3 * (64 + 128)),
        "dtypes": ["torch.float32"],
    }
    assert said.startswith("unsloth has left ")
    assert "for_inference of a gpt2 as transformers made it" in said


def test_a_context_beyond_the_models_is_refused(tiny_model, run_child):
    """64 + 449 = 513 tokens, 512 positions: unsloth would scale them, with a line on the screen and no more."""
    refused = run_child("tests.unsloth.load_policy", tiny_model, 449)["refused"]
    assert "may have 513 tokens" in refused
    assert "512 positions, and unsloth would stretch them" in refused
