"""Table 7: how well unseen images are rebuilt; and what random codes decode to."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from isoae_lib.core.arrays import Array
from isoae_lib.core.diagnostics import decoder_map, encoder_map
from isoae_lib.core.networks import Autoencoder
from isoae_lib.paper.datasets import Data
from isoae_lib.paper.metrics import Found, errors
from isoae_lib.paper.metrics.feature_networks import (
    classifier,
    features_of,
    has_inception,
    inception_features,
)
from isoae_lib.paper.metrics.frechet import frechet_distance
from isoae_lib.paper.metrics.rounding import as_bytes

TESTED = 10_000  # images at most, and never more than it was trained on
MIXTURE = 10  # Gaussians fitted to the codes afterwards
SHOWN = 8  # pictures that a record keeps of each kind


def measure_reconstruction(model: Autoencoder, data: Data, codes: Array, store: Path) -> Found:
    """Return the numbers of Table 7 and the first images (8, D) of its figures, both by name.

    The error per pixel is in units of 10^-3 and the norm that of a whole image (decision 19); that
    of the mean training image, whatever the test image, tells whether anything was learned.
    Frechet distances are taken in the features of the project's own classifier, and the FID itself
    where the extra `metrics` is installed. `samples` are decoded from a Gaussian fitted to the
    training codes (n, d), `mixture` from several.
    """
    images = data.test[0][: min(TESTED, len(data.points))]
    decode, wanted = decoder_map(model), images / np.float32(255)
    made = {"rebuilt": decode(encoder_map(model)(images)).astype(np.float32)}
    for name, z in drawn_codes(codes, len(images), data.spec.seed).items():
        made[name] = decode(z).astype(np.float32)
    net, accuracy = classifier(data, store)
    from_mean = data.points.mean(0, dtype=np.float64) / 255 - wanted
    metrics = {
        **errors.of_table_7(made["rebuilt"], images),
        "mean_image_error": 1e3 * float(np.square(from_mean).mean()),
        "classifier_accuracy": accuracy,
    }
    real = features_of(net, wanted)
    for name, pictures in made.items():
        metrics[f"frechet_{name}"] = frechet_distance(real, features_of(net, pictures))
    if has_inception():
        shape = data.image_shape
        metrics["fid"] = frechet_distance(
            inception_features(wanted, shape), inception_features(made["rebuilt"], shape)
        )
    shown = {name: as_bytes(pictures[:SHOWN]) for name, pictures in made.items()}
    return metrics, shown


def drawn_codes(codes: Array, n: int, seed: int) -> dict[str, Array]:
    """Draw n latents from a Gaussian with full covariance fitted to codes (m, d), and a mixture.

    In random order: scikit-learn draws from one Gaussian after the other.
    """
    from sklearn.mixture import GaussianMixture

    order = np.random.default_rng(seed).permutation(n)
    drawn = {}
    for name, parts in (("samples", 1), ("mixture", MIXTURE)):
        fitted = GaussianMixture(min(parts, len(codes)), random_state=seed, reg_covar=1e-4)
        drawn[name] = fitted.fit(codes).sample(n)[0][order]
    return drawn
