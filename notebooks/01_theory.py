# %% [markdown]
# # Theory
#
# :::{admonition} What the paper says (section 3)
# :class: important
# If the decoder $f$ is an isometry and the encoder $g$ its pseudo-inverse, then their differentials
# $A = df(z)$ and $B = dg(f(z))$ satisfy $A^TA = I$ (3), $BB^T = I$ (4) and $B = A^T$ (5). Three
# lemmas lead there, and from there to two losses that need no Jacobian
# {cite:p}`gropp2020isometric`.
# :::
#
# Every statement below is computed in double precision and followed by an assertion that would
# stop this page if it did not hold. How near a trained network comes is shown, and not asserted.

# %% tags=["parameters"]
preset = "laptop"
seed = 0

# %% tags=["hide-input"]
import inspect

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch

from isoae_lib.core import diagnostics
from isoae_lib.book import figures, tables
from isoae_lib.core import isometry, networks
from isoae_lib.paper import runs, theory
from isoae_lib.paper.claims import rule
from isoae_lib.paper.data.surfaces import surface

figures.style()
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
rng = torch.Generator().manual_seed(seed)

# %% [markdown]
# ## Lemma 1: lengths are enough
#
# If $\|Au\| = 1$ for all unit vectors $u$, then $A^TA = I$. The reason in one line: $\|Au\|^2 =
# u^TA^TAu$ is linear in $A^TA$, so enough directions give all of it back.

# %%
A = theory.orthonormal(7, 3, rng)
u = isometry.unit_vectors(1000, 3, A, rng)
lengths = (u @ A.T).norm(dim=1)
gram = theory.gram_from_lengths(u, lengths)
assert torch.allclose(lengths, torch.ones(1000))
assert torch.allclose(gram, torch.eye(3))
print("A'A, recovered from lengths alone, is the identity:")
print(gram.numpy().round(6) + 0.0)

# %% [markdown]
# "For all $u$" cannot be spared. Stretch one direction only, by a tenth: then all directions
# orthogonal to it still keep their length, and $A^TA$ is off by $1.1^2 - 1$ in that one.

# %%
v = u[:1]
stretched = A @ (torch.eye(3) + 0.1 * v.T @ v)
across = torch.linalg.svd(v)[2][1:]
assert torch.allclose((across @ stretched.T).norm(dim=1), torch.ones(2))
departure = torch.linalg.eigvalsh(stretched.T @ stretched - torch.eye(3))
print("eigenvalues of A'A - I:", np.round(departure.numpy() + 0.0, 6) + 0.0)
assert np.isclose(departure[-1], 1.1**2 - 1)

# %% [markdown]
# ## Lemma 2: being inverse on the image makes a pseudo-inverse
#
# If $A^TA = I = BB^T$ and $BA = I$, then $B = A^T = A^+$. Numerically: every $B$ with $BA = I$ is
# $A^T + EV^T$, with $V$ completing $A$ to a basis of space and $E$ at will. Then $BB^T - I = EE^T$:
# rows of length one force $E = 0$, and rows of nearly that length force $B$ near $A^T$, since
# $\|B - A^T\|^2 = \|E\|^2 \le \sqrt{d}\,\|BB^T - I\|$.

# %%
d, D, trials = 2, 6, 200
rows = {}
for size in (1.0, 0.1, 0.01, 0.0):
    deviation, distance = [], []
    for _ in range(trials):
        basis = theory.orthonormal(D, D, rng)
        A, V = basis[:, :d], basis[:, d:]
        B = A.T + size * torch.randn(d, D - d, generator=rng) @ V.T
        assert torch.allclose(B @ A, torch.eye(d))
        deviation.append((B @ B.T - torch.eye(d)).norm())
        distance.append((B - torch.linalg.pinv(A)).norm())
    deviation, distance = torch.stack(deviation), torch.stack(distance)
    assert (distance**2 <= d**0.5 * deviation + 1e-12).all()
    rows[f"|E| of order {size}"] = {
        "median |BB' - I|": deviation.median().item(),
        "median |B - A'|": distance.median().item(),
    }
assert distance.max() < 1e-12
pd.DataFrame(rows).T.round(4)

# %% [markdown]
# The same with symbols. Up to a rotation of space $A$ is $(I, 0)^T$; $BA = I$ then leaves
# $B = (I, V)$, and SymPy confirms that the trace of $BB^T - I$ is the sum of the squares of $V$'s
# entries, which is zero only for $V = 0$.

# %%
for rows, columns in ((2, 1), (3, 1), (3, 2), (5, 3)):
    assert theory.lemma_2_symbolic(rows, columns)
    print(f"D = {rows}, d = {columns}: B = A' is the only solution")

# %% [markdown]
# No hypothesis can be dropped. Each row violates the one it names and keeps the other two:

