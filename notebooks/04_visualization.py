# %% [markdown]
# # Images in the plane
#
# :::{admonition} What the paper says (section 4.2, Figure 5)
# :class: important
# When images are embedded in the plane, they crowd around the origin. I-AE is more resilient to
# that than other autoencoders and spreads the points more evenly. U-MAP and t-SNE separate the
# classes better, at a cost. COIL-20 shows objects that are turned by 5 degrees from image to image,
# so each should become a ring of evenly spaced points. I-AE comes nearest to that
# {cite:p}`gropp2020isometric`.
# :::

# %% tags=["parameters"]
preset = "laptop"
seed = 0

# %% tags=["hide-input"]
from IPython.display import display

from isoae_lib.book import curves, explorer, images, interactive, page
from isoae_lib.paper import baseline_records, runs, sections
from isoae_lib.paper.claims.rule import table
from isoae_lib.paper.data.images import DATA_SETS

chapter = page.head("04_visualization", preset, seed=seed)
evidence = chapter.evidence
there = chapter.at(images.FIGURE_5)
data = sections.SECTIONS["visualization-FC"].data_at(preset)[0]
classes = DATA_SETS[data].classes

# %% [markdown]
# ## The answer

# %% tags=["hide-input"]
#| label: fig-mnist-fc
#| fig-cap: >-
#|   MNIST in the plane, by fully connected networks and by methods without a network. Colours are
#|   classes.
#| fig-alt: >-
#|   Eight panels of points in ten colours. U-MAP and t-SNE give separate islands. The
#|   autoencoders' points meet near the middle, and those of I-AE are spread more evenly.
_ = images.embeddings(evidence, there.get("MNIST, FC-NN"), chapter.classic)

# %% [markdown]
# The same in numbers. *Crowding* is the density in the middle over that of an even spread: an even
# disc has 1, and 4 is the worst. The other columns are explained below.

# %% tags=["hide-input"]
images.figure_5_numbers(evidence, there, data, chapter.classic(data)[1])

# %% tags=["hide-input"]
chapter.verdicts()

# %% [markdown]
# ## How
#
# Five autoencoders see the same images, with fully connected networks (FC-NN of Table 4) and with
# convolutions (S-CNN, and L-CNN for COIL-20). I-AE has the $\lambda_{iso}$ of Table 5. A sweep
# chose the settings of its rivals ({ref}`decision 14 <decision-14>`). The scale of the runs is what
# the machines at hand allowed:

# %%
networks = {"FC-NN": f"visualization-FC/{data}", "S-CNN": f"visualization-CNN/{data}"}
images.scales(chapter.sources, *sections.FIGURE_5_NETWORKS)

# %% [markdown]
# The convolutional pair, layer by layer, at the printed width and for one image:

# %% tags=["hide-input"]
images.network_summary("S-CNN", 2, 1.0)

# %% [markdown]
# U-MAP and t-SNE have their default settings, as in the paper, and see at most 2,000 images. PCA is
# not in the paper. It sees all images, and 2,000 are drawn. Two networks of linear layers could not
# have a smaller error. So it shows what the other layers add. Its decoder is an isometry.
#
# What the columns of the tables mean:
#
# - *Crowding*: the density within half the radius that holds 95 % of the points, over the density
#   of an even spread, after whitening. An even disc has 1, a Gaussian 2.2, and 4 is the worst.
# - *Silhouette* and *5-NN accuracy*: how well classes are separated in the plane.
# - *Trustworthiness* falls where points become neighbours that were none. *Continuity* falls where
#   neighbours are torn apart.
# - *Condition of df*: the largest over the smallest singular value of the decoder's differential.
#   It is 1 for an isometry.
# - *Error per pixel*: root mean square. The error of the mean of all images is printed below. A
#   method whose error is not smaller has learned no more than that mean, and is not judged.
# - *Variation of rotations*: the deviation over the mean of the distances between neighbouring
#   views of an object of COIL-20. It is 0 for even rings. *Closed rings*: the share of objects
#   whose views make a ring that does not cross itself.

# %% tags=["hide-input"]
for title, experiment in there.items():
    found = evidence[experiment, "I-AE"][0].metrics
    if "mean_image_rmse" in found:  # older records do not have it
        print(f"{title}: error of the mean image {found['mean_image_rmse']:.3f}")

# %% [markdown]
# ## In detail
#
# ### Other networks and data sets

