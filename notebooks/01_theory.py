# %% [markdown]
# # Theory
#
# :::{admonition} What the paper says (section 3)
# :class: important
# If the decoder $f$ is an isometry and the encoder $g$ its pseudo-inverse, then their differentials
# $A = df(z)$ and $B = dg(f(z))$ satisfy three equations, the paper's (3), (4) and (5). Three lemmas
# lead there, and from there to two losses that need no Jacobian {cite:p}`gropp2020isometric`.
# :::

# %% tags=["parameters"]
preset = "laptop"
seed = 0

# %% tags=["hide-input"]
import inspect

import numpy as np
import pandas as pd
import torch

from isoae_lib.book import page, tables
from isoae_lib.book.style import plain
from isoae_lib.book.theory import convergence
from isoae_lib.core import architectures, diagnostics, isometry, networks
from isoae_lib.paper import theory
from isoae_lib.paper.data.surfaces import surface

chapter = page.head("01_theory", preset, seed=seed)
torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
rng = torch.Generator().manual_seed(seed)

# %% [markdown]
# ## The answer
#
# ```{figure} ../book/images/idea.svg
# :name: fig-idea
# :alt: A flat grid, bent by the decoder f onto a curved sheet; the encoder g flattens it again.
#
# The decoder bends the plane without stretching it, and the encoder undoes that for the closest
# point of the sheet.
# ```
#
# The paper's equations (3), (4) and (5) are here
#
# $$A^TA = I,$$ (eq-3)
#
# $$BB^T = I,$$ (eq-4)
#
# $$B = A^T.$$ (eq-5)
#
# The statements about them are computed below in double precision. An assertion follows each, and
# would stop this page if the statement did not hold. How near does training come, on the S shape?
# The table has medians over the data, from full differentials. The paper has zeros. Before
# training, $A$ and $B$ are almost zero: they hardly differ, and neither is an isometry. The rows of
# trained networks have mean ± standard deviation over seeds.

# %% tags=["hide-input"]
run = chapter.evidence["3d/s-shape", "I-AE"][0]
untrained = architectures.untrained(run.spec, run.points).eval()
A, B = map(torch.tensor, diagnostics.differentials(untrained, run.points))
columns = {
    "|A'A - I|": ("ATA_error", 2),
    "|BB' - I|": ("BBT_error", 2),
    "|B - A'|": ("pinv_error", 2),
}
shown = pd.DataFrame({"untrained": theory.identities(A, B)}).T[list(columns)].map("{:.2f}".format)
trained = {source: (runs, "3d/s-shape", "I-AE") for source, runs in chapter.sources.items()}
pd.concat([shown, tables.measured(trained, columns)])

# %% tags=["hide-input"]
chapter.verdicts()

# %% [markdown]
# ## How
#
# The losses see one random direction per sample. Eqs. (6), (7) and (8) of the paper are
#
# $$L_{iso}(f) = E_{z,u}\left(\|df(z)u\| - 1\right)^2,$$ (eq-6)
#
# $$L_{piso}(g) = E_{x,u}\left(\|u^Tdg(x)\| - 1\right)^2,$$ (eq-7)
#
# $$L = L_{rec} + \lambda_{iso}\left(L_{iso} + L_{piso}\right),$$ (eq-8)
#
# and in the library:

# %%
print(inspect.getsource(isometry.departure))
print(inspect.getsource(isometry.L_iso))
print(inspect.getsource(isometry.L_piso))

# %% [markdown]
# Why these losses lead to {eq}`eq-3`, {eq}`eq-4` and {eq}`eq-5`, the lemmas say.
#
# ### Lemma 1: lengths are enough
#
# If $\|Au\| = 1$ for all unit vectors $u$, then $A^TA = I$. The reason in one line:
# $\|Au\|^2 = u^TA^TAu$ is linear in $A^TA$, so the lengths in enough directions determine all of
# it.

# %%
A = theory.orthonormal(7, 3, rng)
u = isometry.unit_vectors(1000, 3, A, rng)
lengths = (u @ A.T).norm(dim=1)
assert torch.allclose(lengths, torch.ones(1000))

