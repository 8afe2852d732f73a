"""How a rival's setting is chosen from the runs that tried its values (decision 14)."""

from __future__ import annotations

from collections.abc import Mapping

# section -> the metrics whose sum decides, and their sign: 1 for the highest
DECIDING = {
    "3d": (("edge_ratio_std",), -1), "visualization-FC": (("knn_accuracy",), 1),
    "visualization-CNN": (("knn_accuracy",), 1), "classification": (("svm", "knn"), 1),
}  # fmt: skip


def best(tried: Mapping[str, Mapping[str, float]], section: str) -> str:
    """Return the name of the best run of a sweep; of equally good ones the first.

    A diverged run has no numbers, and is never chosen. The answer is "" where nothing is left.

    Parameters
    ----------
    tried : mapping
        Name -> metrics, the lowest value of the setting first.
    """
    metrics, sign = DECIDING[section]
    scores = {name: sign * sum(of[m] for m in metrics) for name, of in tried.items() if of}
    return max(scores, key=scores.__getitem__, default="")
