"""The training steps that are compared: each function returns a step to call again and again."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import cache

import torch
from torch import Tensor, nn

from isoae_lib.core import architectures
from isoae_lib.core.networks import (
    Autoencoder,
    Conv2d,
    ConvTranspose2d,
    Scale,
    SoftPlus,
    fully_connected,
)
from isoae_lib.core.spec import Spec
from isoae_lib.core.step import Stepper
from isoae_lib.paper.datasets import Data
from isoae_lib.paper.specs import RunSpec

# Steps behind the network of the surfaces when it is timed: weights grow, and subnormal numbers
# with them, and most of a run is spent far from its start.
TRAINED = 1500
NETWORKS: dict[str, Callable[[int], Autoencoder]] = {
    "3-256x5-2": lambda latent: (
        deepcopy(trained(TRAINED)) if latent == 2 else fully_connected(latent, latent)
    ),
    "FC-NN": lambda latent: architectures.printed_network("FC-NN", latent),
    "S-CNN": lambda latent: architectures.printed_network("S-CNN", latent),
}
WEIGHT, RATE = 0.01, 1e-3
Step = Callable[[], object]


def data_of(network: str, batch: int, latent: int = 2) -> Tensor:
    """Return as many samples (batch, D) as a step takes: the S shape, or even noise."""
    if network == "3-256x5-2" and latent == 2:
        points, _ = Data(RunSpec(data="s-shape", method="I-AE", points=batch)).train
        return torch.tensor(points, dtype=torch.float32)
    rng = torch.Generator().manual_seed(0)
    return torch.rand(batch, latent if network == "3-256x5-2" else 784, generator=rng)


def behind(network: str) -> int:
    """Return how many steps a network of two latents has been trained for when it is timed."""
    return TRAINED if network == "3-256x5-2" else 0


@cache
def trained(count: int) -> Autoencoder:
    """Return the network of section 4.1 after so many steps of I-AE on the S shape.

    On one thread: what others would have been started keeps flushing subnormal numbers.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    spec = RunSpec(data="s-shape", method="I-AE", points=1000, batch=64, weight=WEIGHT)
    model = architectures.untrained(spec, Data(spec).points)
    stepper = Stepper([model], [data_of("3-256x5-2", 1000)], [spec], compiled=False)
    for _ in range(count):
        stepper.step(RATE, 1.0)
    torch.set_num_threads(threads)
    return stepper.models[0]


def ours(
    network: str,
    batch: int,
    method: str,
    latent: int = 2,
    device: str = "cpu",
    compiled: bool = True,
    coarse: bool = True,
) -> Step:
    """A step of the library's stepper: on a GPU a CUDA graph, on a CPU compiled or eager.

    Gradients are in bfloat16 where the processor has it, unless `coarse` says no.
    """
    model, x = NETWORKS[network](latent), data_of(network, batch, latent).to(device)
    spec = Spec(method=method, batch=batch, latent=latent, weight=WEIGHT)
    stepper = Stepper([model], [x], [spec], compiled)
    stepper.coarse &= coarse
    return lambda: stepper.step(RATE, 1.0)


def plain(net: nn.Module) -> nn.Sequential:
    """Return the network in PyTorch's own layers, as one would write it."""
    return nn.Sequential(*map(_own, net))  # type: ignore[call-overload]


def _own(layer: nn.Module) -> nn.Module:
    if isinstance(layer, SoftPlus):
        return nn.Softplus(beta=100)
    if isinstance(layer, Conv2d | ConvTranspose2d):
        kind = nn.Conv2d if isinstance(layer, Conv2d) else nn.ConvTranspose2d
        shape = layer.kernel_size, layer.stride, layer.padding
        own = kind(layer.in_channels, layer.out_channels, *shape)  # type: ignore[arg-type]
        own.weight, own.bias = layer.weight, layer.bias
        return own
    return layer


