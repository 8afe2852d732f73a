"""The baselines beside the autoencoders: what they are, what they know, how they are published."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from test_cli import call

from isoae_lib.errors import InputError
from isoae_lib.paper import baseline_records, baselines, datasets, provenance, sections
from isoae_lib.paper.baseline_records import classified
from isoae_lib.paper.data.surfaces import SURFACES
from isoae_lib.paper.datasets import Data
from isoae_lib.paper.metrics import plane


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """Where baselines are published."""
    monkeypatch.setattr(baseline_records, "PUBLISHED", tmp_path / "published")
    return tmp_path / "published"


@pytest.fixture
def fewer(monkeypatch):
    """Two hundred training images and a hundred test images of every published run."""
    scales = sections.SECTIONS["classification"].scales
    monkeypatch.setitem(scales, "published", scales["published"] | {"points": 200})
    whole = datasets._part

    def part(spec, name):
        return tuple(array[:100] if name == "test" else array for array in whole(spec, name))

    monkeypatch.setattr(datasets, "_part", part)


def embeddings_of(monkeypatch, labels):
    """Random images and embeddings in place of those of U-MAP and t-SNE."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (len(labels), 784)).astype(np.uint8)
    planes = {m: rng.standard_normal((len(labels), 2)) for m in baselines.OF_IMAGES}
    known = planes, images, labels
    monkeypatch.setattr(baseline_records, "image_embeddings", lambda *_: known)
    return known


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
    monkeypatch.setattr(baselines, "embed", lambda method, points: (method, points))
    points = Data(sections.spec("3d/s-shape/AE", "smoke")).points
    for name, (method, embedded) in baseline_records.embeddings("s-shape", "smoke").items():
        assert method == name and np.array_equal(embedded, points)
    asked = []
    for name in ("embeddings", "image_embeddings", "accuracies"):
        monkeypatch.setattr(
            baseline_records, name, lambda *given, n=name: asked.append((n, *given))
        )
    monkeypatch.setattr("isoae_lib.paper.data.images.present", lambda _: "missing")
    baseline_records.compute("smoke")
    assert asked == [
        *(("embeddings", name, "smoke") for name in SURFACES),
        ("image_embeddings", "mnist-5k", "smoke"), ("accuracies", "mnist-5k", "smoke"),
    ]  # fmt: skip


def test_an_unknown_embedding_is_told():
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


def test_a_data_set_s_baselines_are_published_and_read_back(monkeypatch, folder, fewer):
    labels = np.arange(300) % 10
    planes, images, _ = embeddings_of(monkeypatch, labels)
    monkeypatch.setattr(Data, "official", False)
    written = baseline_records.publish("mnist-5k")
    assert written == [folder / kind / "mnist-5k.json" for kind in ("embeddings", "accuracies")]
    record = baseline_records.published_embeddings()["mnist-5k"]
    assert (record["labels"] == labels).all() and record["images"] == 300
    assert record["official"] is False
    for method, flat in planes.items():
        assert np.abs(record["planes"][method] - flat).max() <= 0.0051
        assert record["metrics"][method] == plane.embedding_numbers(images, labels, flat)
    found = baseline_records.published_accuracies()
    assert set(found) == {("mnist-5k", d) for d in sections.LATENTS}
    assert found == baseline_records.accuracies("mnist-5k", "published")
    assert found["mnist-5k", 16]["pixels"] == found["mnist-5k", 64]["pixels"]
    assert 0.5 < found["mnist-5k", 16]["PCA"]["knn"][0] <= 1
    record = json.loads(written[1].read_text(encoding="utf-8"))
    assert record["points"] == 200 and record["seeds"] == [0] and record["official"] is False


def test_the_baselines_of_the_project_are_readable():
    embedded = baseline_records.published_embeddings()
    measured = baseline_records.published_accuracies()
    assert set(embedded) == set(sections.SECTIONS["classification"].data_sets)
    assert set(measured) == {
        (d, k) for d in sections.SECTIONS["classification"].data_sets for k in sections.LATENTS
    }
    assert all(set(record["planes"]) == set(baselines.OF_IMAGES) for record in embedded.values())


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
@pytest.mark.parametrize("kind", ["embeddings", "accuracies"])
def test_a_published_file_without_its_numbers_is_named(folder, kind, content):
    (folder / kind).mkdir(parents=True)
    (folder / kind / "mnist.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"mnist\.json is damaged"):
        getattr(baseline_records, f"published_{kind}")()


@pytest.mark.parametrize("data", ["mnist", "coil20"])
def test_the_embedded_images_are_those_of_figure_5(monkeypatch, data):
    asked = []
    images_of = np.zeros((5, 4), np.uint8), np.arange(5)
    of_images = property(lambda data: asked.append(data.spec) or images_of)
    monkeypatch.setattr(Data, "train", of_images)
    monkeypatch.setattr(baselines, "embed_images", lambda method, images: np.ones((5, 2)))
    baseline_records.image_embeddings(data, "published")
    assert [(spec.data, spec.latent) for spec in asked] == [(data, 2)]


def test_the_command_publishes_only_data_sets_of_the_paper(monkeypatch, capsys):
    assert call(monkeypatch, "baselines", "--publish", "celeba") == 2
    assert "unknown data set 'celeba'" in capsys.readouterr().err
