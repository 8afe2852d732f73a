"""Section 3 as things that can be computed: the lemmas, projections onto surfaces, estimators."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from isoae_lib.paper.data.surfaces import S_HEIGHT, S_RADIUS

PointMap = Callable[[Tensor], Tensor]
TORUS = (1.0, 0.4)  # radius of its axis, of its tube


def orthonormal(rows: int, columns: int, generator: torch.Generator) -> Tensor:
    """Draw A (rows, columns) with A'A = I, uniformly (the Q of a Gaussian matrix)."""
    gaussian = torch.randn(rows, columns, generator=generator, dtype=torch.float64)
    q, r = torch.linalg.qr(gaussian)
    return q * torch.sign(torch.diagonal(r))


def gram_from_lengths(directions: Tensor, lengths: Tensor) -> Tensor:
    """Recover A'A (d, d) from lengths |A u_k| alone (Lemma 1): u'A'Au is linear in A'A.

    Parameters
    ----------
    directions : Tensor (m, d)
        At least d (d + 1) / 2 directions in general position.
    lengths : Tensor (m,)
        |A u_k|.
    """
    d = directions.shape[1]
    products = torch.einsum("mi,mj->mij", directions, directions).reshape(-1, d * d)
    # The pseudo-inverse picks the symmetric one among all matrices with these values.
    solution = torch.linalg.pinv(products) @ lengths.square()
    return solution.reshape(d, d)


def identities(
    A: Tensor, B: Tensor, over: Callable[[Tensor], Tensor] = torch.median
) -> dict[str, float]:
    """Return how far A (..., D, d) and B (..., d, D) are from eqs. (3), (4), (5) and from BA = I.

    Frobenius norms; `over` turns those of many matrices into one number.
    """
    eye = torch.eye(A.shape[-1], dtype=A.dtype)
    errors = {
        "|A'A - I|": A.mT @ A - eye,
        "|BB' - I|": B @ B.mT - eye,
        "|BA - I|": B @ A - eye,
        "|B - A'|": B - A.mT,
    }
    return {name: over(error.norm(dim=(-2, -1))).item() for name, error in errors.items()}


def lemma_2_counterexamples() -> dict[str, tuple[Tensor, Tensor]]:
    """Return A (3, 2), B (2, 3) that violate just one hypothesis of Lemma 2, by its name."""
    A = torch.eye(3, 2, dtype=torch.float64)
    shear = torch.tensor([[0.0, 0, 1], [0, 0, 0]], dtype=torch.float64)
    turn = torch.tensor([[0.0, -1], [1, 0]], dtype=torch.float64)
    # Without A'A = I: a longer column of A, met by rows of B that lean over to stay unit length.
    lean = torch.tensor([[0.6, 0, 0.8], [0, 1, 0]], dtype=torch.float64)
    long = torch.tensor([[1 / 0.6, 0], [0, 1], [0, 0]], dtype=torch.float64)
    return {"A'A = I": (long, lean), "BB' = I": (A, A.T + shear), "BA = I": (A, turn @ A.T)}


def lemma_2_symbolic(rows: int, columns: int) -> bool:
    """Solve Lemma 2 with SymPy for A = [I; 0], which is every A up to a rotation of R^D.

    B = [I, V] is all that BA = I leaves; BB' = I then reads VV' = 0. Its diagonal holds sums of
    squares, so that V = 0 is the only real solution, and B = A'.

    Returns
    -------
    bool
        Whether SymPy finds that the trace of BB' - I is the sum of squares of V's entries, and
        that with V = 0 the matrix B is A'.
    """
    import sympy as sp

    A = sp.Matrix(rows, columns, lambda i, j: int(i == j))
    V = sp.Matrix(columns, rows - columns, lambda i, j: sp.Symbol(f"v{i}{j}", real=True))
    B = sp.eye(columns).row_join(V)
    squares = sum(entry**2 for entry in V)
    trace = sp.expand((B * B.T - sp.eye(columns)).trace())
    zero = {entry: 0 for entry in V}
    return sp.eye(columns) == B * A and trace == squares and B.subs(zero) == A.T


def project_plane(x: Tensor) -> Tensor:
    """Closest point (3,) of the plane z = 0."""
    return x * torch.tensor([1.0, 1, 0], dtype=x.dtype)


def project_cylinder(x: Tensor) -> Tensor:
    """Closest point (3,) of the cylinder of radius 1 around the third axis."""
    radius = torch.hypot(x[0], x[1])
    return torch.stack([x[0] / radius, x[1] / radius, x[2]])


def project_sphere(x: Tensor) -> Tensor:
    """Closest point (3,) of the unit sphere."""
    return x / x.norm()


def project_torus(x: Tensor) -> Tensor:
    """Closest point (3,) of the torus around the third axis."""
    axis_radius, tube = TORUS
    centre = axis_radius * project_sphere(project_plane(x))
    return centre + tube * (x - centre) / (x - centre).norm()


PROJECTIONS: dict[str, PointMap] = {
    "plane": project_plane,
    "cylinder": project_cylinder,
    "sphere": project_sphere,
    "torus": project_torus,
}
NORMALS: dict[str, PointMap] = {  # at a point of the surface, of any length
    "plane": lambda x: torch.tensor([0.0, 0, 1], dtype=x.dtype),
    "cylinder": project_plane,
    "sphere": lambda x: x,
    "torus": lambda x: x - TORUS[0] * project_sphere(project_plane(x)),
}


