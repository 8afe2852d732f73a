# %% [markdown]
# # Figure 1: projecting onto a curve
#
# :::{admonition} What the paper says (section 1, Figure 1)
# :class: important
# The decoder after the encoder is a projection onto the learned manifold. A contractive autoencoder
# (CAE) projects too, but not evenly: it shrinks the space around the data points. An isometric
# autoencoder (I-AE) samples the learned manifold evenly {cite:p}`gropp2020isometric`.
# :::

# %% tags=["parameters"]
preset = "laptop"
seed = 0

# %% tags=["hide-input"]
import inspect

from IPython.display import display

from isoae_lib.book import page, sliders, surfaces, tables
from isoae_lib.core import objectives
from isoae_lib.paper import runs
from isoae_lib.paper.claims.rule import table

chapter = page.head("02_toy_projection", preset, seed=seed)
toy = {method: chapter.evidence["toy/curve", method][0] for method in ("I-AE", "CAE")}

# %% [markdown]
# ## The answer
#
# The paper shows this in a small picture, with words and arrows. Here both autoencoders learn a
# curve in the plane from a few points, and a number stands beside the picture.

# %% tags=["hide-input"]
#| label: fig-projections
#| fig-cap: >-
#|   Points beside a curve, and where decoder(encoder(.)) sends them. The data are large green
#|   points, and the learned manifold is black. An arrow leads from each small dark blue point to
#|   a tick. Where ticks crowd, space is shrunk.
#| fig-alt: >-
#|   Two panels, one for I-AE and one for CAE. Arrows lead from points above and below a sine to
#|   the learned curve. Those of I-AE end evenly, those of CAE crowd around the data.
_ = surfaces.projections(toy)

# %% [markdown]
# Walk along the curve in small even steps and project every point. The number below is the
# coefficient of variation (standard deviation over mean) of the distances between consecutive
# images. An even projection gives 0 on the curve.

# %% tags=["hide-input"]
columns = {
    "on the curve": ("spacing_variation", 3),
    "0.2 above": ("spacing_variation_above", 3),
    "0.2 below": ("spacing_variation_below", 3),
    "error at the data (RMSE)": ("rmse", 6),
}
rows = {(s, m): (known, "toy/curve", m) for s, known in chapter.sources.items() for m in toy}
tables.measured(rows, columns)

# %% tags=["hide-input"]
chapter.verdicts()

# %% [markdown]
# ## How
#
# The data are points on one period of a sine, evenly spaced along the curve. Networks, steps and
# the weight $\lambda$ are the same for both methods. Only the regularizer differs.

# %%
spec = toy["I-AE"].spec
print(f"{spec.points} points in the plane, latent size {spec.latent}, weight {spec.weight}")
print(f"{spec.depth} hidden layers of {spec.width}, {spec.steps} steps of {spec.batch} points")

# %% [markdown]
# The two objectives, as they stand in the library:

# %%
print(inspect.getsource(objectives.isometric))
print(inspect.getsource(objectives.contractive))

# %% [markdown]
# ## In detail
#
# The latent code shows the same as {numref}`fig-projections`. It is a function of the position on
# the curve, and for an isometry this function is a straight line of slope $\pm 1$.

# %% tags=["hide-input"]
#| label: fig-codes
#| fig-cap: The latent code against the position on the curve. The dotted line has slope 1.
#| fig-alt: Two lines against arc length. That of I-AE follows the dotted line of slope 1.
_ = surfaces.code_along_curve(toy)

# %% [markdown]
# The table also walks at a distance of 0.2 from the curve, through points that lie opposite even
# steps on it. An even projection gives 0 there, too. For I-AE this is not guaranteed: its encoder
# is trained to be a pseudo-inverse only at the data, 16 points on the curve. Longer training need
# not make it more even beside them.
#
# ## Try it
#
# I-AE with four weights, after six numbers of steps at a constant rate. Each position of the
# sliders is a published run. Without the regularizer, at 0, the code is free to run at any speed.

# %% tags=["hide-input", "nbval-ignore-output"]
display(sliders.figure_1(table(runs.published("curves"))), raw=True)

# %% [markdown]
# :::{admonition} Exercise
# :class: tip
# 1. Without a regularizer, must the codes be evenly spaced along the curve?
# 2. How far from this sine may a point lie, so that its closest point on it is surely unique?
# :::
#
# :::{dropdown} Answers
# 1. No. If $f$ and $g$ reconstruct the curve, then so do $f \circ h^{-1}$ and $h \circ g$, for any
#    smooth increasing function $h$. The codes of the second pair are $h$ of the first: spaced in
#    any way.
# 2. Less than the smallest radius of curvature. For $y = \sin x$ it is 1, at the crests. That is
#    not yet enough for an arbitrary curve: two far parts of it may come near each other. Here they
#    do not.
# :::

# %% [markdown]
# ## This machine
#
# A build trains two runs of this page anew, and compares them with published records. They are
# short, but long enough for both methods to learn the curve.
#
# On the processor of the record, a run must repeat it to the last bit. On another one, rounding
# differs. There each number may be off by its margin: two seeds differ by more at most once in
# twenty times.

# %% tags=["hide-input", "nbval-ignore-output"]
chapter.this_machine()

# %% [markdown]
# ## Where these numbers come from

# %% tags=["hide-input", "nbval-ignore-output"]
chapter.provenance("toy")
