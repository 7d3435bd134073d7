"""Rows laid out as tensors: the numbers themselves."""

import torch

from leanrl.engine.rows import StepRow, lay_out


def test_layout_of_two_unequal_rows():
    """Prompts [5 6] and [7], completions [8] and [9 10 11]; the state at position p predicts token p + 1."""
    rows = [
        StepRow([5, 6], [8], advantage=1.0, weight=0.5, sampled_logprobs=torch.tensor([-1.0])),
        StepRow([7], [9, 10, 11], advantage=-1.0, weight=0.25, sampled_logprobs=torch.tensor([-1.0, -2.0, -3.0])),
    ]
    batch = lay_out(rows, pad_id=0, device="cpu")
    assert batch.input_ids_B_S.tolist() == [[5, 6, 8, 0], [7, 9, 10, 11]]
    assert batch.positions_B_T.tolist() == [[1, 1, 1], [0, 1, 2]]
    assert batch.target_ids_B_T.tolist() == [[8, 0, 0], [9, 10, 11]]
    assert batch.mask_B_T.tolist() == [[1, 0, 0], [1, 1, 1]]
    assert batch.advantages_B_T.tolist() == [[1.0], [-1.0]]
    assert batch.weights_B.tolist() == [0.5, 0.25]
    assert batch.sampled_logprobs_B_T.tolist() == [[-1, 0, 0], [-1, -2, -3]]
    assert batch.reference_logprobs_B_T is None


def test_a_row_without_completion_keeps_one_masked_column():
    batch = lay_out([StepRow([5, 6], [])], pad_id=0, device="cpu")
    assert batch.positions_B_T.tolist() == [[1]]
    assert batch.mask_B_T.tolist() == [[0]]
