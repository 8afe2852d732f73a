"""The encoder and the decoder of one's own data: those of A.1.2, or any two modules."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import nn

from isoae_lib.core.methods import METHODS
from isoae_lib.core.networks import (
    CODE_UNIT,
    SINGLE,
    Autoencoder,
    Scale,
    fully_connected,
    normalised,
)
from isoae_lib.core.spec import Spec
from isoae_lib.errors import InputError

Modules = tuple[nn.Module, nn.Module]


def networks_of(estimator: Any) -> Modules | None:
    """Return the networks that an estimator was given, if any.

    Raises
    ------
    InputError
        If there is only one.
    """
    own = (estimator.encoder, estimator.decoder)
    if own == (None, None):
        return None
    if None in own:
        raise InputError("encoder and decoder belong together: give both, or neither.")
    return own


@torch.inference_mode(False)  # or the weights could never be trained
def pair_for(
    spec: Spec, shape: tuple[int, ...], hidden: Sequence[int], own: Modules | None = None
) -> Autoencoder:
    """Return an untrained autoencoder for points with a mean square of 1.

    Inside, numbers have a deviation near 1: those of a point, and those of its code.

    Parameters
    ----------
    spec : Spec
        Its method, latent size and seed count.
    shape : tuple of int
        Of one point. Both networks take and give vectors; modules of one's own see this shape.
    hidden : sequence of int
        The sizes of the encoder's hidden layers; the decoder's are those in reverse.
    own : pair of Module, optional
        Encoder and decoder to train instead, from the weights that they have. They are copied.

    Raises
    ------
    InputError
        If there are more latents than numbers in a point, or if modules do not fit the points.
    """
    size = int(torch.Size(shape).numel())
    change = METHODS[spec.method].networks
    unit, of_codes = size**-0.5, CODE_UNIT * (spec.latent + 1) ** -0.5
    with torch.device("cpu"):  # its generator draws the starting weights
        if own is not None:
            model = _wrapped(own, shape, spec.latent, unit, of_codes)
        else:
            model = fully_connected(
                size, spec.latent, hidden=hidden, tied=change == "tied",
                unit=unit, of_codes=of_codes, seed=spec.seed,
            )  # fmt: skip
        return normalised(model, spec.seed) if change == "normalised" else model


def _wrapped(
    own: Modules, shape: tuple[int, ...], latent: int, unit: float, of_codes: float
) -> Autoencoder:
    encoder, decoder = (deepcopy(net).to("cpu", SINGLE) for net in own)
    image = [nn.Unflatten(1, shape)] if len(shape) > 1 else []
    flat = [nn.Flatten()] if len(shape) > 1 else []
    model = Autoencoder(
        nn.Sequential(Scale(1 / unit), *image, *_layers(encoder), Scale(of_codes)),
        nn.Sequential(Scale(1 / of_codes), *_layers(decoder), *flat, Scale(unit)),
    )
    size = int(torch.Size(shape).numel())
    _check("encoder", model.encoder, size, latent, f"points of shape {shape}")
    _check("decoder", model.decoder, latent, size, f"codes of {latent} numbers")
    return model


def _layers(net: nn.Module) -> list[nn.Module]:
    """Return the layers of a sequence, so that the chain rule can go through them one by one."""
    return list(net) if type(net) is nn.Sequential else [net]


def _check(name: str, net: nn.Module, into: int, out: int, what: str) -> None:
    """Raise an InputError unless a network turns `into` numbers into `out`."""
    training = net.training
    try:
        with torch.no_grad():
            got = tuple(net.eval()(torch.zeros(2, into, dtype=SINGLE)).shape)
    except RuntimeError as error:
        raise InputError(f"the {name} does not take {what}: {error}") from None
    net.train(training)
    if got != (2, out):
        raise InputError(f"the {name} gives {got[1:]} for each of the {what}: ({out},) is needed.")
