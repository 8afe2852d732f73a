"""One's own points: scikit-learn's conventions, and what a fit keeps of them."""

from __future__ import annotations

import numpy as np
import pytest
from own_points import gutter, kept
from sklearn.utils.estimator_checks import parametrize_with_checks

from isoae_lib import IsometricAutoencoder

SMALL = {"hidden": (16,), "steps": 20, "batch_size": 32, "random_state": 0}


@parametrize_with_checks([IsometricAutoencoder(**SMALL)])
def test_it_is_a_transformer_of_scikit_learn(estimator, check):
    check(estimator)


def test_it_unrolls_a_half_cylinder_and_rolls_it_up_again():
    points, flat = gutter(500, 0)
    model = IsometricAutoencoder(
        hidden=(32, 32), steps=250, batch_size=64, learning_rate=1e-2, random_state=0
    )
    correlation, scale = kept(model.fit_transform(points), flat)
    assert correlation > 0.99
    assert scale == pytest.approx(1, abs=0.05)
    back = model.inverse_transform(model.transform(points))
    assert np.abs(back - points).mean() < 0.03
