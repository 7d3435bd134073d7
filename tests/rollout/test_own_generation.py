"""No field of a model's generation_config changes what leanrl generates with transformers."""

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig
from transformers.generation.configuration_utils import WatermarkingConfig

from leanrl.prompting.stopping import Stopping
from leanrl.rollout.hf import complete
from leanrl.rollout.hf_engine import HfEngine
from leanrl.rollout.protocol import GroupRequest, Sampling

# Values that change completions or make generate fail. The last test holds six of them to that.
BENDING = {
    "max_new_tokens": 2,
    "min_new_tokens": 11,
    "min_length": 40,
    "stop_strings": ["a", "e", " "],
    "do_sample": True,
    "num_beams": 3,
    "top_k": 1,
    "min_p": 0.9,
    "top_h": 0.1,
    "typical_p": 0.1,
    "epsilon_cutoff": 0.05,
    "eta_cutoff": 0.5,
    "repetition_penalty": 50.0,
    "no_repeat_ngram_size": 1,
    "bad_words_ids": [[token] for token in range(3, 120)],
    "forced_bos_token_id": 5,
    "forced_eos_token_id": 5,
    "exponential_decay_length_penalty": (0, 1.5),
    "suppress_tokens": list(range(3, 120)),
    "begin_suppress_tokens": list(range(3, 250)),
    "sequence_bias": [[[7], 100.0]],
    "guidance_scale": 4.0,
    "watermarking_config": WatermarkingConfig(bias=50.0),
    "encoder_repetition_penalty": 50.0,
    "encoder_no_repeat_ngram_size": 1,
    "num_return_sequences": 2,
    "return_dict_in_generate": True,
    "prompt_lookup_num_tokens": 3,
    "token_healing": True,
    "eos_token_id": list(range(3, 120)),
    "max_time": 0.0,
    "temperature": 9.0,
    "top_p": 0.01,
    "cache_implementation": "none of these",
}
# For a field that the table does not know, one that a later transformers adds among them.
ANY = (1, 0.5, True, "a", [[5]])
FIELDS = sorted(
    name for name in vars(GenerationConfig()) if not name.startswith("_") and name != "transformers_version"
)
PROMPTS = ["1+1=", "what is twelve and thirty-four? "]


@pytest.fixture(scope="module")
def loaded(tiny_model):
    model = AutoModelForCausalLM.from_pretrained(tiny_model, dtype=torch.float32)
    return model, AutoTokenizer.from_pretrained(tiny_model)


@pytest.fixture(scope="module")
def plain(loaded):
    model, _ = loaded
    model.generation_config = GenerationConfig()
    return generated(loaded)


def generated(loaded):
    """Return sampled rollouts, greedy rollouts' texts and sampled texts."""
    model, tokenizer = loaded
    stopping = Stopping((tokenizer.eos_token_id,), tokenizer.pad_token_id)
    requests = [GroupRequest(tokenizer(prompt)["input_ids"], 2) for prompt in PROMPTS]
    engine = HfEngine(lambda: model, pad_id=stopping.pad_id)
    sampling = Sampling(temperature=1.0, max_completion_tokens=10, stop_token_ids=stopping.stop_ids)
    torch.manual_seed(3)
    rollouts = engine.generate(requests, sampling)
    texts = [
        list(
            complete(
                model,
                tokenizer,
                PROMPTS,
                stopping=stopping,
                template_kwargs={},
                max_completion_tokens=10,
                temperature=heat,
                batch_size=2,
            )
        )
        for heat in (0, 1.0)
    ]
    return rollouts, texts


@pytest.mark.parametrize("field", FIELDS)
def test_no_field_reaches_rollouts_or_greedy_answers(loaded, plain, field) -> None:
    model, _ = loaded
    for value in [BENDING[field]] if field in BENDING else ANY:
        model.generation_config = poisoned = GenerationConfig()
        setattr(poisoned, field, value)
        assert generated(loaded) == plain, f"{field}={value!r}"
        assert model.generation_config is poisoned
        assert getattr(poisoned, field) == value


def test_a_field_that_transformers_does_not_know_is_kept_out_too(loaded, plain) -> None:
    model, _ = loaded
    model.generation_config = GenerationConfig()
    model.generation_config.assistant_model = "a"
    assert generated(loaded) == plain


ALONE = ("suppress_tokens", "begin_suppress_tokens", "min_new_tokens", "bad_words_ids", "sequence_bias", "top_h")


@pytest.mark.parametrize("field", ALONE)
def test_the_values_would_change_completions_if_they_came_through(loaded, plain, field) -> None:
    """generate fills what a given generation_config leaves open from the model's."""
    model, tokenizer = loaded
    ids = tokenizer(PROMPTS[1], return_tensors="pt")
    given = GenerationConfig(
        do_sample=True, top_k=0, max_new_tokens=10, eos_token_id=list(range(3, 60)), pad_token_id=0
    )

    def drawn(own: GenerationConfig) -> list[int]:
        model.generation_config = own
        torch.manual_seed(3)
        return model.generate(**ids, generation_config=given)[0].tolist()

    poisoned = GenerationConfig()
    setattr(poisoned, field, BENDING[field])
    assert drawn(poisoned) != drawn(GenerationConfig())
