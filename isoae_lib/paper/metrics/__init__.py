"""What is measured of a trained autoencoder: numbers, and the arrays that its figures draw."""

from numpy.typing import NDArray

Found = tuple[dict[str, float], dict[str, NDArray]]  # numbers and arrays, both by name
