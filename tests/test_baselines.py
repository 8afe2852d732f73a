"""The baselines beside the autoencoders: what they are, what they know, how they are published."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from test_cli import call

from isoae_lib.core import diagnostics
from isoae_lib.core.networks import Autoencoder
from isoae_lib.errors import InputError
from isoae_lib.paper import baseline_records, baselines, datasets, provenance, runs, sections
from isoae_lib.paper.baseline_records import classified
from isoae_lib.paper.data import surfaces as surface
from isoae_lib.paper.data.surfaces import SURFACES
from isoae_lib.paper.datasets import Data
from isoae_lib.paper.metrics import plane, principal

READ = {
    "embeddings": baseline_records.published_embeddings,
    "accuracies": baseline_records.published_accuracies,
    "pca": baseline_records.published_pca,
    "surfaces": baseline_records.published_on_surfaces,
}


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """Where baselines are published."""
    monkeypatch.setattr(baseline_records, "PUBLISHED", tmp_path / "published")
    return tmp_path / "published"


@pytest.fixture
def fewer(monkeypatch):
    """Two hundred training images and a hundred test images of every published run."""
    for section in ("visualization-FC", "classification", "generalization"):
        scales = sections.SECTIONS[section].scales
        monkeypatch.setitem(scales, "published", scales["published"] | {"points": 200})
    longer = sections.SECTIONS["classification"].exceptions
    for where in ("mnist/published/latent=16", "mnist/published/latent=64"):
        monkeypatch.setitem(longer, where, longer[where] | {"points": 300})
    whole = datasets._part

    def part(spec, name):
        return tuple(array[:100] if name == "test" else array for array in whole(spec, name))

    monkeypatch.setattr(datasets, "_part", part)


@pytest.fixture
def embedded(monkeypatch):
    """Random embeddings in place of those of U-MAP and t-SNE, of the images and classes asked for.

    All by the same names: "images", "U-MAP", "t-SNE".
    """
    rng = np.random.default_rng(0)
    made = {}

    def embed(method, images):
        made["images"] = images
        return made.setdefault(method, rng.standard_normal((len(images), 2)))

    kept = baseline_records._kept
    monkeypatch.setattr(baselines, "embed_images", embed)
    monkeypatch.setattr(
        baseline_records, "_kept", lambda f, *names: f if f is embed else kept(f, *names)
    )
    return made


@pytest.mark.parametrize(("n", "settings"), [(200, (30, 50)), (20, (19, 19 / 3))])
def test_embeddings_have_the_paper_s_settings_or_fewer_neighbours(monkeypatch, n, settings):
    """A.1.2 and A.1.3; with one in the place of the algorithms, which take a minute to start."""
    asked, brightest = [], []

    class Algorithm:
        def __init__(self, **given):
            asked.append(given)

        def fit_transform(self, x):
            brightest.append(x.max())
            return np.zeros((len(x), 2))

    monkeypatch.setitem(sys.modules, "umap", SimpleNamespace(UMAP=Algorithm))
    for name in ("TSNE", "LocallyLinearEmbedding"):
        monkeypatch.setattr(f"sklearn.manifold.{name}", Algorithm)
    monkeypatch.setattr(baselines, "principal_components", lambda x, *_: (x[:, :2], None))
    for method in baselines.EMBEDDINGS:
        assert baselines.embed(method, np.zeros((n, 3)), seed=5).shape == (n, 2)
    for method in baselines.OF_IMAGES:
        white = np.full((n, 9), 255, np.uint8)
        assert baselines.embed_images(method, white).shape == (n, 2)
    assert brightest == [0, 0, 0, 1, 1]
    assert asked == [
        {"n_neighbors": settings[0], "random_state": 5},
        {"perplexity": settings[1], "random_state": 5},
        {"n_neighbors": 12, "random_state": 5},
        *({"random_state": 42} for _ in baselines.OF_IMAGES),
    ]


def test_a_presets_baselines_are_of_its_own_points_and_digits(monkeypatch):
    monkeypatch.setattr(baseline_records, "_kept", lambda compute, *_: compute)
    monkeypatch.setattr(baselines, "embed", lambda method, points, seed: (method, points))
    points = Data(sections.spec("3d/s-shape/AE", "smoke")).points
    for name, (method, embedded) in baseline_records.embeddings("s-shape", "smoke").items():
        assert method == name and np.array_equal(embedded, points)
    asked = []
    monkeypatch.setattr(baseline_records, "published", lambda: iter([]))
    for name in ("embeddings", "image_embeddings", "accuracies", "pca"):
        monkeypatch.setattr(
            baseline_records, name, lambda *given, n=name: asked.append((n, *given))
        )
    monkeypatch.setattr("isoae_lib.paper.data.images.present", lambda _: "missing")
    baseline_records.compute("smoke")
    assert asked == [
        *(("embeddings", name, "smoke") for name in SURFACES),
        ("image_embeddings", "mnist-5k", "smoke"), ("accuracies", "mnist-5k", "smoke"),
        ("pca", "mnist-5k", "smoke"),
    ]  # fmt: skip


def test_an_unknown_embedding_is_reported():
    with pytest.raises(InputError, match="unknown embedding 'tSNE': did you mean t-SNE"):
        baselines.embed("tSNE", np.zeros((9, 3)))
    with pytest.raises(InputError, match="unknown embedding 'LLE'"):
        baselines.embed_images("LLE", np.zeros((9, 4), np.uint8))


def test_kept_embeddings_depend_on_the_algorithms_alone():
    inside = [name for name in provenance.modules_behind("paper.baselines") if "paper" in name]
    assert inside == ["paper.baselines"]


def test_all_principal_components_know_what_the_pixels_know():
    rng = np.random.default_rng(0)
    y = np.tile(np.arange(2), 40)
    x = rng.integers(0, 100, size=(80, 9)).astype(np.uint8)
    x[:, 0] += (150 * y).astype(np.uint8)
    parts = x[:60], y[:60], x[60:], y[60:]
    pixels, turned = classified(*parts, None), classified(*parts, 9)
    assert pixels["knn"] == turned["knn"] and pixels["svm"] == turned["svm"] > 0.9
    assert classified(*parts, 1)["knn"] > 0.9


def test_components_come_from_the_training_images_alone():
    """Test images vary most where training images are all the same and no class is seen."""
    y = np.tile(np.arange(2), 20)
    x = np.column_stack([100 * y, np.full(40, 128)]).astype(np.uint8)
    test_x = np.column_stack([100 * y, np.repeat([0, 255], 20)]).astype(np.uint8)
    assert set(classified(x, y, test_x, y, 1).values()) == {1.0}


def test_a_data_set_s_baselines_are_published_and_read_back(monkeypatch, folder, fewer, embedded):
    monkeypatch.setattr(baseline_records, "IMAGES_AT_MOST", 150)
    monkeypatch.setattr(Data, "official", False)
    written = baseline_records.publish("mnist-5k")
    kinds = ("pca", "embeddings", "accuracies")
    assert written == [folder / kind / "mnist-5k.json" for kind in kinds]
    record = baseline_records.published_embeddings()["mnist-5k"]
    x, labels = Data(sections.spec("visualization-FC/mnist-5k/AE", "published")).train
    assert (record["labels"] == labels[:150]).all() and record["images"] == 150
    assert record["official"] is False
    assert (embedded["images"] == x[:150]).all()
    codes, of_pca = principal.in_the_plane(x, labels)
    for method, flat in [*((m, embedded[m]) for m in baselines.OF_IMAGES), ("PCA", codes[:150])]:
        assert np.abs(record["planes"][method] - flat).max() <= 0.0051
    for method in baselines.OF_IMAGES:
        numbers = plane.embedding_numbers(x[:150], labels[:150], embedded[method])
        assert record["metrics"][method] == numbers
    assert record["metrics"]["PCA"] == pytest.approx(of_pca, abs=5.1e-7)
    assert baseline_records.published_pca() == {
        "mnist-5k": baseline_records.pca("mnist-5k", "published")
    }
    found = baseline_records.published_accuracies()
    assert set(found) == {("mnist-5k", d) for d in sections.LATENTS}
    assert found == baseline_records.accuracies("mnist-5k", "published")
    assert found["mnist-5k", 16]["pixels"] == found["mnist-5k", 64]["pixels"]
    assert found["mnist-5k", 16]["pixels"] != found["mnist-5k", 256]["pixels"]  # of fewer images
    assert 0.5 < found["mnist-5k", 16]["PCA"]["knn"][0] <= 1
    record = json.loads(written[2].read_text(encoding="utf-8"))
    seen = {"seeds": [0], "split": "official", "official": False}
    points = {"16": 300, "64": 300, "256": 200}
    assert record["images"] == {d: seen | {"points": n} for d, n in points.items()}


@pytest.mark.parametrize("shape", [(60, 9), (40, 50), (40, 400), (9, 9)])
def test_what_components_leave_out_is_the_sum_of_the_other_eigenvalues(shape):
    """Eckart and Young: nothing linear with as many dimensions comes closer."""
    x = np.random.default_rng(0).standard_normal(shape) * np.linspace(1, 5, shape[1])
    eigenvalues = np.linalg.svd(x - x.mean(0), compute_uv=False) ** 2 / len(x)
    for d in (1, 3, min(shape)):
        pca = baselines.components(x, d)
        rebuilt = pca.inverse_transform(pca.transform(x))
        assert ((rebuilt - x) ** 2).sum(1).mean() == pytest.approx(eigenvalues[d:].sum(), abs=1e-9)


def by_hand(x, d):
    """The mean of images (n, D) of bytes, and the directions (d, D) in which they vary most."""
    mean = x.mean(0) / 255
    return mean, np.linalg.svd(x / 255 - mean, full_matrices=False)[2][:d]


def linear_autoencoder(mean, basis):
    """Networks of linear layers that project onto an orthonormal basis (d, D) around a mean."""
    mean, basis = (torch.as_tensor(array, dtype=torch.float32) for array in (mean, basis))
    encoder, decoder = torch.nn.Linear(*basis.T.shape), torch.nn.Linear(*basis.shape)
    encoder.weight.data, encoder.bias.data = basis, -basis @ mean
    decoder.weight.data, decoder.bias.data = basis.T.contiguous(), mean
    return Autoencoder(torch.nn.Sequential(encoder), torch.nn.Sequential(decoder)).eval()


def test_pca_scores_what_a_linear_autoencoder_scores():
    x, labels = Data(sections.spec("visualization-FC/mnist-5k/AE", "smoke")).train
    model = linear_autoencoder(*by_hand(x, 2))
    codes = diagnostics.encoder_map(model)(x)
    theirs, _ = plane.measure_plane(model, x, labels, codes)
    theirs |= diagnostics.losses(model, x, "mean")
    found, numbers = principal.in_the_plane(x, labels)
    assert numbers == pytest.approx({name: theirs[name] for name in numbers}, rel=1e-3)
    assert np.abs(found) == pytest.approx(np.abs(codes), abs=1e-3)


@pytest.mark.parametrize("n", [60, 2000])
def test_errors_on_test_images_are_those_of_the_records(n):
    """Table 2 has those of the first thousand, Table 7 those of no more than were trained on."""
    rng = np.random.default_rng(0)
    x, tests = (rng.integers(0, 256, (count, 9)).astype(np.uint8) for count in (n, 1500))
    tests[1000:] //= 2
    mean, basis = by_hand(x, 4)
    error = (tests / 255 - mean) @ (basis.T @ basis - np.eye(9))
    assert principal.on_test_images(x, tests, 4) == pytest.approx({
        "test_rmse": np.sqrt((error[: min(n, 1000)] ** 2).mean()),
        "error_per_pixel": 1e3 * (error[:n] ** 2).mean(),
        "error_norm": np.linalg.norm(error[:n], axis=1).mean(),
    }, rel=1e-4)  # fmt: skip


def test_the_baselines_of_the_project_are_readable():
    embedded = baseline_records.published_embeddings()
    measured = baseline_records.published_accuracies()
    assert set(embedded) == set(sections.SECTIONS["classification"].data_sets)
    assert set(measured) == {
        (d, k) for d in sections.SECTIONS["classification"].data_sets for k in sections.LATENTS
    }
    for record in embedded.values():
        assert set(record["planes"]) == set(record["metrics"]) == {*baselines.OF_IMAGES, "PCA"}
        assert {len(codes) for codes in record["planes"].values()} == {len(record["labels"])}


def test_splits_at_random_are_measured_for_every_seed(monkeypatch):
    labels = np.arange(80) % 20

    def measure(x, y, x_test, y_test, size):
        return {"svm": float(x_test.sum() + (size or 0))}

    monkeypatch.setattr(baseline_records.Memory, "cache", lambda *_: measure)
    for part in ("train", "test"):
        of_seed = property(lambda data: (np.full(2, data.spec.seed), labels))
        monkeypatch.setattr(Data, part, of_seed)
    found = baseline_records.accuracies("coil20", "published")
    assert found["coil20", 16] == {"PCA": {"svm": [16, 18, 20]}, "pixels": {"svm": [0, 2, 4]}}


@pytest.mark.parametrize("content", ['{"data": "mnist"', '{"data": "mnist"}'])
@pytest.mark.parametrize("kind", ["embeddings", "accuracies", "pca", "surfaces"])
def test_a_published_file_without_its_numbers_is_named(folder, kind, content):
    (folder / kind).mkdir(parents=True)
    (folder / kind / "mnist.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"mnist\.json is damaged"):
        READ[kind]()


@pytest.mark.parametrize("data", ["mnist", "coil20"])
def test_the_embedded_images_are_those_of_figure_5(monkeypatch, embedded, data):
    asked = []
    known = np.random.default_rng(0).integers(0, 256, (40, 9)).astype(np.uint8), np.arange(40) % 2
    monkeypatch.setattr(Data, "train", property(lambda data: asked.append(data.spec) or known))
    monkeypatch.setattr(baseline_records, "IMAGES_AT_MOST", 30)
    planes, _, labels = baseline_records.image_embeddings(data, "published")
    assert {(spec.data, spec.latent) for spec in asked} == {(data, 2)}
    assert (embedded["images"] == known[0][:30]).all() and len(labels) == 30
    assert planes["PCA"] == pytest.approx(principal.in_the_plane(*known)[0][:30])


def test_pca_s_published_images_are_those_of_the_runs():
    """By their checksums: so the numbers compare, and say whether the images are the official."""
    files = (baseline_records.PUBLISHED / "pca").glob("*.json")
    images = {file.stem: json.loads(file.read_text(encoding="utf-8"))["images"] for file in files}
    compared = set()
    for name, run in runs.published():
        section, data, method = name.split("/")
        known = images.get(data, {}).get(section.replace("-CNN", "-FC"), [])
        plain = re.fullmatch(r"AE(,latent=\d+)?", method)
        same = [split for split in known if split["latent"] == run.spec.latent] if plain else []
        for split in same:
            if len(same) == 1 or split["seed"] == run.spec.seed:
                assert {k: split[k] for k in ("sha256", "official")} == run.record["data"], name
                compared.add((section, data, run.spec.latent))
    shown = [sections.SECTIONS[s] for s in (*sections.FIGURE_5_NETWORKS, *baseline_records.TESTED)]
    assert compared == {
        (s.name, data, sections.spec(f"{s.name}/{data}/AE,{v}".rstrip(","), "published").latent)
        for s in shown for data in s.data_sets for v in s.variants
    }  # fmt: skip


def test_pca_is_the_linear_projection_that_keeps_most():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(99, 3)) * [1, 9, 3]
    kept = np.linalg.svd(x - x.mean(0), compute_uv=False)[:2]
    codes = baselines.embed("PCA", x)
    assert np.linalg.norm(codes, axis=0) == pytest.approx(kept)
    assert codes.T @ codes == pytest.approx(np.diag(kept**2), abs=1e-9)


def test_numbers_on_surfaces_are_published_by_seed_and_read_back(monkeypatch, folder, capsys):
    """Each seed has points of its own, which its embeddings are compared with."""
    asked = []

    def embed(method, points, seed=0):
        asked.append((method, seed))
        return surface.SURFACES["s-shape"].sample(len(points), seed)[1] * (1 + (method == "LLE"))

    monkeypatch.setattr(baselines, "embed", embed)
    few = [(name, run) for name, run in runs.published() if name in ("3d/s-shape/AE", "toy/AE")]
    monkeypatch.setattr(baseline_records, "published", lambda: iter(few))
    monkeypatch.setattr(baseline_records, "_kept", lambda compute, *_: compute)
    assert call(monkeypatch, "baselines", "--publish", "s-shape") == 0
    assert capsys.readouterr().out.strip() == str(folder / "surfaces" / "s-shape.json")
    (found,) = baseline_records.published_on_surfaces().values()
    assert set(found) == set(baselines.EMBEDDINGS)
    assert {method for method, _ in asked} == set(found) and {s for _, s in asked} == {0, 1, 2}
    for seeds in found.values():
        assert [(each["knn_recall"], each["torn_share"]) for each in seeds] == [(1, 0)] * 3
    planes = baseline_records.published_planes()["s-shape"]
    chart = surface.SURFACES["s-shape"].sample(2000, 0)[1]
    assert planes["LLE"] == pytest.approx(2 * chart, abs=0.01)
    assert planes["PCA"] == pytest.approx(chart, abs=0.005)
    (_, run), *_ = few
    asked_for = baseline_records.surface_numbers(run.codes, run.own_chart, "s-shape")
    monkeypatch.setattr(baseline_records, "surface_numbers", None)  # they are read
    assert baseline_records.numbers_of_run(run) == asked_for


def test_numbers_of_published_runs_are_published_too():
    """Those of the runs that pages show; two are computed again."""
    known = baseline_records._published_numbers_of_runs(baseline_records.PUBLISHED)
    shown = [run for name, run in runs.published() if name.startswith("3d/") and "," not in name]
    assert len(known) == len(shown)
    for run in (shown[0], shown[-1]):
        found = baseline_records.surface_numbers(run.codes, run.own_chart, run.spec.data)
        assert baseline_records.numbers_of_run(run) == found


def test_a_diverged_run_has_no_numbers():
    (_, run), *_ = runs.published()
    assert baseline_records.numbers_of_run(replace(run, record={"status": "diverged"})) == {}


def test_at_laptop_there_is_nothing_to_compute(monkeypatch, capsys):
    assert call(monkeypatch, "baselines", "--preset", "laptop") == 2
    assert "at preset laptop pages show published baselines" in capsys.readouterr().err


def test_the_command_publishes_only_data_sets_of_the_paper(monkeypatch, capsys):
    assert call(monkeypatch, "baselines", "--publish", "mnist-5k") == 2
    assert "unknown data set 'mnist-5k'" in capsys.readouterr().err
