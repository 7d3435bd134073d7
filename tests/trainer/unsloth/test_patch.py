"""Without unsloth, TRL is as TRL made it, and that is said."""

import pytest

from leanrl.errors import MissingError
from leanrl.trainer.unsloth.patch import require_patched_trl


def test_a_trl_that_is_not_patched_is_named():
    with pytest.raises(MissingError, match=r"unsloth has left trl\.GRPOConfig, trl\.GRPOTrainer, trl\.trainer\.grpo"):
        require_patched_trl()
