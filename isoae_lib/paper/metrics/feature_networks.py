"""The networks in whose features images are compared: a small classifier of our own, Inception."""

from __future__ import annotations

import hashlib
import json
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from filelock import FileLock
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from isoae_lib.core.arrays import Array
from isoae_lib.core.networks import SINGLE, floats
from isoae_lib.errors import InputError
from isoae_lib.files import write_whole
from isoae_lib.paper.datasets import Data
from isoae_lib.paper.provenance import code_digest

FEATURES = 64  # of the classifier, as its epochs, batch size and learning rate
EPOCHS, BATCH, RATE = 5, 100, 1e-3
AT_ONCE = 500  # images that a network sees together, which bounds the memory
TURNS = 4  # quarter turns: the classes of a data set that has none


class Classifier(nn.Module):
    """A small convolutional classifier; its last hidden layer gives the features.

    Parameters
    ----------
    shape : tuple of int
        Of one image, channels first.
    classes : int
        How many it tells apart.
    """

    def __init__(self, shape: tuple[int, ...], classes: int) -> None:
        super().__init__()
        channels = (shape[0], 32, 64, 128)
        layers: list[nn.Module] = [nn.Unflatten(1, shape)]
        for into, out in pairwise(channels):
            conv = nn.Conv2d(into, out, 4, 2, 1, dtype=SINGLE)
            layers += [conv, nn.BatchNorm2d(out, dtype=SINGLE), nn.ReLU()]
        hidden = nn.Linear(16 * 128, FEATURES, dtype=SINGLE)
        layers += [nn.AdaptiveAvgPool2d(4), nn.Flatten(), hidden, nn.ReLU()]
        self.features = nn.Sequential(*layers)
        self.last = nn.Linear(FEATURES, classes, dtype=SINGLE)

    def forward(self, x: Tensor) -> Tensor:
        """Return the scores (n, classes) of images as vectors (n, D) in [0, 1]."""
        return self.last(self.features(x))


@torch.inference_mode(False)  # training needs gradients
def classifier(data: Data, store: Path) -> tuple[Classifier, float]:
    """Return the classifier in whose features a run is measured, and its accuracy on test images.

    It is trained once for each data set, number of training images and version of this code, and
    kept in the store. Faces have no classes. There it learns by how many quarter turns a picture
    was rotated.
    """
    spec, shape = data.spec, data.image_shape
    name = f"{spec.data}-{spec.points}-{'x'.join(map(str, shape))}"
    file = store / "classifiers" / f"{name}.safetensors"
    file.parent.mkdir(parents=True, exist_ok=True)
    images, labels = data.train
    mark = f"{data.digest} {code_digest('paper.metrics.feature_networks')}"
    turned = bool(labels.min() < 0)
    net = _untrained(shape, TURNS if turned else int(labels.max()) + 1)
    with FileLock(f"{file}.lock"):
        if (known := _kept(file, mark)) is None:
            _train(net, images, labels, turned)
            accuracy = _accuracy(net, *data.test, turned)
            metadata = {"accuracy": json.dumps(accuracy), "from": mark}
            write_whole(file, safetensors.torch.save(net.state_dict(), metadata))
        else:
            net.load_state_dict(safetensors.torch.load_file(file))
            accuracy = known
    return net.eval(), accuracy


def _kept(file: Path, mark: str) -> float | None:
    """Return the accuracy of the classifier in a file, if this code trained it on these images."""
    if not file.is_file():
        return None
    try:
        with safetensors.safe_open(file, "pt") as content:
            metadata = content.metadata()
        return float(metadata["accuracy"]) if metadata["from"] == mark else None
    except (safetensors.SafetensorError, KeyError, TypeError):
        return None  # a damaged file: the classifier is trained again


def _untrained(shape: tuple[int, ...], classes: int) -> Classifier:
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        torch.manual_seed(0)
        return Classifier(shape, classes)


