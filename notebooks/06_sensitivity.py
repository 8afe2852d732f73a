# %% [markdown]
# # How much regularization?
#
# :::{admonition} What the paper says (section 4.4, Figure 6)
# :class: important
# With the convolutional networks of section 4.2 and $\lambda_{iso}$ from 0 to 1, embeddings and
# losses are stable between 0.01 and 0.5. $L_{iso}$ and $L_{piso}$ start very high without the
# regularizer and fall at once; $L_{rec}$ rises steadily, on MNIST until 0.75, where it becomes
# rockier and the embedding changes {cite:p}`gropp2020isometric`.
# :::

# %% tags=["parameters"]
preset = "laptop"
seed = 0

# %% tags=["hide-input"]
import pandas as pd

from isoae_lib.book import figures, images, tables
from isoae_lib.paper import claims, runs, sections
from isoae_lib.paper.claims import rule
from isoae_lib.paper.claims.images import FIGURE_6, WEIGHED

figures.style()
named = runs.named(sections.notebook_runs("06_sensitivity", preset, seed), preset)
here = rule.table(named)
published = rule.table(runs.published())
data = sections.SECTIONS["sensitivity"].data_at(preset)[0]
place = f"sensitivity/{data}"

# %% [markdown]
# ## The experiment
#
# One network, one data set, ten weights; everything else is the same.

# %%
tables.scales({f"this build ({preset})": here, "published": published}, "sensitivity")

# %% [markdown]
# ## Figure 6: the embeddings

# %% tags=["hide-input"]
_ = images.strip(here, place)

# %% [markdown]
# The published runs, which are longer:

# %% tags=["hide-input"]
there = rule.attempted(published, FIGURE_6, WEIGHED.values())
for where in there:
    _ = images.strip(published, where)
if not there:
    print("No run of this section is published yet.")

# %% [markdown]
# ## Figure 6: the losses
#
# Taken after training, over training images, in evaluation mode.

# %% tags=["hide-input"]
_ = images.loss_curves(here, [place])

# %% [markdown]
# The published runs:

# %% tags=["hide-input"]
if there:
    _ = images.loss_curves(published, there)

# %% [markdown]
# ## Choices that the paper leaves open
#
# Each row changes one thing against $\lambda_{iso} = 0.075$; the page of decisions says what the
# numbers in the first column are. With L_rec as a sum over pixels, the same weight counts 784
# times less: the singular values of df, which are 1 for an isometry, tell what is left of it.

# %% tags=["hide-input"]
tables.ablations(here, place)

# %% [markdown]
# Of the published runs:

# %% tags=["hide-input"]
tables.ablations(published, "sensitivity/mnist")

# %% [markdown]
# ## How strong the rivals are
#
# Figure 5 and Table 2 compare I-AE with autoencoders that have a weight, or a level of noise, too,
# and the paper prints none. It is chosen here by a rule ({ref}`decision 14 <decision-14>`), from
# published runs on MNIST with a quarter of the steps:

# %% tags=["hide-input"]
pd.concat(tables.sweep(published, section) for section in sections.FIGURE_5_NETWORKS)

# %% [markdown]
# ## Verdicts
#
# Of this build:

# %% tags=["hide-input"]
tables.verdict_table(claims.ledger(here, "4.4"))

# %% [markdown]
# Of the published runs:

# %% tags=["hide-input"]
tables.verdict_table(claims.ledger(published, "4.4"))

# %% [markdown]
# ## Where these numbers come from

# %% tags=["hide-input", "nbval-ignore-output"]
tables.provenance(named, "06_sensitivity", preset, seed=seed)

# %% [markdown]
# The published runs:

# %% tags=["hide-input", "nbval-ignore-output"]
tables.published_provenance("sensitivity")

# %% [markdown]
# The sweep behind the rivals' settings:

# %% tags=["hide-input", "nbval-ignore-output"]
tables.published_provenance(*sections.FIGURE_5_NETWORKS, sweep=True)
