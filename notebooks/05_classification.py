# %% [markdown]
# # What the codes are good for
#
# :::{admonition} What the paper says (section 4.3, Table 2)
# :class: important
# Simple classifiers, a linear SVM and 5 nearest neighbours, are trained on codes of 16, 64 and 256
# dimensions. I-AE outperforms the baseline autoencoders in almost all combinations, with larger
# margins for the SVM. On COIL-20, 16 dimensions are enough for 95 %, five points ahead of the next
# {cite:p}`gropp2020isometric`.
# :::

# %% tags=["parameters"]
preset = "laptop"
seed = 0

# %% tags=["hide-input"]
from isoae_lib.book import curves, downstream, images, page
from isoae_lib.paper import baseline_records, runs, sections
from isoae_lib.paper.claims.rule import table

chapter = page.head("05_classification", preset, seed=seed)
evidence, published = chapter.evidence, chapter.published
data = sections.SECTIONS["classification"].data_at(preset)[0]
known = chapter.accuracies(data)

# %% [markdown]
# ## The answer
#
# Table 2 has accuracies on test images in percent, as mean and standard deviation over seeds. The
# marks ¹, ², ³ stand for the first three autoencoders; equal accuracies share a mark. The last
# three columns are not in the paper. IRAE {cite:p}`lee2022regularized` is younger, and no claim is
# judged by it. "PCA" and "pixels" use no autoencoder: the same classifiers see as many principal
# components as the codes have dimensions, or the pixels. So they show what an encoder adds; a dash
# means that nobody computed it.

# %% tags=["hide-input"]
downstream.accuracy_table("svm", chapter.sources, known)

# %% tags=["hide-input"]
#| label: fig-table-2-steps
#| fig-cap: >-
#|   Accuracy against the number of steps. Each point is a run that differs from the published one
#|   in nothing else. The level line is PCA with as many dimensions.
#| fig-alt: Four panels, for two latent sizes and two classifiers, with a line for each method.
compared = {16: ("I-AE", "AE", "CAE"), 64: ("I-AE", "CAE", "RAE-GP")}
every = table([*chapter.of_repository, *runs.published("curves")])
linear = baseline_records.published_accuracies()
_ = curves.table_2(every, "mnist", compared, "steps", linear)

# %% tags=["hide-input"]
chapter.verdicts()

# %% [markdown]
# ## How
#
# Autoencoders see images and no classes. The codes of the training images then train the
# classifiers, and these are tested on the codes of test images. I-AE has the $\lambda_{iso}$ of
# Table 5. A rule chose the settings of its rivals ({ref}`decision 14 <decision-14>`). The sweep is
# on {doc}`the page of sensitivity <06_sensitivity>`.

# %%
images.scales(chapter.sources, "classification")

# %% [markdown]
# The classifiers are scikit-learn's. `svm` and `knn` work on the codes as they are, which is
# probably what the paper did. `svm_standardised` and `knn_standardised` work on codes of which
# every coordinate is scaled to mean 0 and deviation 1.

# %%
evidence[f"classification/{data}", "I-AE,latent=16"][0].metrics

# %% [markdown]
# ## In detail
#
# ### The other half of Table 2

# %% tags=["hide-input"]
downstream.accuracy_table("knn", chapter.sources, known)

# %% [markdown]
# ### Would longer training or wider networks change it?
#
# {numref}`fig-table-2-steps` has I-AE and the two rivals that were best in shorter runs, on all of
# MNIST, at the constant rate that the paper prints. {numref}`fig-table-2-width` has other widths.

# %% tags=["hide-input"]
#| label: fig-table-2-width
#| fig-cap: The same against the width of the networks, as a share of the printed width.
#| fig-alt: Four panels, for two latent sizes and two classifiers, with a line for each method.
_ = curves.table_2(every, "mnist", compared, "width_factor", linear)

# %% [markdown]
# Would the verdict on accuracy turn? It would where I-AE came first at another length or width:

# %% tags=["hide-input"]
for field in ("steps", "width_factor"):
    print(f"{curves.ALONG[field]}: {curves.first_along(every, 'mnist', compared, field)}")

# %% [markdown]
# ### On standardised codes
#
# A linear SVM with C = 1 depends on the scale of its features, and the methods differ in the scale
# of their codes. An isometry keeps that of the images, while CAE shrinks it. When codes are scaled
# to deviation 1, no method has this advantage or disadvantage.

# %% tags=["hide-input"]
downstream.accuracy_table("svm", chapter.sources, known, "_standardised")

# %% tags=["hide-input"]
downstream.accuracy_table("knn", chapter.sources, known, "_standardised")

# %% [markdown]
# ### What the codes keep of an image
#
# Accuracy does not tell whether a code still describes its image. This table shows the error of
# reconstructed test images: the root mean square over pixels. Lower is better, and marks stand for
# autoencoders only. PCA has as many dimensions, and is the best autoencoder of linear layers for
# the training images. A network with a larger error has gained nothing from its other layers.

# %% tags=["hide-input"]
downstream.error_table(chapter.sources, chapter.pca(data))

# %% [markdown]
# ### COIL-20, split in two ways
#
# The paper splits COIL-20 at random. The table above has a stratified split: 18 test images of each
# object. The next one compares it with a plainly random split, for the seeds of the published runs:

# %% tags=["hide-input"]
downstream.split_table(published)

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
# The published accuracies of PCA and pixels are in
# `data/baselines/accuracies`, and PCA's errors in `data/baselines/pca`, made by
# `isoae baselines --publish DATA`.

# %% tags=["hide-input", "nbval-ignore-output"]
chapter.provenance("classification")
