"""Table 2: how well simple classifiers do on codes."""

from __future__ import annotations

import warnings

from numpy.typing import NDArray

from isoae_lib.core.arrays import Array
from isoae_lib.core.diagnostics import decoder_map, encoder_map
from isoae_lib.core.networks import Autoencoder
from isoae_lib.paper.datasets import Data
from isoae_lib.paper.metrics import errors

NEIGHBOURS = 5
PENALTY = 1.0  # C of the linear machine (decision 18)
ITERATIONS = 200  # of its solver; codes need a dozen, standardised pixels never have enough
TESTED = 1000  # images whose reconstruction is measured


def measure_classification(model: Autoencoder, data: Data, codes: Array) -> dict[str, float]:
    """Return the accuracies of Table 2 for a trained autoencoder, and its error on test images.

    Parameters
    ----------
    model : Autoencoder
        In evaluation mode.
    codes : array (n, d)
        Of the run's training images.
    """
    images, classes = data.test
    test_codes = encoder_map(model)(images)
    error = errors.rmse(decoder_map(model)(test_codes[:TESTED]), images[:TESTED])
    found = accuracies(codes, data.truth, test_codes, classes)
    return found | {"test_rmse": error}


def accuracies(z: Array, y: NDArray, test_z: Array, test_y: NDArray) -> dict[str, float]:
    """Train a linear SVM and 5 nearest neighbours on features z (n, k); return test accuracies.

    Both on the features as they are, and with every feature scaled to mean 0 and deviation 1 over
    the training data (decision 18).
    """
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    found = {}
    for name, kind in (
        ("svm", lambda: LinearSVC(C=PENALTY, dual="auto", max_iter=ITERATIONS, random_state=0)),
        ("knn", lambda: KNeighborsClassifier(NEIGHBOURS)),
    ):
        for suffix, steps in (("", ()), ("_standardised", (StandardScaler(),))):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a solver that ran out of iterations
                machine = make_pipeline(*steps, kind()).fit(z, y)
            found[f"{name}{suffix}"] = float(machine.score(test_z, test_y))
    return found