def double_backward(network: str, batch: int, latent: int = 2, device: str = "cpu") -> Step:
    """I-AE as one writes it first: df(z)u by two reverse passes, u'dg(x) by one, eager Adam."""
    model, x = NETWORKS[network](latent).to(device), data_of(network, batch, latent).to(device)
    f, g = plain(model.decoder), plain(model.encoder)
    adam = torch.optim.Adam(model.parameters(), lr=RATE)

    def unit() -> Tensor:
        u = torch.randn(batch, latent, device=device)
        return u / u.norm(dim=1, keepdim=True)

    def step() -> None:
        at = x.clone().requires_grad_()
        codes = g(at)
        (pulled,) = torch.autograd.grad(codes, at, unit(), create_graph=True)
        noise = torch.randn_like(codes)
        z = (codes.mean(0) + codes.std(0) * noise).detach().requires_grad_()
        image = f(z)
        v = torch.ones_like(image, requires_grad=True)
        (back,) = torch.autograd.grad(image, z, v, create_graph=True)
        (pushed,) = torch.autograd.grad(back, v, unit(), create_graph=True)
        loss = (f(codes) - x).square().sum(1).mean()
        for vectors in (pulled, pushed):
            loss = loss + WEIGHT * (vectors.norm(dim=1) - 1).square().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()

    return step


def full_jacobians(network: str, batch: int, latent: int) -> Step:
    """What the paper avoids: d products for each differential, through our own chain rule."""
    from isoae_lib.core.isometry import pull_back, push_forward

    model, x = NETWORKS[network](latent), data_of(network, batch, latent)
    adam = torch.optim.Adam(model.parameters(), lr=RATE, fused=True)

    def step() -> None:
        axes = torch.eye(latent).unsqueeze(1).expand(-1, batch, -1)
        codes, *rows = pull_back(model.encoder, x, *axes)
        loss = (model.decoder(codes) - x).square().sum(1).mean()
        for vectors in (*push_forward(model.decoder, codes.detach(), *axes)[1:], *rows):
            loss = loss + WEIGHT * (vectors.norm(dim=1) - 1).square().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()

    return step


def floor(network: str, batch: int, latent: int = 2) -> Step:
    """The bare matrix products (and convolutions) of an I-AE step, without anything between.

    Each of the five passes has, in every layer, one product forward and two back.
    """
    model, x = NETWORKS[network](latent), data_of(network, batch, latent)
    products: list[Step] = []
    with torch.no_grad():
        codes = model.encoder(x)
        for net, start, passes in ((model.encoder, x, 2), (model.decoder, codes, 3)):
            value = start
            for layer in net:
                before, value = value, layer(value)
                if hasattr(layer, "weight") and layer.weight.ndim > 1:
                    products += passes * [_products(layer, before, torch.randn_like(value))]

    def step() -> None:
        with torch.no_grad():
            for product in products:
                product()

    return step


def _products(layer: nn.Module, x: Tensor, g: Tensor) -> Step:
    w = layer.weight
    assert isinstance(w, Tensor)
    transposed = isinstance(layer, nn.ConvTranspose2d)
    image = g if transposed else x
    if image.shape[2:] == w.shape[2:] and not any(getattr(layer, "padding", ())):
        # The kernel covers the image: one product, as in `networks`.
        x, g, w = x.flatten(1), g.flatten(1), w.flatten(1).T if transposed else w.flatten(1)
    if w.ndim == 2:
        return lambda: (x @ w.T, g @ w, g.T @ x)
    assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
    geometry = (layer.stride, layer.padding, (1, 1), transposed, (0, 0), 1)
    mask = [True, True, False]
    return lambda: (
        torch.ops.aten.convolution(x, w, None, *geometry),
        torch.ops.aten.convolution_backward(g, x, w, None, *geometry, mask),
    )