def tangent_projector(name: str, x: Tensor) -> Tensor:
    """Return I - nn' (3, 3), with the unit normal n of the surface at its point x."""
    normal = NORMALS[name](x)
    normal = normal / normal.norm()
    return torch.eye(3, dtype=x.dtype) - torch.outer(normal, normal)


def lemma_3_error(name: str, points: Tensor) -> float:
    """Return the largest |dp(x) - tangent projector| over points near a surface, moved onto it."""
    p = PROJECTIONS[name]
    errors = [torch.func.jacrev(p)(x) - tangent_projector(name, x) for x in map(p, points)]
    return float(torch.stack(errors).abs().max())


def finite_difference_errors(name: str, x: Tensor, steps: Tensor) -> Tensor:
    """Return |(p(x + h v) - p(x - h v)) / 2h - dp(x) v| for each step h, at a surface point."""
    p = PROJECTIONS[name]
    on_surface = p(x)
    v = torch.tensor([0.48, -0.6, 0.64], dtype=x.dtype)
    exact = tangent_projector(name, on_surface) @ v
    central = [(p(on_surface + h * v) - p(on_surface - h * v)) / (2 * h) for h in steps]
    return torch.stack([(value - exact).norm() for value in central])


class CylinderDecoder(nn.Module):
    """f(z) = (cos z_1, sin z_1, z_2): rolls the plane up; `stretch` 1 is an isometry."""

    def __init__(self, stretch: float = 1.0) -> None:
        super().__init__()
        self.stretch = stretch

    def forward(self, z: Tensor) -> Tensor:
        """Return f(z), (n, 3)."""
        z = self.stretch * z
        return torch.stack([z[:, 0].cos(), z[:, 0].sin(), z[:, 1]], dim=1)


class CylinderEncoder(nn.Module):
    """g = f^-1 o p for the cylinder: the angle around the axis, and the height."""

    def __init__(self, stretch: float = 1.0) -> None:
        super().__init__()
        self.stretch = stretch

    def forward(self, x: Tensor) -> Tensor:
        """Return g(x), (n, 2)."""
        return torch.stack([torch.atan2(x[:, 1], x[:, 0]), x[:, 2]], dim=1) / self.stretch


class SDecoder(nn.Module):
    """The S shape of `surfaces`, from length along the S and height to space."""

    def forward(self, z: Tensor) -> Tensor:
        """Return f(z), (n, 3)."""
        t = z[:, 0] / S_RADIUS
        bend = S_RADIUS * torch.sign(t) * (t.cos() - 1)
        return torch.stack([S_RADIUS * t.sin(), z[:, 1] - S_HEIGHT / 2, bend], dim=1)


class SEncoder(nn.Module):
    """g = f^-1 o p near the S shape: project onto the nearer of its two arcs, read the angle."""

    def forward(self, x: Tensor) -> Tensor:
        """Return g(x), (n, 2)."""
        f = SDecoder()
        one, other = self._on_arc(x, 1.0), self._on_arc(x, -1.0)
        nearer = (f(one) - x).norm(dim=1) <= (f(other) - x).norm(dim=1)
        return torch.where(nearer[:, None], one, other)

    @staticmethod
    def _on_arc(x: Tensor, side: float) -> Tensor:
        """Return the code of the closest point on one arc: three quarters of a circle."""
        t = torch.atan2(side * x[:, 0], S_RADIUS + side * x[:, 2])
        t = torch.where(t < -torch.pi / 4, t + 2 * torch.pi, t).clamp(0, 1.5 * torch.pi)
        return torch.stack([S_RADIUS * side * t, x[:, 1] + S_HEIGHT / 2], dim=1)


def jacobians(net: nn.Module, x: Tensor) -> Tensor:
    """Return the full Jacobian at every row of x: (n, outputs, inputs)."""
    return torch.func.vmap(torch.func.jacrev(lambda row: net(row[None])[0]))(x)


def exact_departure(matrices: Tensor, nodes: int = 256) -> Tensor:
    """Return E (|Mu| - 1)^2 over matrices (n, D, 2) and the whole circle of u, without sampling.

    The trapezoidal rule converges faster than any power on a smooth periodic function.
    """
    angle = torch.arange(nodes, dtype=matrices.dtype) * (2 * torch.pi / nodes)
    u = torch.stack([angle.cos(), angle.sin()])
    return ((matrices @ u).norm(dim=1) - 1).square().mean()


def fit_linear(x: Tensor, weight: float, iterations: int = 300) -> tuple[Tensor, Tensor]:
    """Fit a linear autoencoder with two latents to centred data x (n, D) by eq. (8).

    Full-batch L-BFGS from small random weights, with the exact L_iso and L_piso. With `weight` 0
    it is a plain linear autoencoder.

    Returns
    -------
    A, B : Tensor (D, 2), (2, D)
        The decoder and the encoder.
    """
    generator = torch.Generator().manual_seed(0)
    A = 0.3 * torch.randn(x.shape[1], 2, generator=generator, dtype=x.dtype)
    B = 0.3 * torch.randn(2, x.shape[1], generator=generator, dtype=x.dtype)
    A.requires_grad_()
    B.requires_grad_()
    optimizer = torch.optim.LBFGS(
        [A, B], max_iter=iterations, line_search_fn="strong_wolfe", tolerance_grad=1e-12,
        tolerance_change=1e-15,
    )  # fmt: skip

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = (x @ B.T @ A.T - x).square().sum(1).mean()
        value = value + weight * (exact_departure(A[None]) + exact_departure(B.T[None]))
        value.backward()
        return value

    optimizer.step(loss)  # type: ignore[arg-type]
    return A.detach(), B.detach()
