"""What networks are made of (Table 3), and the fully connected pair of A.1.2."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from isoae_lib.errors import InputError

BETA = 100.0  # of every SoftPlus in the paper (Table 3)
CODE_UNIT = 4.0  # unit of the codes, in units of the data: a surface needs more room unrolled
SINGLE = torch.float32  # precision of networks and training, whatever PyTorch's default is
Sides = tuple[int, ...]  # one number for the rows, one for the columns


def floats(x: Tensor, dtype: torch.dtype = SINGLE) -> Tensor:
    """Return data as numbers: bytes of images become numbers in [0, 1] (decision 5)."""
    return x.to(dtype) / 255 if x.dtype == torch.uint8 else x.to(dtype)


def _log1p(e: Tensor) -> Tensor:
    """Return log(1 + e) = 2 artanh(e / (2 + e)) for 0 <= e <= 1, in single precision.

    By its series, up to a part in 10^7. A compiler vectorizes it, but would call a logarithm for
    each number.
    """
    s = e / (2 + e)
    series = torch.zeros_like(s)
    for n in range(13, 0, -2):
        series = series * (s * s) + 1 / n
    return 2 * s * series


class _SoftPlusAndSlope(torch.autograd.Function):
    """log(1 + exp(beta a)) / beta and its derivative sigmoid(beta a), from one exponential.

    The slope is an output, and differentiable, so a tangent carried through the layer by hand
    needs no second graph: the slope's own derivative is beta s (1 - s).
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(a: Tensor) -> tuple[Tensor, Tensor]:  # type: ignore[override]
        if torch.compiler.is_compiling():  # one exponential for both, fused into one loop
            e = torch.exp(a.abs() * -BETA)
            one = 1 / (1 + e)
            return a.clamp(min=0) + _log1p(e) / BETA, torch.where(a >= 0, one, e * one)
        return F.softplus(a, BETA), torch.sigmoid(a * BETA)

    @staticmethod
    def setup_context(ctx, inputs: tuple[Tensor], output: tuple[Tensor, Tensor]) -> None:  # type: ignore[override]
        ctx.save_for_backward(output[1])

    @staticmethod
    def backward(ctx, grad_value: Tensor, grad_slope: Tensor) -> Tensor:  # type: ignore[override]
        (slope,) = ctx.saved_tensors
        curvature = torch.addcmul(slope, slope, slope, value=-1).mul_(BETA)
        return torch.addcmul(curvature.mul_(grad_slope), grad_value, slope)


class SoftPlus(nn.Module):
    """SoftPlus with beta = 100, the paper's only activation (Table 3)."""

    def forward(self, a: Tensor) -> Tensor:
        """Return log(1 + exp(beta a)) / beta, elementwise."""
        return self.value_and_slope(a)[0] if torch.compiler.is_compiling() else F.softplus(a, BETA)

    @staticmethod
    def value_and_slope(a: Tensor) -> tuple[Tensor, Tensor]:
        """Return the value and the derivative sigmoid(beta a), both differentiable."""
        return _SoftPlusAndSlope.apply(a)


def conv(x: Tensor, weight: Tensor, bias: Tensor | None, stride: Sides, padding: Sides) -> Tensor:
    """Convolve images (n, c, h, w); if the kernel covers them, by one matrix product.

    The product is the same, and on a CPU four times faster than PyTorch's convolution.
    """
    if x.shape[2:] == weight.shape[2:] and not any(padding):
        return F.linear(x.flatten(1), weight.flatten(1), bias)[..., None, None]
    return F.conv2d(x, weight, bias, stride, padding)


def conv_transpose(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sides,
    padding: Sides,
    left_out: Sides = (0, 0),
) -> Tensor:
    """Apply the transpose of `conv` and add a bias; from images of 1 x 1, by one matrix product.

    `left_out` are the rows and columns that the kernel of `conv` did not reach.
    """
    if x.shape[2:] == (1, 1) and not any(padding) and not any(left_out):
        y = (x.flatten(1) @ weight.flatten(1)).unflatten(1, weight.shape[1:])
        return y if bias is None else y + bias[:, None, None]
    return F.conv_transpose2d(x, weight, bias, stride, padding, left_out)  # type: ignore[arg-type]


class Conv2d(nn.Conv2d):
    """PyTorch's layer, computed by `conv`."""

    def forward(self, x: Tensor) -> Tensor:
        """Return the images (n, c, h, w), convolved."""
        return conv(x, self.weight, self.bias, self.stride, self.padding)  # type: ignore[arg-type]


class ConvTranspose2d(nn.ConvTranspose2d):
    """PyTorch's layer, computed by `conv_transpose`."""

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """Return the images (n, c, h, w), convolved by the transpose."""
        return conv_transpose(x, self.weight, self.bias, self.stride, self.padding)  # type: ignore[arg-type]