# %%
eye = torch.eye(2)
rows = {
    f"without {name}": {
        "|A'A - I|": (A.T @ A - eye).norm().item(),
        "|BB' - I|": (B @ B.T - eye).norm().item(),
        "|BA - I|": (B @ A - eye).norm().item(),
        "|B - A'|": (B - A.T).norm().item(),
    }
    for name, (A, B) in theory.lemma_2_counterexamples().items()
}
frame = pd.DataFrame(rows).T.round(3)
assert (frame["|B - A'|"] > 0.5).all()
assert ((frame.iloc[:, :3] > 0.1).sum(axis=1) == 1).all()
frame

# %% [markdown]
# ## Lemma 3: the differential of a projection is a projection
#
# At a point of a surface, the differential of the closest-point projection $p$ keeps tangent
# vectors and deletes normal ones: $dp(x) = I - nn^T$. Here for a plane, a cylinder, a sphere and a
# torus, whose projections have closed forms, by automatic differentiation:

# %%
print(inspect.getsource(theory.project_torus))
points = torch.randn(100, 3, generator=rng)
for name in theory.PROJECTIONS:
    error = theory.lemma_3_error(name, points)
    assert error < 1e-10
    print(f"{name:9s} dp agrees with the tangent projector to 1e-10: {error < 1e-10}")

# %% [markdown]
# An independent check without automatic differentiation: central differences miss $dp(x)v$ by an
# error that falls with the square of the step (the plane's projection is linear, so there the error
# is zero).

# %% tags=["hide-input"]
steps = torch.logspace(-0.7, -3.5, 12)
figure, axes = plt.subplots(figsize=(6.5, 3.6))
for (name, marker), color in zip(
    (("cylinder", "o"), ("sphere", "s"), ("torus", "^")), ("#0072B2", "#D55E00", "#009E73")
):
    errors = theory.finite_difference_errors(name, torch.tensor([0.9, 0.7, 0.4]), steps)
    axes.loglog(steps, errors, marker=marker, color=color, label=name)
    order = np.polyfit(steps.log(), errors.log(), 1)[0]
    print(f"{name:9s} order of convergence {order:.1f}")
    assert abs(order - 2) < 0.1
axes.loglog(steps, steps**2, ":", color="#555555", label="slope 2")
axes.set(xlabel="step $h$", ylabel="error of the central difference")
_ = axes.legend()
# %% [markdown]
# ## Theorem 1 on exact isometries
#
# Rolling the plane onto a cylinder is an isometry, and so is the S shape of the next chapters; its
# encoder is written down as $f^{-1}\circ p$. The three identities hold, and the losses vanish:

# %%
print(inspect.getsource(isometry.departure))
print(inspect.getsource(isometry.L_iso))
print(inspect.getsource(isometry.L_piso))

# %%
chart = torch.tensor(surface("s-shape").sample(300, seed)[1])
pairs = {
    "cylinder": (theory.CylinderDecoder(), theory.CylinderEncoder(), 2 * chart),
    "S shape": (theory.SDecoder(), theory.SEncoder(), chart),
}
u = isometry.unit_vectors(300, 2, chart, rng)
for name, (f, g, z) in pairs.items():
    A, B = theory.jacobians(f, z), theory.jacobians(g, f(z))
    errors = [(A.mT @ A - eye).abs().max(), (B @ B.mT - eye).abs().max(), (B - A.mT).abs().max()]
    losses = [isometry.L_iso(f, z, u).item(), isometry.L_piso(g, f(z), u).item()]
    assert max(errors) < 1e-10 and max(losses) < 1e-10
    print(f"{name:9s} (3), (4), (5) hold to 1e-10, and both losses are below 1e-10")

# %% [markdown]
# A control that must fail: stretch the chart by a tenth. Then $\|df(z)u\| = 1.1$, and $L_{iso}$ is
# $0.1^2$; the encoder shrinks by as much.

# %%
f, g = theory.CylinderDecoder(1.1), theory.CylinderEncoder(1.1)
stretched_iso = isometry.L_iso(f, chart, u).item()
stretched_piso = isometry.L_piso(g, f(chart), u).item()
print(f"stretched by 1.1: L_iso = {stretched_iso:.4f}, L_piso = {stretched_piso:.4f}")
assert np.isclose(stretched_iso, 0.01) and np.isclose(stretched_piso, (1 - 1 / 1.1) ** 2)

# %% [markdown]
# ## Theorem 1 on a trained I-AE
#
# How near does training come? Medians over the data, from full differentials, beside the same
# networks before training, whose $A$ and $B$ are almost zero: they differ by little, and neither is
# an isometry. A short run comes near (3) and (4), and (5) takes longer. The published runs, which
# are longer, as mean ± standard deviation over seeds:

# %% tags=["hide-input"]
from isoae_lib.core.architectures import untrained

