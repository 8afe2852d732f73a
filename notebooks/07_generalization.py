# %% [markdown]
# # Images never seen
#
# :::{admonition} What the paper says (A.2.1, Table 7, Figures 7 and 8)
# :class: important
# A manifold that generalizes can reconstruct images that it was not trained on. Two variants of
# I-AE, with $L_{piso}$ alone and with $L_{iso}$ as well, are competitive with the state of the art
# on MNIST, CIFAR-10 and CelebA {cite:p}`gropp2020isometric`.
# :::

# %% tags=["parameters"]
preset = "laptop"
seed = 0

# %% tags=["hide-input"]
from IPython.display import display

from isoae_lib.book import downstream, images, page
from isoae_lib.paper import sections
from isoae_lib.paper.data.images import DATA_SETS

chapter = page.head("07_generalization", preset, seed=seed)
evidence = chapter.evidence
section = sections.SECTIONS["generalization"]
data = section.data_at(preset)[0]
titles = {DATA_SETS[d].title: f"generalization/{d}" for d in section.all_data}
there = chapter.at(titles)

# %% [markdown]
# ## The answer
#
# Table 7, lower is better; ¹, ², ³ mark the first three. No unit of the paper's $L_2$ fits all
# three data sets. So compare rankings, not values ({ref}`decision 19 <decision-19>`). The last row
# is not in the paper, and has no mark: PCA with as many dimensions as the codes, on the same
# images. It is the best autoencoder of linear layers for the training images. A network with a
# larger error has gained nothing from its other layers.

# %% tags=["hide-input"]
linear = chapter.pca(data)
downstream.generalization_table("mnist", chapter.sources, linear)

# %% tags=["hide-input"]
#| label: fig-rebuilt-mnist
#| fig-cap: >-
#|   Test images of MNIST, and what each method makes of them. The records keep no test images, for
#|   no data set is part of this project. So they stand in the first row only where this machine has
#|   the data set.
#| fig-alt: Rows of digits, one for each method. Most rows are blurred.
_ = downstream.figure_7(evidence, there.get("MNIST"), "rebuilt")

# %% tags=["hide-input"]
chapter.verdicts()

# %% [markdown]
# ## How
#
# The networks are those of Table 6, with $\lambda_{iso} = 0.1$. After every epoch, images that were
# set aside are reconstructed. The weights of the best epoch are kept, and the learning rate is
# halved after six epochs without progress. The paper has a rate of 0.0005 and batches of 100. Short
# runs of narrow networks have a larger rate ({ref}`decision 13 <decision-13>`).

# %%
spec = evidence[f"generalization/{data}", "I-AE"][0].spec
print(f"latent size {spec.latent}; {spec.validation:,} images are for validation")
images.scales(chapter.sources, "generalization")

# %% [markdown]
# The paper's FID needs the features of a large network (`pip install -e '.[metrics]'`). Where that
# is not installed, the Frechet distance uses the features of a small classifier that this project
# trains. That is another number, and not comparable with the paper's. RAE-SN and RAE-L2 have the
# weights of their authors' code, and WAE in part ({ref}`decision 14 <decision-14>`). IRAE
# {cite:p}`lee2022regularized`, which is younger than the paper, has $\lambda_{iso}$.
#
# A method whose error is not below that of the mean training image has learned nothing, and gets no
# verdict. The classifier of the Frechet distance recognizes classes. CelebA has none here; its
# classifier recognizes by which quarter turn a face was rotated.

# %% tags=["hide-input"]
downstream.data_table(evidence, there)

# %% [markdown]
# ## In detail
#
# ### Table 7 on other data sets

# %% tags=["hide-input"]
for name in section.all_data[1:]:
    display(downstream.generalization_table(name, chapter.sources, linear))

# %% [markdown]
# ### Figures 7 and 8: more reconstructions
#
# Faces are not shown ({doc}`the terms of the data sets <../book/data_sets>`).

# %% tags=["hide-input"]
#| label: fig-rebuilt-cifar
#| fig-cap: Test images of CIFAR-10, where this machine has them, and what methods make of them.
#| fig-alt: Rows of small photographs, one for each method, most of them blurred.
_ = downstream.figure_7(evidence, there.get("CIFAR-10"), "rebuilt")

# %% [markdown]
# ### Beyond the paper: sampling
#
# The paper leaves generative models for later. Here a Gaussian, or a mixture of ten, is fitted to
# the training codes after training, as RAE does it. Codes are drawn from it and decoded. The table
# shows the Frechet distance of the decoded images from test images, in the project's own features:

# %% tags=["hide-input"]
downstream.sampling_table(evidence, there)

# %% tags=["hide-input"]
#| label: fig-mixture-mnist
#| fig-cap: Images drawn from the mixture, by networks that saw MNIST.
#| fig-alt: Rows of drawn digits, one for each method.
_ = downstream.figure_7(evidence, there.get("MNIST"), "mixture")

# %% tags=["hide-input"]
#| label: fig-mixture-cifar
#| fig-cap: Images drawn from the mixture, by networks that saw CIFAR-10.
#| fig-alt: Rows of drawn pictures, one for each method, blurred.
_ = downstream.figure_7(evidence, there.get("CIFAR-10"), "mixture")

# %% [markdown]
# ### Beyond the paper: densities
#
# If $f$ is an isometry, a density in the plane is also one on the manifold: $P(f(z)) = P(z)$. Any
# other decoder needs the factor $1/\sqrt{\det df^T df}$. The S shape can show that. Its points are
# uniform in area, so the right density is the same everywhere. The table takes a kernel estimate on
# the codes, at points away from the border, and shows its deviation over its mean (0 is right). The
# factor can help only where the network has learned the surface. Where reconstructions are far off,
# there is no density on the surface to speak of. The factor is the product of the singular values
# of $df$, which are estimated from the codes where a record does not keep them.

# %% tags=["hide-input"]
surface = {m: evidence["3d/s-shape", m][0] for m in ("I-AE", "AE")}
downstream.density_table(surface)

# %% tags=["hide-input"]
#| label: fig-densities
#| fig-cap: >-
#|   The density of codes over its mean, on the chart of the S shape, without the factor. Of an
#|   isometry it is 1 everywhere.
#| fig-alt: Two panels of coloured points. That of I-AE has nearly one colour.
_ = downstream.densities(surface)

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
chapter.provenance("generalization")