def jitted(network: str, batch: int, latent: int = 2) -> Step | None:
    """The same I-AE step in JAX, jitted; None where JAX is not installed."""
    try:
        import jax
        import jax.numpy as jnp
    except ImportError:
        return None
    model, data = NETWORKS[network](latent), data_of(network, batch, latent)
    x = jnp.asarray(data.numpy())
    layers = [[_in_jax(layer) for layer in net] for net in (model.encoder, model.decoder)]
    weights = [[w for w, _ in chain] for chain in layers]

    def run(which: int, params: list, value):
        for w, (_, apply) in zip(params[which], layers[which], strict=True):
            value = apply(w, value)
        return value

    def loss(params, key):
        keys = jax.random.split(key, 3)
        u, v, noise = (jax.random.normal(k, (batch, latent)) for k in keys)
        u, v = (t / jnp.linalg.norm(t, axis=1, keepdims=True) for t in (u, v))
        codes, pull = jax.vjp(lambda at: run(0, params, at), x)
        z = jax.lax.stop_gradient(codes.mean(0) + codes.std(0) * noise)
        _, pushed = jax.jvp(lambda at: run(1, params, at), (z,), (v,))
        total = jnp.square(run(1, params, codes) - x).sum(1).mean()
        for vectors in (pull(u)[0], pushed):
            total += WEIGHT * jnp.square(jnp.linalg.norm(vectors, axis=1) - 1).mean()
        return total

    @jax.jit
    def update(params, first, second, count, key):
        key, now = jax.random.split(key)
        gradient = jax.grad(loss)(params, now)
        count = count + 1
        first = jax.tree.map(lambda m, d: 0.9 * m + 0.1 * d, first, gradient)
        second = jax.tree.map(lambda m, d: 0.999 * m + 0.001 * d * d, second, gradient)
        bias = jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
        params = jax.tree.map(
            lambda p, m, s: p - RATE * bias * m / (jnp.sqrt(s) + 1e-8), params, first, second
        )
        return params, first, second, count, key

    zero = jax.tree.map(jnp.zeros_like, weights)
    state = (weights, zero, zero, jnp.zeros(()), jax.random.key(0))

    def step() -> None:
        nonlocal state
        state = jax.block_until_ready(update(*state))

    return step


def _in_jax(layer: nn.Module):
    """Return a layer's weights and its function of weights and input, for JAX."""
    import jax
    import jax.numpy as jnp

    w = [jnp.asarray(p.detach().numpy()) for p in layer.parameters()]
    match layer:
        case nn.Linear():
            return w, lambda w, x: x @ w[0].T + w[1]
        case Scale():
            factor = float(layer.factor)
            return w, lambda w, x: x * factor
        case SoftPlus():
            return w, lambda w, x: jax.nn.softplus(100 * x) / 100
        case nn.Flatten():
            return w, lambda w, x: x.reshape(len(x), -1)
        case nn.Unflatten():
            shape = layer.unflattened_size
            return w, lambda w, x: x.reshape(len(x), *shape)
        case nn.ZeroPad2d():
            left, right, top, bottom = layer.padding
            pads = ((0, 0), (0, 0), (top, bottom), (left, right))
            return w, lambda w, x: jnp.pad(x, pads)
        case nn.BatchNorm1d() | nn.BatchNorm2d():
            return w, lambda w, x: _batch_norm(w, x)
        case nn.Conv2d():
            stride, p = layer.stride, layer.padding[0]
            return w, lambda w, x: jax.lax.conv(x, w[0], stride, [(p, p)] * 2) + w[1][:, None, None]
        case nn.ConvTranspose2d():
            (k, stride), p = (layer.kernel_size[0], layer.stride), layer.padding[0]
            return w, lambda w, x: (
                jax.lax.conv_general_dilated(
                    x, jnp.flip(w[0], (2, 3)).swapaxes(0, 1), (1, 1), [(k - 1 - p,) * 2] * 2,
                    lhs_dilation=stride,
                ) + w[1][:, None, None]
            )  # fmt: skip
    raise NotImplementedError(type(layer).__name__)


def _batch_norm(w, x):
    import jax.numpy as jnp

    others = tuple(k for k in range(x.ndim) if k != 1)
    spread = (1, -1, *[1] * (x.ndim - 2))
    white = (x - x.mean(others, keepdims=True)) / jnp.sqrt(x.var(others, keepdims=True) + 1e-5)
    return white * w[0].reshape(spread) + w[1].reshape(spread)
