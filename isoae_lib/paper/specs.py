"""`RunSpec`: everything that decides the numbers of one training run on data of the paper."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace

from isoae_lib.core.notation import multiply_adds
from isoae_lib.core.spec import TABLE_6, Spec
from isoae_lib.errors import InputError, choose
from isoae_lib.paper.data.images import DATA_SETS
from isoae_lib.paper.data.surfaces import SURFACES, Surface

# The dimension D of each data set.
AMBIENT = dict.fromkeys(SURFACES, 3) | {"curve": 2}
AMBIENT |= {name: math.prod(known.shape) for name, known in DATA_SETS.items()}
SPLITS = ("official", "stratified", "random")
LEAST_POINTS, LEAST_IMAGES = 16, 50  # with fewer there is no grid of codes, or a class is missing


@dataclass(frozen=True, kw_only=True)
class RunSpec(Spec):
    """A `Spec` with its data. The seed decides the sampled points as well.

    Attributes
    ----------
    data, points : str, int
        Data set and number of training points. For images, the first `points`.
    split : str
        "official" trains on the official training images. A data set without official test images
        is split, three quarters to train on: "stratified", or at "random".
    size : float
        Size of a surface, in units of its own (decision 6). What is measured is in its own units.
    """

    data: str
    points: int = 2000
    split: str = "official"
    size: float = 1.0

    def __post_init__(self) -> None:
        choose("data set", self.data, AMBIENT)
        choose("split", self.split, SPLITS)
        super().__post_init__()
        self.check_whole("points", LEAST_IMAGES if self.of_images else LEAST_POINTS)
        if self.tested and self.split == "official" and "test" not in DATA_SETS[self.data].parts:
            raise InputError(
                f"{self.data} has no official test images: set split=stratified or random."
            )
        if not (self.size > 0 and math.isfinite(self.size)):
            raise InputError(f"size is {self.size}: it must be a finite number above 0.")
        if self.size != 1 and self.data not in SURFACES:
            raise InputError(f"{self.data} is no surface: leave size at 1.")
        if self.latent > self.ambient:
            raise InputError(
                f"latent size {self.latent} is above the {self.ambient} dimensions of "
                f"{self.data}; an isometric decoder needs d <= D."
            )

    @property
    def of_images(self) -> bool:
        """Whether the data are images."""
        return self.data in DATA_SETS

    @property
    def surface(self) -> Surface:
        """The surface that the points lie on, as large as they are."""
        return SURFACES[self.data].resized(self.size)

    @property
    def ambient(self) -> int:
        """D, the dimension of the data."""
        return AMBIENT[self.data]

    @property
    def multiply_adds(self) -> int:
        """What one pass of encoder and decoder over one point costs: runs compare by it."""
        return multiply_adds(self, self.ambient)

    @property
    def tested(self) -> bool:
        """Whether the run is measured on images unseen in training (Tables 2 and 7)."""
        return self.of_images and (self.latent > 2 or self.network in TABLE_6)


def change(spec: RunSpec, settings: list[str]) -> RunSpec:
    """Return `spec` with `key=value` settings applied.

    Raises
    ------
    InputError
        For an unknown key, with the close matches, or a value that does not fit.
    """
    known = asdict(spec)
    changes: dict[str, str | int | float] = {}
    for setting in settings:
        name, separator, text = setting.partition("=")
        if not separator:
            raise InputError(f"'{setting}' is no setting: write key=value, for example steps=500.")
        kind = type(known[choose("setting", name, known)])
        try:
            changes[name] = kind(text)
        except ValueError:
            raise InputError(f"{name} is '{text}': it must be of type {kind.__name__}.") from None
    return replace(spec, **changes)  # type: ignore[arg-type]