# %%
gram = theory.gram_from_lengths(u, lengths)
assert torch.allclose(gram, torch.eye(3))
print("A'A, recovered from lengths alone, is the identity:")
print(gram.numpy().round(6) + 0.0)

# %% [markdown]
# The words "for all $u$" are needed. Stretch only one direction, by a tenth. All directions
# orthogonal to it still keep their length, but $A^TA$ is wrong by $1.1^2 - 1$ in that one.

# %%
v = u[:1]
stretched = A @ (torch.eye(3) + 0.1 * v.T @ v)
across = torch.linalg.svd(v)[2][1:]
assert torch.allclose((across @ stretched.T).norm(dim=1), torch.ones(2))
departure = torch.linalg.eigvalsh(stretched.T @ stretched - torch.eye(3))
print("eigenvalues of A'A - I:", np.round(departure.numpy() + 0.0, 6) + 0.0)
assert np.isclose(departure[-1], 1.1**2 - 1)

# %% [markdown]
# ### Lemma 2: being inverse on the image makes a pseudo-inverse
#
# If $A^TA = I = BB^T$ and $BA = I$, then $B = A^T = A^+$. To see it in numbers: every $B$ with
# $BA = I$ has the form $A^T + EV^T$, where $V$ completes $A$ to an orthonormal basis and $E$ is
# arbitrary. Then $BB^T - I = EE^T$. Rows of length one force $E = 0$. Rows of nearly that length
# force $B$ to be near $A^T$, since $\|B - A^T\|^2 = \|E\|^2 \le \sqrt{d}\,\|BB^T - I\|$.


# %%
def left_inverse(d, D, size):
    basis = theory.orthonormal(D, D, rng)
    A, V = basis[:, :d], basis[:, d:]
    return A, A.T + size * torch.randn(d, D - d, generator=rng) @ V.T


# %%
d, D, trials = 2, 6, 200
rows = {}
for size in (1.0, 0.1, 0.01, 0.0):
    pairs = [left_inverse(d, D, size) for _ in range(trials)]
    found = [theory.identities(A, B) for A, B in pairs]
    assert all(each["|BA - I|"] < 1e-12 for each in found)
    assert all(each["|B - A'|"] ** 2 <= d**0.5 * each["|BB' - I|"] + 1e-12 for each in found)
    rows[f"|E| of order {size}"] = pd.DataFrame(found).quantile(0.5, interpolation="lower")
assert max(each["|B - A'|"] for each in found) < 1e-12  # the last size is 0
pd.DataFrame(rows).T[["|BB' - I|", "|B - A'|"]].add_prefix("median ").round(4)

# %% [markdown]
# The same with symbols. Up to a rotation, $A$ is $(I, 0)^T$, and $BA = I$ leaves only $B = (I, V)$.
# SymPy confirms that the trace of $BB^T - I$ is the sum of the squares of the entries of $V$. It is
# zero only for $V = 0$.

# %%
for rows, columns in ((2, 1), (3, 1), (3, 2), (5, 3)):
    assert theory.lemma_2_symbolic(rows, columns)
    print(f"D = {rows}, d = {columns}: B = A' is the only solution")

# %% [markdown]
# All three hypotheses are needed. Each row violates the one it names and keeps the other two:

# %%
pairs = theory.lemma_2_counterexamples()
rows = {f"without {name}": theory.identities(A, B) for name, (A, B) in pairs.items()}
frame = pd.DataFrame(rows).T.round(3)
assert (frame["|B - A'|"] > 0.5).all()
assert ((frame.iloc[:, :3] > 0.1).sum(axis=1) == 1).all()
frame

# %% [markdown]
# ### Lemma 3: the differential of a projection is a projection
#
# At a point of a surface, the differential of the closest-point projection $p$ keeps tangent
# vectors and removes normal ones: $dp(x) = I - nn^T$. Automatic differentiation checks this on a
# plane, a cylinder, a sphere and a torus, whose projections have closed forms:

