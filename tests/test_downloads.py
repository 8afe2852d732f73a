"""Downloads from a server on this machine: resumed, proven, and only then in the data folder."""

from __future__ import annotations

import errno
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import numpy as np
import pytest
from test_cli import call
from test_images import LABELS, PIXELS, idx, packed

from isoae_lib import decoding, downloads, images
from isoae_lib.errors import InputError

CONTENT = {
    "/train-images-idx3-ubyte.gz": packed(idx(PIXELS)),
    "/train-labels-idx1-ubyte.gz": packed(idx(LABELS)),
    "/t10k-images-idx3-ubyte.gz": packed(idx(PIXELS[:9])),
    "/t10k-labels-idx1-ubyte.gz": packed(idx(LABELS[:9])),
}


class Handler(BaseHTTPRequestHandler):
    """Serves files and ranges; breaks off where `cut` says so, and remembers what was asked."""

    def do_GET(self):
        ask = self.headers.get("Range", "")
        self.server.asked.append((self.path, ask))
        content = self.server.content.get(self.path)
        if content is None:
            return self.send_error(404)
        start = int(ask.removeprefix("bytes=").rstrip("-") or 0)
        if ask and start >= len(content):
            return self.send_error(416)
        self.send_response(206 if ask else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start : self.server.cut.pop(self.path, None)])

    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("ISOAE_DATA_DIR", str(tmp_path / "raw"))
    there = HTTPServer(("127.0.0.1", 0), Handler)
    there.asked, there.cut, there.content = [], {}, dict(CONTENT)
    Thread(target=there.serve_forever, daemon=True).start()
    place = f"http://127.0.0.1:{there.server_port}/"
    gone = "http://127.0.0.1:9/"  # nobody listens there: the next place is asked
    monkeypatch.setitem(downloads.SOURCES, "mnist", ((gone, place), downloads.IDX))
    for split, n in (("train", len(PIXELS)), ("test", 9)):
        files = [tmp_path / f"{split}{k}" for k in (0, 1)]
        files[0].write_bytes(idx(PIXELS[:n]))
        files[1].write_bytes(idx(LABELS[:n]))
        digests = decoding.labelled_idx(*files)[2]
        monkeypatch.setitem(images.OFFICIAL_MD5, ("mnist", split), digests)
    yield there
    there.shutdown()
    there.server_close()


def test_what_is_fetched_is_official_and_fetched_once(server):
    place = downloads.fetch("mnist")
    assert np.array_equal(images.load("mnist").pixels, PIXELS)
    assert sorted(file.name for file in place.iterdir()) == sorted(downloads.IDX)
    assert sorted(file.name for file in place.parent.rglob("*") if file.is_file()) == sorted(
        downloads.IDX
    )
    asked = len(server.asked)
    downloads.fetch("mnist")
    assert len(server.asked) == asked


def test_an_interrupted_download_goes_on_where_it_was(server, monkeypatch):
    monkeypatch.setattr(downloads, "PIECE", 1000)
    path = "/train-images-idx3-ubyte.gz"
    server.cut[path] = 5000
    with pytest.raises(InputError, match=r"train-images-idx3-ubyte\.gz cannot be downloaded"):
        downloads.fetch("mnist")
    assert not (images.folder() / "mnist").exists()
    downloads.fetch("mnist")
    assert (path, "bytes=5000-") in server.asked
    assert np.array_equal(images.load("mnist").pixels, PIXELS)


def test_a_piece_that_is_too_long_is_begun_again(server):
    waiting = images.folder() / ".downloads" / "mnist"
    waiting.mkdir(parents=True)
    (waiting / "train-images-idx3-ubyte.gz.part").write_bytes(b"x" * 100_000)
    downloads.fetch("mnist")
    assert np.array_equal(images.load("mnist").pixels, PIXELS)


def test_what_is_not_the_official_content_stays_out(server):
    server.content["/t10k-labels-idx1-ubyte.gz"] = packed(idx(9 - LABELS[:9]))
    with pytest.raises(InputError, match="not the official content"):
        downloads.fetch("mnist")
    assert not [file for file in images.folder().rglob("*") if file.is_file()]


def test_a_damaged_download_does_not_replace_what_is_there(server):
    downloads.fetch("mnist")
    label = images.folder() / "mnist" / "train-labels-idx1-ubyte.gz"
    label.write_bytes(b"damaged")
    server.content["/t10k-labels-idx1-ubyte.gz"] = b"<html>"
    with pytest.raises(InputError, match="damaged or cut short"):
        downloads.fetch("mnist")
    assert label.read_bytes() == b"damaged"


def test_a_full_disk_leaves_the_folder_as_it_was(server, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(downloads, "_resume", full)
    with pytest.raises(InputError, match="cannot be written: No space left on device"):
        downloads.fetch("mnist")
    assert not [file for file in images.folder().rglob("*") if file.is_file()]


def test_what_is_given_out_by_hand_says_how(server):
    with pytest.raises(InputError, match="agree to its terms at"):
        downloads.fetch("celeba")


def test_the_command(server, monkeypatch, capsys):
    assert call(monkeypatch, "data", "fetch", "mnits") == 2
    assert "did you mean mnist" in capsys.readouterr().err
    assert call(monkeypatch, "data", "status") == 0
    assert "mnist          MNIST                 missing" in capsys.readouterr().out
    assert call(monkeypatch, "data", "fetch", "mnist") == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(images.folder() / "mnist")
    assert call(monkeypatch, "data", "verify") == 0
    assert "mnist          official" in capsys.readouterr().out
    (images.folder() / "mnist" / "train-images-idx3-ubyte.gz").write_bytes(b"")
    assert call(monkeypatch, "data", "verify") == 1
    assert "is damaged or cut short" in capsys.readouterr().out
