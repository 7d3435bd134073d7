"""Student's t without scipy, against printed tables."""

import pytest

from leanrl.eval.scores.student import t_quantile, t_share_within


@pytest.mark.parametrize(
    ("degrees", "at_975", "at_80"),
    [(1, 12.7062, 1.3764), (2, 4.3027, 1.0607), (3, 3.1824, 0.9785), (29, 2.0452, 0.8542), (120, 1.9799, 0.8446)],
)
def test_quantiles_of_printed_tables(degrees, at_975, at_80):
    assert t_quantile(0.975, degrees) == pytest.approx(at_975, abs=5e-5)
    assert t_quantile(0.8, degrees) == pytest.approx(at_80, abs=5e-5)


def test_closed_forms_of_one_and_two_degrees():
    """P(|T| <= 1) is 1/2 for one degree, and 1/sqrt(3) for two."""
    assert t_share_within(1.0, 1) == pytest.approx(0.5)
    assert t_share_within(1.0, 2) == pytest.approx(3**-0.5)


@pytest.mark.parametrize(("probability", "degrees"), [(0.4, 5), (1.0, 5), (0.975, 0)])
def test_what_has_no_quantile_is_refused(probability, degrees):
    with pytest.raises(ValueError, match="must"):
        t_quantile(probability, degrees)
