"""The networks of Tables 4 and 6, written as the paper prints them, and what they cost.

Loads without torch, so that a plan can say what its runs cost before anything heavy starts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from isoae_lib.errors import InputError, choose

if TYPE_CHECKING:
    from isoae_lib.core.spec import Spec

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Architecture:
    """An encoder and a decoder in the notation of Table 3; `d` is the latent size.

    `FC_B n`, `CONV_B c,k,s,p` and `CONVT_B c,k,s,p` have BatchNorm and SoftPlus behind them, `FC`
    has SoftPlus alone, `LIN`, `CONV` and `CONVT` nothing. Added to the paper's: `PAD p` for zeros
    around the image, and `FC 256x1x1`, which says how the vector is seen as an image.

    Attributes
    ----------
    shape : tuple of int
        Of one image, channels first.
    encoder, decoder : str
        The layers, separated by semicolons.
    """

    shape: Shape
    encoder: str
    decoder: str


ARCHITECTURES = {
    "FC-NN": Architecture(
        (784,),
        "FC_B 128; FC_B 256; FC_B 512; FC_B 1024; LIN d",
        "FC_B 1024; FC_B 512; FC_B 256; FC_B 128; LIN 784",
    ),
    # decision 8: the printed sizes need 32 x 32 on the way in
    "S-CNN": Architecture(
        (1, 28, 28),
        "PAD 2; CONV_B 32,4,2,1; CONV_B 64,4,2,1; CONV_B 128,4,2,1; CONV_B 256,4,2,0; LIN d",
        "FC 256x1x1; CONVT_B 128,4,1,0; CONVT_B 64,4,2,1; CONVT 32,4,2,1; CONVT 1,4,2,3",
    ),
    # decision 9: the last convolution with padding 0, which leaves 1 x 1
    "L-CNN": Architecture(
        (1, 128, 128),
        "CONV_B 128,4,2,1; CONV_B 256,4,2,1; CONV_B 512,4,2,1; CONV_B 1024,4,2,1;"
        "CONV_B 2048,4,2,1; CONV_B 4096,4,2,1; CONV d,2,2,0",
        "CONVT_B 2048,4,1,0; CONVT_B 1024,4,2,1; CONVT_B 512,4,2,1; CONVT_B 256,4,2,1;"
        "CONVT_B 128,4,2,1; CONVT 1,4,2,1",
    ),
    # Table 6; decision 10: its last layer has kernel 1, stride 1, padding 0
    "MNIST-CNN": Architecture(
        (1, 32, 32),
        "CONV_B 128,4,2,1; CONV_B 256,4,2,1; CONV_B 512,4,2,1; CONV_B 1024,4,2,1; LIN d",
        "FC 1024x4x4; CONVT_B 512,4,2,1; CONVT_B 256,4,2,1; CONVT_B 128,4,2,1; CONVT 1,1,1,0",
    ),
    "CIFAR-10-CNN": Architecture(
        (3, 32, 32),
        "CONV_B 128,4,2,1; CONV_B 256,4,2,1; CONV_B 512,4,2,1; CONV_B 1024,4,2,1; LIN d",
        "FC 1024x4x4; CONVT_B 512,4,2,1; CONVT_B 256,4,2,1; CONVT_B 128,4,2,1; CONVT 3,1,1,0",
    ),
    "CelebA-CNN": Architecture(
        (3, 64, 64),
        "CONV_B 128,5,2,1; CONV_B 256,5,2,1; CONV_B 512,5,2,1; CONV_B 1024,5,2,1; LIN d",
        "FC 1024x8x8; CONVT_B 512,4,2,1; CONVT_B 256,4,2,1; CONVT_B 128,4,2,1; CONVT 3,1,1,0",
    ),
}


@dataclass(frozen=True)
class Layer:
    """One layer of an architecture, with what stands behind it.

    Attributes
    ----------
    kind : str
        "PAD", "FC", "LIN", "CONV" or "CONVT".
    into, shape : tuple of int
        Of its input and its output for one image: (c, h, w) or (n,).
    window : tuple of int
        Kernel, stride and padding of a convolution; the padding of PAD.
    normed : bool
        Whether BatchNorm stands behind it.
    """

    kind: str
    into: Shape
    shape: Shape
    window: tuple[int, ...]
    normed: bool

    @property
    def weights(self) -> int:
        """How many weights it has, its bias left out."""
        if self.kind == "PAD":
            return 0
        if self.kind in ("FC", "LIN"):
            return math.prod(self.into) * math.prod(self.shape)
        return self.into[0] * self.shape[0] * self.window[0] ** 2

    @property
    def multiply_adds(self) -> int:
        """How often one image needs a weight: a convolution needs each at every pixel."""
        pixels = {"CONV": self.shape, "CONVT": self.into}.get(self.kind, ())[1:]
        return self.weights * math.prod(pixels)


Layers = list[Layer]


def layers_of(network: Architecture, latent: int, width: float = 1.0) -> tuple[Layers, Layers]:
    """Return the layers of encoder and decoder; `width` and errors as in `printed_network`."""
    if not 0 < width <= 1:
        raise InputError(f"width is {width}: it must be above 0 and not above 1.")
    encoder = _read(network.encoder, network.shape, latent, width)
    return encoder, _read(network.decoder, (latent,), latent, width)


def _read(notation: str, shape: Shape, latent: int, width: float) -> Layers:
    """Turn notation into layers, the first of which takes `shape`."""
    words = [word.split() for word in notation.split(";")]
    layers: Layers = []
    for k, (kind, text) in enumerate(words):
        c, *rest = (latent if n == "d" else int(n) for n in text.replace("x", ",").split(","))
        if kind != "PAD" and k < len(words) - 1:
            c = max(1, round(c * width))
        plain, normed = kind.removesuffix("_B"), kind.endswith("_B")
        into, shape = shape, _shape_after(plain, shape, c, rest)
        window = (c,) if plain == "PAD" else tuple(rest) if plain.startswith("CONV") else ()
        layers.append(Layer(plain, into, shape, window, normed))
    return layers


def _shape_after(kind: str, shape: Shape, c: int, rest: list[int]) -> Shape:
    """Return the shape that a layer makes of `shape`; convolutions see a vector as 1 x 1."""
    if kind == "PAD":
        return (shape[0], *(side + 2 * c for side in shape[1:]))
    if kind in ("FC", "LIN"):
        return (c, *rest)
    (k, s, p), sides = rest, shape[1:] or (1, 1)
    if kind == "CONV":
        return (c, *((side + 2 * p - k) // s + 1 for side in sides))
    return (c, *((side - 1) * s - 2 * p + k for side in sides))


def multiply_adds(spec: Spec, ambient: int) -> int:
    """Return what one pass of a spec's encoder and decoder costs for one sample.

    Parameters
    ----------
    spec : Spec
        It names the network and its size; "MLP" is that of A.1.2.
    ambient : int
        D, how many numbers a sample has.
    """
    if spec.network == "MLP":
        hidden = f"FC {spec.width}; " * spec.depth
        network = Architecture((ambient,), f"{hidden}LIN d", f"{hidden}LIN {ambient}")
        encoder, decoder = layers_of(network, spec.latent)
    else:
        encoder, decoder = layers_of(ARCHITECTURES[spec.network], spec.latent, spec.width_factor)
    return sum(layer.multiply_adds for layer in encoder + decoder)


class Row(NamedTuple):
    """One layer of a summary, for one image."""

    part: str  # "encoder" or "decoder"
    layer: str  # its kind, as PyTorch names it
    shape: Shape  # of its output
    parameters: int
    multiply_adds: int  # BatchNorm's are left out


def summary(name: str, latent: int, width: float = 1.0) -> list[Row]:
    """List a network's layers with their output, parameters and multiply-adds for one image."""
    network = ARCHITECTURES[choose("network", name, ARCHITECTURES)]
    rows = []
    for part, layers in zip(("encoder", "decoder"), layers_of(network, latent, width), strict=True):
        for layer in layers:
            if layer.kind == "PAD":
                continue
            convolves = layer.kind.startswith("CONV")
            shape = layer.shape if convolves else (math.prod(layer.shape),)
            kind = {"CONV": "Conv2d", "CONVT": "ConvTranspose2d"}.get(layer.kind, "Linear")
            rows.append(Row(part, kind, shape, layer.weights + shape[0], layer.multiply_adds))
            if layer.normed:
                norm = "BatchNorm2d" if convolves else "BatchNorm1d"
                rows.append(Row(part, norm, shape, 2 * shape[0], 0))
    return rows