run = runs.load("3d/s-shape/I-AE", preset, seed)
rows = {}
before = untrained(run.spec, run.points).eval()
for name, model in (("untrained", before), ("trained", run.model)):
    A, B = (torch.tensor(m) for m in diagnostics.differentials(model, run.points))
    rows[name] = {
        "|A'A - I|": (A.mT @ A - eye).norm(dim=(1, 2)).median().item(),
        "|BB' - I|": (B @ B.mT - eye).norm(dim=(1, 2)).median().item(),
        "|B - A'|": (B - A.mT).norm(dim=(1, 2)).median().item(),
    }
published = rule.table(runs.published())
names = ("ATA_error", "BBT_error", "pinv_error")
shown = pd.DataFrame(rows).T.map("{:.2f}".format)
shown.loc["published"] = [
    rule.mean_and_deviation(rule.values(published, "3d/s-shape", "I-AE", name)) for name in names
]
shown

# %% [markdown]
# ## The estimators of eqs. (6) and (7)
#
# Training sees one random direction a sample. In two latent dimensions the mean over all directions
# can be had without chance, from full Jacobians; the estimate is unbiased, and its error falls like
# one over the square root of the number of samples.

# %%
net = networks.fully_connected(3, 2, width=64, depth=3, seed=seed).double()
z = torch.randn(400, 2, generator=rng)
A = theory.jacobians(net.decoder, z)
u = isometry.unit_vectors(400, 2, z, rng)
by_jacobian = isometry.departure((A @ u[:, :, None])[:, :, 0])
by_probe = isometry.L_iso(net.decoder, z, u)
assert torch.isclose(by_probe, by_jacobian, rtol=1e-12)
print("L_iso by forward mode equals the full-Jacobian value to 1e-12")
x = torch.randn(400, 3, generator=rng)
B = theory.jacobians(net.encoder, x)
by_jacobian = isometry.departure((u[:, None] @ B)[:, 0])
assert torch.isclose(isometry.L_piso(net.encoder, x, u), by_jacobian, rtol=1e-12)
print("L_piso by reverse mode equals the full-Jacobian value to 1e-12")

# %% tags=["hide-input"]
counts = np.array([4, 16, 64, 256, 1024])
figure, axes = plt.subplots(figsize=(6.5, 3.6))
for name, matrices, color, marker in (
    ("$L_{iso}$", A, "#0072B2", "o"), ("$L_{piso}$", B.mT, "#D55E00", "s")
):  # fmt: skip
    exact = theory.exact_departure(matrices)
    error = []
    for count in counts:
        pick = torch.randint(400, (300, count), generator=rng)
        u = isometry.unit_vectors(300 * count, 2, A, rng).reshape(300, count, 2, 1)
        lengths = (matrices[pick] @ u)[..., 0].norm(dim=-1)
        estimates = (lengths - 1).square().mean(dim=1)
        error.append((estimates - exact).square().mean().sqrt().item())
    slope = np.polyfit(np.log(counts), np.log(error), 1)[0]
    axes.loglog(counts, error, marker=marker, color=color, label=name)
    print(f"{name}: slope {slope:.1f}")
    assert abs(slope + 0.5) < 0.1
axes.loglog(
    counts, error[0] * (counts / counts[0]) ** -0.5, ":", color="#555555", label="slope -1/2"
)
axes.set(xlabel="samples", ylabel="root-mean-square error of the estimate")
_ = axes.legend()
# %% [markdown]
# ## The linear case: PCA
#
# With linear networks eq. (8) has PCA as its minimum: orthonormal principal directions make both
# regularizers zero and the reconstruction as good as it can be: nothing is traded. A plain linear
# autoencoder finds the same subspace, but any basis of it.

# %%
spread = torch.diag(torch.tensor([2.0, 1.5, 0.5, 0.3, 0.2]))
data = torch.randn(500, 5, generator=rng) @ spread @ theory.orthonormal(5, 5, rng)
data = data - data.mean(0)
principal = torch.linalg.svd(data, full_matrices=False)[2][:2].T
rows = {}
for name, weight in (("linear I-AE", 0.1), ("linear AE", 0.0)):
    A, B = theory.fit_linear(data, weight)
    rows[name] = {
        "|AB - PCA's projector|": (A @ B - principal @ principal.T).norm().item(),
        "|A'A - I|": (A.T @ A - eye).norm().item(),
        "|B - A'|": (B - A.T).norm().item(),
    }
frame = pd.DataFrame(rows).T.round(3)
assert (frame.iloc[:, 0] < 1e-3).all() and (frame.loc["linear I-AE"] < 1e-3).all()
assert frame.loc["linear AE", "|A'A - I|"] > 0.1
frame

# %% [markdown]
# ## Where these numbers come from

# %% tags=["hide-input", "nbval-ignore-output"]
tables.provenance([("3d/s-shape/I-AE", run)], "01_theory", preset, seed=seed)
