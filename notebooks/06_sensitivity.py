# %% [markdown]
# # How much regularization?
#
# :::{admonition} What the paper says (section 4.4, Figure 6)
# :class: important
# With the convolutional networks of section 4.2 and $\lambda_{iso}$ from 0 to 1, embeddings and
# losses are stable between 0.01 and 0.5. $L_{iso}$ and $L_{piso}$ start very high without the
# regularizer and fall at once. $L_{rec}$ rises steadily, on MNIST until 0.75, where it becomes
# rockier and the embedding changes {cite:p}`gropp2020isometric`.
# :::

# %% tags=["parameters"]
preset = "laptop"
seed = 0

# %% tags=["hide-input"]
import pandas as pd
from IPython.display import display

from isoae_lib.book import images, page, sliders, sweeps
from isoae_lib.paper import sections

chapter = page.head("06_sensitivity", preset, seed=seed)
evidence, published = chapter.evidence, chapter.published
there = chapter.at(images.FIGURE_6)
(data, *_) = sections.SECTIONS["sensitivity"].data_at(preset)
experiment = f"sensitivity/{data}"
linear = chapter.pca(data)[chapter.source]

# %% [markdown]
# ## The answer
#
# The losses are computed after training, over training images, in evaluation mode. Beside them
# stands the accuracy of 5 nearest neighbours in the plane.

# %% tags=["hide-input"]
#| label: fig-losses
#| fig-cap: >-
#|   I-AE's losses against $\lambda_{iso}$; bars span the seeds. Level lines are PCA with two
#|   dimensions, on the same images. Its own $L_{iso}$ and $L_{piso}$ are 0.
#| fig-alt: >-
#|   Four panels against the weight. L_iso and L_piso fall steeply as soon as it is above 0, L_rec
#|   rises.
_ = images.loss_curves(evidence, [*there.values()], linear)

# %% tags=["hide-input"]
chapter.verdicts()

# %% [markdown]
# ## How
#
# There are one network, two data sets and ten weights. Everything else stays the same.

# %%
images.scales(chapter.sources, "sensitivity")

# %% [markdown]
# ## In detail
#
# ### Figure 6: the embeddings

# %% tags=["hide-input"]
#| label: fig-weights-mnist
#| fig-cap: MNIST in the plane, for growing $\lambda_{iso}$. Colours are classes.
#| fig-alt: Ten panels of points in ten colours, one for each weight.
_ = images.weight_row(evidence, there.get("MNIST"))

# %% tags=["hide-input"]
#| label: fig-weights-fashion
#| fig-cap: Fashion-MNIST in the plane, for growing $\lambda_{iso}$. Colours are classes.
#| fig-alt: Ten panels of points in ten colours, one for each weight.
_ = images.weight_row(evidence, there.get("Fashion-MNIST"))

# %% [markdown]
# ### Choices that the paper leaves open
#
# Each row changes one thing against $\lambda_{iso} = 0.075$. The numbers in the first column are
# those of the {doc}`decisions <../book/decisions>`. When $L_{rec}$ is a sum over pixels, the same
# weight counts 784 times less. The singular values of df, which are 1 for an isometry, show how
# much of the regularizer is left.

# %% tags=["hide-input"]
images.ablations(evidence, experiment)

# %% [markdown]
# ### How strong the rivals are
#
# Figure 5 and Table 2 compare I-AE with other autoencoders. These have a weight or a level of
# noise, too, and the paper prints none of them. Here a rule chooses it
# ({ref}`decision 14 <decision-14>`), from published runs on MNIST with a quarter of the steps. For
# Table 2 at d = 16 and 64, where networks are wider, it chose again:

# %% tags=["hide-input"]
swept = [section for section in sections.FIGURE_5_NETWORKS if sections.SECTIONS[section].sweep]
pd.concat(sweeps.sweep(published, section) for section in swept)

# %% tags=["hide-input"]
sweeps.sweep(published, "classification")

# %% [markdown]
# ## Try it
#
# Move the slider to see the embeddings change with the weight, first seed. All have one size here,
# and are turned to fit that of $\lambda_{iso} = 0.075$.

# %% tags=["hide-input", "nbval-ignore-output"]
display(sliders.figure_6(published, [*images.FIGURE_6.values()]), raw=True)

# %% [markdown]
# ## This machine
#
# A build trains one run of this page anew, and compares it with a published record. The run is so
# short that its numbers mean nothing: it is only there to be repeated. {doc}`Run it yourself
# <../book/run_it_yourself>` says how a record and a repetition are compared.

# %% tags=["hide-input", "nbval-ignore-output"]
chapter.this_machine()

# %% [markdown]
# ## Where these numbers come from

# %% tags=["hide-input", "nbval-ignore-output"]
chapter.provenance("sensitivity")

# %% [markdown]
# The sweep that chose the settings of the rivals:

# %% tags=["hide-input", "nbval-ignore-output"]
chapter.published_card(*sections.FIGURE_5_NETWORKS, "classification", sweep=True)