class Scale(nn.Module):
    """Multiplication by a fixed number: networks work in units of the data's deviation.

    Attributes
    ----------
    factor : Tensor
        A buffer, so that it is kept with the weights.
    """

    factor: Tensor

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.register_buffer("factor", torch.tensor(factor, dtype=SINGLE))

    def forward(self, x: Tensor) -> Tensor:
        """Return x times the factor."""
        return x * self.factor


class TransposedLinear(nn.Module):
    """A linear layer whose weight is the transpose of another's, with a bias of its own (TCAE)."""

    def __init__(self, twin: nn.Linear) -> None:
        super().__init__()
        self._twin = (twin,)  # a tuple hides it, so the weight is registered once
        self.out_features = twin.in_features
        bound = twin.out_features**-0.5
        bias = torch.empty(twin.in_features, dtype=SINGLE)
        self.bias = nn.Parameter(bias.uniform_(-bound, bound))

    @property
    def weight(self) -> Tensor:
        """The twin's weight, transposed: (in_features of the twin, out_features of the twin)."""
        return self._twin[0].weight.T

    def forward(self, x: Tensor) -> Tensor:
        """Return x W' + b."""
        return F.linear(x, self.weight, self.bias)


class Autoencoder(nn.Module):
    """An encoder g: R^D -> R^d and a decoder f: R^d -> R^D."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def forward(self, x: Tensor) -> Tensor:
        """Reconstruct x (n, D): f(g(x))."""
        return self.decoder(self.encoder(x))


def mlp(linears: Iterable[nn.Module]) -> list[nn.Module]:
    """Return FC ... FC, LIN of Table 3: linear layers with SoftPlus between them."""
    layers: list[nn.Module] = []
    for linear in linears:
        layers += [linear, SoftPlus()]
    return layers[:-1]


def fully_connected(
    ambient: int,
    latent: int,
    *,
    width: int = 256,
    depth: int = 5,
    hidden: Sequence[int] | None = None,
    tied: bool = False,
    unit: float = 1.0,
    of_codes: float | None = None,
    seed: int = 0,
) -> Autoencoder:
    """Build the networks of A.1.2: `depth` x FC `width`, then LIN, in both directions.

    Parameters
    ----------
    ambient, latent : int
        D and d.
    width, depth : int
        Hidden size and number of hidden layers; 256 and 5 in the paper.
    hidden : sequence of int, optional
        The size of each hidden layer of the encoder, in place of the two.
    tied : bool
        Whether the decoder's weights are the encoder's, transposed (TCAE).
    unit : float
        The data's standard deviation. Both networks work with data in units of it.
    of_codes : float, optional
        The unit of codes; `CODE_UNIT` times that of the data unless given.
    seed : int
        Decides the starting weights, which are PyTorch's own.

    Raises
    ------
    InputError
        If d is not between 1 and D: a decoder cannot be an isometry into a smaller space.

    Examples
    --------
    >>> model = fully_connected(3, 2, width=8, depth=1)
    >>> model.encoder
    Sequential(
      (0): Scale()
      (1): Linear(in_features=3, out_features=8, bias=True)
      (2): SoftPlus()
      (3): Linear(in_features=8, out_features=2, bias=True)
      (4): Scale()
    )
    """
    if not 1 <= latent <= ambient:
        raise InputError(
            f"latent size {latent} is not between 1 and the data's {ambient} dimensions; "
            "an isometric decoder needs d <= D."
        )
    sizes = [ambient, *([width] * depth if hidden is None else hidden), latent]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = mlp(nn.Linear(a, b, dtype=SINGLE) for a, b in pairwise(sizes))
        if tied:
            linears = [layer for layer in encoder if isinstance(layer, nn.Linear)]
            decoder = mlp(TransposedLinear(layer) for layer in reversed(linears))
        else:
            decoder = mlp(nn.Linear(a, b, dtype=SINGLE) for a, b in pairwise(sizes[::-1]))
    of_codes = CODE_UNIT * unit if of_codes is None else of_codes
    return Autoencoder(
        nn.Sequential(Scale(1 / unit), *encoder, Scale(of_codes)),
        nn.Sequential(Scale(1 / of_codes), *decoder, Scale(unit)),
    )


def normalised(model: Autoencoder, seed: int) -> Autoencoder:
    """Divide every weight of both networks by its spectral norm, in place (RAE-SN).

    PyTorch estimates the norm with one power iteration per pass.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for layer in model.modules():
            if isinstance(layer, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
                nn.utils.parametrizations.spectral_norm(layer)
    return model