def _train(net: Classifier, images: NDArray, labels: NDArray, turned: bool) -> None:
    rng = torch.Generator().manual_seed(0)
    adam = torch.optim.Adam(net.parameters(), lr=RATE)
    for _ in range(EPOCHS):
        for pick in torch.randperm(len(images), generator=rng, device="cpu").split(BATCH):
            x, y = _task(images[pick.numpy()], labels[pick.numpy()], net, turned, rng)
            if len(x) < 2:
                continue
            adam.zero_grad()
            F.cross_entropy(net(x), y).backward()
            adam.step()


def _task(
    images: NDArray, labels: NDArray, net: Classifier, turned: bool, rng: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return images in [0, 1] and what is to be predicted: their class, or their rotation."""
    x = floats(torch.from_numpy(np.array(images)))
    if not turned:
        return x, torch.from_numpy(np.array(labels))
    turns = torch.randint(TURNS, (len(x),), generator=rng, device="cpu")
    pictures = net.features[0](x)  # type: ignore[operator]
    for k in range(1, TURNS):
        pictures[turns == k] = pictures[turns == k].rot90(k, (2, 3))
    return pictures.flatten(1), turns


def _accuracy(net: Classifier, images: NDArray, labels: NDArray, turned: bool) -> float:
    net.eval()
    rng, right = torch.Generator().manual_seed(1), 0
    with torch.no_grad():
        for part in np.array_split(np.arange(len(images)), -(-len(images) // AT_ONCE)):
            x, y = _task(images[part], labels[part], net, turned, rng)
            right += int((net(x).argmax(1) == y).sum())
    return right / len(images)


def features_of(net: Classifier, images: ArrayLike) -> Array:
    """Return the features (n, k) of images as vectors in [0, 1], (n, D)."""
    x = torch.as_tensor(np.asarray(images), dtype=SINGLE, device="cpu")
    with torch.no_grad():
        parts = [net.features(part) for part in x.split(AT_ONCE)]
    return torch.cat(parts).double().numpy()


def has_inception() -> bool:
    """Tell whether the extra `metrics`, which the real FID needs, is installed."""
    return find_spec("torch_fidelity") is not None


INCEPTION = (  # weights ported from TensorFlow; the file name ends with its checksum
    "https://github.com/toshas/torch-fidelity/releases/download/v0.2.0/"
    "weights-inception-2015-12-05-6726825d.pth"
)
INCEPTION_SHA256 = "6726825d"  # the first eight digits
INCEPTION_AT_ONCE = 50  # it enlarges every image to 299 x 299


def inception_features(images: NDArray, shape: tuple[int, int, int]) -> Array:
    """Return the 2048 features of the real FID for images as vectors in [0, 1], (n, D).

    Grey images are repeated in three channels. The weights are downloaded at first use and checked.

    Raises
    ------
    InputError
        If the extra is not installed, or the weights cannot be downloaded or are the wrong ones.
    """
    if not has_inception():
        raise InputError("the real FID needs the extra 'metrics': pip install -e '.[metrics]'.")
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    net = FeatureExtractorInceptionV3(
        "inception-v3-compat", ["2048"], feature_extractor_weights_path=str(_inception_weights())
    ).eval().to(SINGLE)  # fmt: skip
    parts = []
    with torch.no_grad():
        for part in torch.as_tensor(images, dtype=SINGLE).split(INCEPTION_AT_ONCE):
            pictures = part.reshape(-1, *shape).expand(-1, 3, -1, -1)
            parts.append(net((pictures.clamp(0, 1) * 255).round().to(torch.uint8))[0])
    return torch.cat(parts).double().numpy()


def _inception_weights() -> Path:
    import pooch

    try:
        file = Path(pooch.retrieve(INCEPTION, known_hash=None))
    except (OSError, ValueError) as error:
        raise InputError(
            f"the weights for the real FID cannot be fetched ({error}); the Frechet distance in "
            "this project's own features needs none."
        ) from None
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if not found.startswith(INCEPTION_SHA256):
        file.unlink()
        raise InputError(f"{file.name} is not the file it should be: it was removed, try again.")
    return file