# %% tags=["hide-input"]
#| label: fig-mnist-cnn
#| fig-cap: MNIST in the plane, by convolutional networks.
#| fig-alt: Eight panels of points in ten colours, one for each method.
_ = images.embeddings(evidence, there.get("MNIST, S-CNN"), chapter.classic)

# %% tags=["hide-input"]
#| label: fig-fashion-fc
#| fig-cap: Fashion-MNIST in the plane, by fully connected networks.
#| fig-alt: Eight panels of points in ten colours, one for each method.
_ = images.embeddings(evidence, there.get("Fashion-MNIST, FC-NN"), chapter.classic)

# %% tags=["hide-input"]
#| label: fig-fashion-cnn
#| fig-cap: Fashion-MNIST in the plane, by convolutional networks.
#| fig-alt: Eight panels of points in ten colours, one for each method.
_ = images.embeddings(evidence, there.get("Fashion-MNIST, S-CNN"), chapter.classic)

# %% tags=["hide-input"]
#| label: fig-coil
#| fig-cap: COIL-20 in the plane. A colour is an object.
#| fig-alt: Eight panels of points in twenty colours, one for each method.
_ = images.embeddings(evidence, there.get("COIL-20, L-CNN"), chapter.classic)

# %% tags=["hide-input"]
#| label: fig-rings
#| fig-cap: Three objects of COIL-20, with each view joined to the next rotation.
#| fig-alt: Eight panels of three closed lines each, one for each method.
_ = images.close_ups(evidence, there.get("COIL-20, L-CNN"), chapter.classic, (0, 7, 13))

# %% tags=["hide-input"]
for shown in dict.fromkeys(experiment.split("/")[1] for experiment in there.values()):
    if shown != data:
        display(images.figure_5_numbers(evidence, there, shown, chapter.classic(shown)[1]))

# %% [markdown]
# ### Would longer training change it?
#
# {numref}`fig-lengths` is FC-NN on MNIST, at the constant rate that the paper prints. The published
# runs have 46,875 steps, which are 100 epochs. The paper has 1,000 epochs. Where a line still moves
# at its end, longer training may change a verdict. A network whose error is hardly smaller than
# PCA's makes little use of its other layers.

# %% tags=["hide-input"]
#| label: fig-lengths
#| fig-cap: >-
#|   Crowding, accuracy and error while training goes on. Each point is a run, placed at its number
#|   of steps, and a line joins the means over seeds. The level line is PCA with two dimensions, on
#|   the same images.
#| fig-alt: Three panels against the number of steps, with a line for each method and one for PCA.
lengths = table([*chapter.of_repository, *runs.published("curves")])
linear = baseline_records.published_pca()["mnist"][2]
_ = curves.in_the_plane(lengths, "visualization-FC/mnist", linear)

# %% [markdown]
# ## Try it
#
# ### A plane to explore
#
# Point at a plane, or touch it. Below it is what the decoder makes of that place. Each method has
# coordinates of its own, so the mark stands at the same share of the width and of the height in
# both planes. Points are codes of images.
#
# Drag A and B. The line between them becomes a strip of images. A bar is the length of a step from
# one image to the next, measured by the decoder's metric along the line, not by the difference of
# the two images. The dashed line is the mean step. For an isometry all steps are equal. On a
# keyboard, Tab reaches the marks, and the arrow keys move them.

# %% tags=["hide-input", "nbval-ignore-output"]
planes = explorer.with_planes(chapter.drawn, networks["FC-NN"])
explorer.explorer(chapter.source, planes, classes)

# %% [markdown]
# ### The image behind a point
#
# I-AE with FC-NN once more. Point at a code, or touch it, to see its image. No data set is part of
# this project, so there are images only where this machine has the data:

# %% tags=["hide-input", "nbval-ignore-output"]
first = evidence[networks["FC-NN"], "I-AE"][0]
display(interactive.hover_over(first, classes), raw=True)

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
#
# The published embeddings by U-MAP and t-SNE are in `data/baselines/embeddings`, PCA's in
# `data/baselines/pca`, made by `isoae baselines --publish DATA`. The sweep behind the settings of
# the rivals is on {doc}`the page of sensitivity <06_sensitivity>`.

# %% tags=["hide-input", "nbval-ignore-output"]
chapter.provenance(*sections.FIGURE_5_NETWORKS)
