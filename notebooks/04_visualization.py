# %% [markdown]
# # Images in the plane
#
# :::{admonition} What the paper says (section 4.2, Figure 5)
# :class: important
# Squeezing images into the plane crowds them around the origin. I-AE is more resilient to that than
# other autoencoders and spreads the points more evenly. U-MAP and t-SNE separate the classes
# better, at a cost: COIL-20's objects, turned by 5 degrees from image to image, should come out as
# rings of evenly spaced points, and do so best in I-AE {cite:p}`gropp2020isometric`.
# :::

# %% tags=["parameters"]
preset = "laptop"
seed = 0

# %% tags=["hide-input"]
from IPython.display import display

from isoae_lib.book import figures, images, tables
from isoae_lib.paper import baseline_records, claims, runs, sections
from isoae_lib.paper.claims import rule
from isoae_lib.paper.data.images import DATA_SETS

figures.style()
named = runs.named(sections.notebook_runs("04_visualization", preset, seed), preset)
here = rule.table(named)
published = rule.table(runs.published())
data = sections.SECTIONS["visualization-FC"].data_at(preset)[0]
classes = DATA_SETS[data].classes

# %% [markdown]
# ## The experiment
#
# Five autoencoders on the same images, with fully connected networks (FC-NN of Table 4) and with
# convolutions (S-CNN, and L-CNN for COIL-20). $\lambda_{iso}$ is that of Table 5, its rivals have
# what a sweep chose ({ref}`decision 14 <decision-14>`), and a scale is what a machine could do:

# %%
networks = {"FC-NN": f"visualization-FC/{data}", "S-CNN": f"visualization-CNN/{data}"}
sources = {f"this build ({preset})": here, "published": published}
tables.scales(sources, *sections.FIGURE_5_NETWORKS)

# %% [markdown]
# The convolutional pair, layer by layer, as printed and for one image:

# %% tags=["hide-input"]
tables.network_summary("S-CNN", 2, 1.0)

# %% [markdown]
# ## Figure 5: the embeddings
#
# Colours are classes. U-MAP and t-SNE run at their defaults, as in the paper, on 2,000 images at
# most.

# %% tags=["hide-input"]
classic, their_pixels, their_labels = baseline_records.image_embeddings(data, preset)
first = here[networks["FC-NN"], "I-AE"][0]
others = {method: (plane, their_labels) for method, plane in classic.items()}
rows = {
    network: {m: (here[place, m][0].codes, first.labels) for m in sections.FIGURE_5_METHODS}
    | others
    for network, place in networks.items()
}
for network, row in rows.items():
    _ = images.embeddings(row, network, classes)

# %% [markdown]
# I-AE with FC-NN once more; a point shows its image to a mouse or a finger:

# %% tags=["hide-input", "nbval-ignore-output"]
pixels = first.points.reshape(-1, 28, 28)
display(images.hover(first.codes, pixels, first.labels, classes), raw=True)

# %% [markdown]
# ## What the pictures say, in numbers
#
# - *Crowding*: density within half the radius that holds 95 % of the points, over that of an even
#   spread, after whitening. An even disc has 1, a Gaussian 2.2; 4 is the worst.
# - *Silhouette* and *5-NN accuracy*: how well classes are separated in the plane.
# - *Trustworthiness* falls where points become neighbours that were none, *continuity* where
#   neighbours are torn apart.
# - *Condition of df*: largest over smallest singular value of the decoder's differential; 1 for an
#   isometry.
# - *Error per pixel*: root mean square. The mean of all images has the error printed here; what is
#   not below has learned no more than that, and is not judged.
# - *Variation of rotations*: deviation over mean of the distances between neighbouring views of an
#   object of COIL-20; 0 for even rings. *Closed rings*: the share of objects whose views make a
#   ring that does not cross itself.

# %% tags=["hide-input"]
measured = {
    ("classic", m): plane.embedding_numbers(their_pixels, their_labels, plane.astype(float))
    for m, plane in classic.items()
}
mean_image = first.metrics["mean_image_rmse"]
print(f"error of the mean image: {mean_image:.3f}")
tables.embedding_numbers(here, networks, measured)

# %% [markdown]
# ## The published runs
#
# They are longer, and cover more data sets. A record has the codes; the images themselves are not
# part of this project. U-MAP and t-SNE saw 2,000 images of a data set at most, as above. Under
# COIL-20 stand three of its objects, each view joined to the next rotation.

# %% tags=["hide-input"]
titles = {
    f"{DATA_SETS[d].title}, {network}": f"{s}/{d}"
    for s, network in sections.FIGURE_5_NETWORKS.items()
    for d in sections.SECTIONS[s].data_sets
}
there = {title: place for title, place in titles.items() if (place, "I-AE") in published}
for title, place in titles.items():
    if title not in there:
        print(f"{title}: no run is published yet. `isoae data fetch {place.split('/')[1]}`, then")
        print(f"`isoae train {place}/I-AE --preset published` makes one.")

# %% tags=["hide-input"]
published_classic = baseline_records.published_embeddings()
for title, place in there.items():
    theirs = published_classic.get(place.split("/")[1], {"planes": {}})
    known = DATA_SETS[place.split("/")[1]].classes
    row = {m: published[place, m][0] for m in sections.FIGURE_5_METHODS if (place, m) in published}
    shown = {m: (run.codes, run.labels) for m, run in row.items()}
    shown |= {m: (plane, theirs["labels"]) for m, plane in theirs["planes"].items()}
    _ = images.embeddings(shown, title, known)
    if place.endswith("coil20"):
        _ = images.close_ups(shown, (0, 7, 13))

# %% tags=["hide-input"]
their_numbers = {
    (DATA_SETS[d].title, m): numbers
    for d, record in published_classic.items()
    for m, numbers in record["metrics"].items()
}
for d in sections.SECTIONS["classification"].data_sets:
    title = DATA_SETS[d].title
    places = {t: place for t, place in there.items() if place.endswith(f"/{d}")}
    others = {row: numbers for row, numbers in their_numbers.items() if row[0] == title}
    if places or others:
        display(tables.embedding_numbers(published, places, others))

# %% [markdown]
# ## Would longer training change it?
#
# FC-NN on MNIST, at the constant rate that the paper prints. Each point is a run of so many steps,
# and a line joins the means over seeds. The published runs have 46,875 steps, which are 100 epochs;
# the paper has 1,000 epochs. Where a line still moves at its end, a verdict may move with it.

# %% tags=["hide-input"]
lengths = rule.table([*runs.published(), *runs.published("curves")])
_ = images.along_steps(lengths, "visualization-FC/mnist")

# %% [markdown]
# ## Verdicts
#
# Of this build:

# %% tags=["hide-input"]
tables.verdict_table(claims.ledger(here, "4.2"))

# %% [markdown]
# Of the published runs:

# %% tags=["hide-input"]
tables.verdict_table(claims.ledger(published, "4.2"))

# %% [markdown]
# ## Where these numbers come from

# %% tags=["hide-input", "nbval-ignore-output"]
tables.provenance(named, "04_visualization", preset, seed=seed)

# %% [markdown]
# The published runs. U-MAP and t-SNE beside them are in `data/baselines/embeddings`, made by
# `isoae baselines --publish DATA`. The sweep behind the rivals' settings is on
# {doc}`the page of sensitivity <06_sensitivity>`.

# %% tags=["hide-input", "nbval-ignore-output"]
tables.published_provenance(*sections.FIGURE_5_NETWORKS)
