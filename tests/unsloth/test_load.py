"""The policy as unsloth's own loader makes it, where a card is pretended, and leanrl's trainer on it."""


def test_the_policy_has_the_asked_adapter_and_what_unsloth_leaves_out_is_refused(tiny_model, tmp_path, run_child):
    """Rank 4 on two layers: q and o 64 x 64, k and v 64 x 32, three of the MLP 64 x 128."""
    found = run_child("tests.unsloth.load_policy", tiny_model, tmp_path)
    assert found["policy"] == {
        "rank": 4,
        "alpha": 8.0,
        "dropout": 0.05,
        "modules": ["down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj"],
        "num_weights": 4 * 2 * (2 * (64 + 64) + 2 * (64 + 32) + 3 * (64 + 128)),
        "dtypes": ["torch.float32"],
        "checkpointing": True,
    }
    assert found["trainer"] == {
        "class": "UnslothTrainer",
        "dtypes": ["torch.float32"],
        "modes": [[False, ["False"]], [True, ["True"]]],
        # What PEFT's own adapter on the same model would send to vLLM; and the base is known for what it is.
        "travels": {"tensors": True, "config": [], "base": True},
    }

    # Without a GPU unsloth finds no bitsandbytes to use, and loads 16 bits with a line on the screen.
    assert found["refused"]["qlora"].startswith("unsloth has left the base in 16 bits")
    # 64 + 449 = 513 tokens, 512 positions: it would scale them, with a line on the screen.
    assert "may have 513 tokens" in found["refused"]["long"]
    assert "512 positions, and unsloth would stretch them" in found["refused"]["long"]
    assert "for_inference of a gpt2 as transformers made it" in found["refused"]["foreign"]