# %%
print(inspect.getsource(theory.project_torus))
points = torch.randn(100, 3, generator=rng)
for name in theory.PROJECTIONS:
    error = theory.lemma_3_error(name, points)
    assert error < 1e-10
    print(f"{name:9s} dp agrees with the tangent projector to 1e-10: {error < 1e-10}")

# %% [markdown]
# An independent check does without automatic differentiation. The error of a central difference for
# $dp(x)v$ falls with the square of the step. (The projection onto a plane is linear, so its error
# is zero.)

# %% tags=["hide-input"]
#| label: fig-differences
#| fig-cap: The error of a central difference against its step. The slope of the dotted line is 2.
#| fig-alt: Three falling lines on logarithmic axes, parallel to the dotted one.
steps, errors = torch.logspace(-0.7, -3.5, 12), {}
for name in ("cylinder", "sphere", "torus"):
    errors[name] = theory.finite_difference_errors(name, torch.tensor([0.9, 0.7, 0.4]), steps)
    order = np.polyfit(steps.log(), errors[name].log(), 1)[0]
    print(f"{name:9s} order of convergence {order:.1f}")
    assert abs(order - 2) < 0.1
figure = convergence(steps, errors, slope=2)
_ = figure.axes[0].set(xlabel="step $h$", ylabel="error of the central difference")

# %% [markdown]
# ### Theorem 1 on exact isometries
#
# Rolling the plane onto a cylinder is an isometry, and so is bending it to the S shape of the next
# chapters. Their encoders are the formula $f^{-1}\circ p$. The three identities hold, and the
# losses vanish:

# %%
chart = torch.tensor(surface("s-shape").sample(300, seed)[1])
pairs = {
    "cylinder": (theory.CylinderDecoder(), theory.CylinderEncoder(), 2 * chart),
    "S shape": (theory.SDecoder(), theory.SEncoder(), chart),
}
u = isometry.unit_vectors(300, 2, chart, rng)

# %%
for name, (f, g, z) in pairs.items():
    A, B = theory.jacobians(f, z), theory.jacobians(g, f(z))
    errors = theory.identities(A, B, torch.max).values()
    losses = [isometry.L_iso(f, z, u).item(), isometry.L_piso(g, f(z), u).item()]
    assert max(errors) < 1e-10 and max(losses) < 1e-10
    print(f"{name:9s} (3), (4), (5) hold to 1e-10, and both losses are below 1e-10")

# %% [markdown]
# A control that must fail: stretch the chart by a tenth. Then $\|df(z)u\| = 1.1$ and $L_{iso}$ is
# $0.1^2$. The encoder shrinks by the same factor.

# %%
f, g = theory.CylinderDecoder(1.1), theory.CylinderEncoder(1.1)
stretched_iso = isometry.L_iso(f, chart, u).item()
stretched_piso = isometry.L_piso(g, f(chart), u).item()
print(f"stretched by 1.1: L_iso = {stretched_iso:.4f}, L_piso = {stretched_piso:.4f}")
assert np.isclose(stretched_iso, 0.01) and np.isclose(stretched_piso, (1 - 1 / 1.1) ** 2)

# %% [markdown]
# ## In detail
#
# ### One random direction at a time
#
# The expectations in {eq}`eq-6` and {eq}`eq-7` are estimated from one direction per sample. In two
# latent dimensions the mean over all directions can be computed exactly from full Jacobians. The
# estimate is unbiased, and its error falls with the square root of the number of samples.

# %%
net = networks.fully_connected(3, 2, width=64, depth=3, seed=seed).double()
z = torch.randn(400, 2, generator=rng)
A = theory.jacobians(net.decoder, z)
u = isometry.unit_vectors(400, 2, z, rng)

# %%
by_jacobian = isometry.departure((A @ u[:, :, None])[:, :, 0])
by_probe = isometry.L_iso(net.decoder, z, u)
assert torch.isclose(by_probe, by_jacobian, rtol=1e-12)
print("L_iso by forward mode equals the full-Jacobian value to 1e-12")

