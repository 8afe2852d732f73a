"""The data of a run: what it trains on, what is set aside, what it is tested on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from isoae_lib.core.arrays import digest
from isoae_lib.errors import InputError
from isoae_lib.paper.data import images
from isoae_lib.paper.data.curves import curve
from isoae_lib.paper.data.surfaces import SURFACES
from isoae_lib.paper.specs import RunSpec


@dataclass(frozen=True)
class Data:
    """The data that a run asks for. Each part is loaded when it is first asked for, and kept.

    Attributes
    ----------
    spec : RunSpec
        What is asked for.
    """

    spec: RunSpec

    @cached_property
    def train(self) -> tuple[NDArray, NDArray]:
        """The run's points (n, D), and the truth about them.

        Points of surfaces and curves are float64, decided by the spec alone, and come with their
        chart coordinates; images are uint8, each a vector, and come with their classes (n,).

        Raises
        ------
        InputError
            If the images are not there, are damaged, or are fewer than the spec asks for.
        """
        spec = self.spec
        if spec.data in SURFACES:
            return spec.surface.sample(spec.points, spec.seed)
        if not spec.of_images:
            return curve(spec.points)
        pixels, labels = _part(spec, "train")
        return _vectors(pixels[: spec.points], spec), labels[: spec.points]

    @property
    def points(self) -> NDArray:
        """The points (n, D) of `train`."""
        return self.train[0]

    @property
    def truth(self) -> NDArray:
        """The chart coordinates (n, 2), or the classes (n,), of `train`."""
        return self.train[1]

    @cached_property
    def held_out(self) -> NDArray | None:
        """The images (validation, D) that choose a run's epoch: bytes.

        Official validation images if the data set has them, else those after the training images.
        """
        spec = self.spec
        if not spec.validation:
            return None
        if _has(spec, "validation"):
            aside = _images(spec, "validation").pixels
        else:
            aside = _part(spec, "train")[0][spec.points :]
        return _vectors(aside[: spec.validation], spec)

    @cached_property
    def test(self) -> tuple[NDArray, NDArray]:
        """Images (n, D) that no run sees in training, and their classes (n,)."""
        pixels, labels = _part(self.spec, "test")
        return _vectors(pixels, self.spec), labels

    @cached_property
    def official(self) -> bool:
        """Whether these are the official data; computed ones always are."""
        spec = self.spec
        with_test = spec.tested and spec.split == "official"
        parts = ("train", "test") if with_test else ("train",)
        return not spec.of_images or all(_images(spec, part).official for part in parts)

    @cached_property
    def digest(self) -> str:
        """The checksum of the points."""
        return digest(self.points)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the images, with the margin that a network needs."""
        channels = images.DATA_SETS[self.spec.data].shape[0]
        side = round((self.points.shape[1] / channels) ** 0.5)
        return channels, side, side


def _has(spec: RunSpec, part: str) -> bool:
    return part in images.DATA_SETS[spec.data].parts


def _part(spec: RunSpec, part: str) -> tuple[NDArray, NDArray]:
    """Return the training or the test images of a run, as bytes, and their classes."""
    if spec.split == "official":
        found = _images(spec, part)
        held_back = images.DATA_SETS[spec.data].held_back if part == "train" and spec.tested else 0
        end = len(found.pixels) - held_back
        pixels, labels = found.pixels[:end], found.labels[:end]
    else:
        found = _images(spec, "train")
        sides = split_views(found.labels, spec.split == "stratified", spec.seed)
        mine = sides[part == "test"]
        pixels, labels = found.pixels[mine], found.labels[mine]
    needed = spec.points + (0 if _has(spec, "validation") else spec.validation)
    if part == "train" and needed > len(pixels):
        raise InputError(f"{spec.data} has {len(pixels)} images to train on, not {needed}.")
    return pixels, labels


def split_views(labels: NDArray, stratified: bool, seed: int) -> tuple[NDArray, NDArray]:
    """Split images at random, three quarters to train on: the indices of both sides, shuffled.

    Stratified: of every class the same share.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    if not stratified:
        cut = len(labels) * 3 // 4
        return order[:cut], order[cut:]
    rank = np.empty(len(labels), int)  # of an image among those of its class
    for k in np.unique(labels):
        mine = order[labels[order] == k]
        rank[mine] = np.arange(len(mine))
    size = np.bincount(labels)[labels]
    test = rank[order] * 4 < size[order]
    return order[~test], order[test]


def _images(spec: RunSpec, part: str) -> images.Images:
    return _decoded(spec.data, part, images.folder(), images.unverified_allowed())


@lru_cache(maxsize=2)
def _decoded(name: str, part: str, *_: object) -> images.Images:
    """Decode once what several runs ask for; folder and permission belong to the key."""
    return images.load(name, part)


def _vectors(pixels: NDArray, spec: RunSpec) -> NDArray:
    """Flatten images; Table 6's network for digits takes them with a margin of 2 zeros."""
    if spec.network == "MNIST-CNN":
        pixels = np.pad(pixels, ((0, 0), (2, 2), (2, 2)))
    return pixels.reshape(len(pixels), -1)