# %%
x = torch.randn(400, 3, generator=rng)
B = theory.jacobians(net.encoder, x)
by_jacobian = isometry.departure((u[:, None] @ B)[:, 0])
assert torch.isclose(isometry.L_piso(net.encoder, x, u), by_jacobian, rtol=1e-12)
print("L_piso by reverse mode equals the full-Jacobian value to 1e-12")

# %% tags=["hide-input"]
#| label: fig-estimates
#| fig-cap: >-
#|   The error of the estimates of both losses against the number of samples. The slope of the
#|   dotted line is -1/2.
#| fig-alt: Two falling lines on logarithmic axes, parallel to the dotted one.
counts, errors = [4, 16, 64, 256, 1024], {}
for name, matrices in (("$L_{iso}$", A), ("$L_{piso}$", B.mT)):
    exact, errors[name] = theory.exact_departure(matrices), []
    for count in counts:
        pick = torch.randint(400, (300, count), generator=rng)
        u = isometry.unit_vectors(300 * count, 2, A, rng).reshape(300, count, 2, 1)
        lengths = (matrices[pick] @ u)[..., 0].norm(dim=-1)
        estimates = (lengths - 1).square().mean(dim=1)
        errors[name].append((estimates - exact).square().mean().sqrt().item())
    slope = np.polyfit(np.log(counts), np.log(errors[name]), 1)[0]
    print(f"{plain(name)}: slope {slope:.1f}")
    assert abs(slope + 0.5) < 0.1
figure = convergence(counts, errors, slope=-0.5)
_ = figure.axes[0].set(xlabel="samples", ylabel="root-mean-square error of the estimate")

# %% [markdown]
# ### The linear case: PCA
#
# With linear networks, PCA is the minimum of {eq}`eq-8`. Orthonormal principal directions make both
# regularizers zero and the reconstruction as good as it can be, so nothing is given up. A plain
# linear autoencoder finds the same subspace, but with an arbitrary basis.

# %%
spread = torch.diag(torch.tensor([2.0, 1.5, 0.5, 0.3, 0.2]))
data = torch.randn(500, 5, generator=rng) @ spread @ theory.orthonormal(5, 5, rng)
data = data - data.mean(0)
principal = torch.linalg.svd(data, full_matrices=False)[2][:2].T

# %%
rows = {}
for name, weight in (("linear I-AE", 0.1), ("linear AE", 0.0)):
    A, B = theory.fit_linear(data, weight)
    distance = (A @ B - principal @ principal.T).norm().item()
    rows[name] = {"|AB - PCA's projector|": distance} | theory.identities(A, B)
frame = pd.DataFrame(rows).T.round(3)
assert (frame["|AB - PCA's projector|"] < 1e-3).all() and (frame.loc["linear I-AE"] < 1e-3).all()
assert frame.loc["linear AE", "|A'A - I|"] > 0.1
frame

# %% [markdown]
# ## Try it
#
# :::{admonition} Exercise
# :class: tip
# 1. In how many directions must the lengths $\|Au\|$ be known, at least, so that they determine
#    $A^TA$?
# 2. The decoder $f(z) = (sz, 0)$ stretches the plane by $s$, and $g(x) = (x_1, x_2)/s$ undoes it.
#    What are $L_{iso}$ and $L_{piso}$, and where are both smallest?
# 3. $B$ satisfies $BA = I$ and is not $A^T$. Where does the encoder send a point beside the sheet?
# :::
#
# :::{dropdown} Answers
# 1. $A^TA$ is symmetric and has $d(d+1)/2$ free entries. Each length gives one linear equation for
#    them, so there must be at least as many directions. In the plane these are 3.
# 2. $(s-1)^2$ and $(1/s-1)^2$. Both are 0 for $s = 1$, and only there.
# 3. To the wrong place. The encoder sends $f(z) + n$ to about $z + Bn$. If $n$ is normal to the
#    manifold, the closest point is $f(z)$, and the right code is $z$. But $Bn = 0$ for all normal
#    $n$ only if $B = A^T$.
# :::
#
# ## Where these numbers come from

# %% tags=["hide-input", "nbval-ignore-output"]
chapter.provenance("3d")
