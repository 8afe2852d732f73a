"""Downloads from a server on this machine: resumed, proven, and only then in the data folder."""

from __future__ import annotations

import errno
import gzip
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Event, Thread

import numpy as np
import pytest
from test_cli import call
from test_images import LABELS, PIXELS, idx, make_official, packed

from isoae_lib.errors import InputError
from isoae_lib.paper.data import decoding, downloads, images

CONTENT = {
    "/train-images-idx3-ubyte.gz": packed(idx(PIXELS)),
    "/train-labels-idx1-ubyte.gz": packed(idx(LABELS)),
    "/t10k-images-idx3-ubyte.gz": packed(idx(PIXELS[:9])),
    "/t10k-labels-idx1-ubyte.gz": packed(idx(LABELS[:9])),
}


def page(handler, _):
    """What a router or a parked domain says to everything."""
    handler.answer(200, b"<html>Log in</html>", {"Content-Type": "text/html; charset=utf-8"})


def no_type(handler, _):
    handler.answer(200, b"<html>Log in</html>")


def login(handler, _):
    handler.answer(302, b"", {"Location": "/login"} if handler.path != "/login" else {})


def loop(handler, _):
    handler.answer(302, b"", {"Location": handler.path})


def silent(handler, _):
    handler.server.released.wait(20)


def truncated(handler, content):
    handler.answer(200, content[:-50])


def short_length(handler, content):
    handler.answer(200, content, {"Content-Length": str(len(content) - 50)})


def long_length(handler, content):
    handler.answer(200, content, {"Content-Length": str(len(content) + 50)})


def packed_twice(handler, content):
    handler.answer(200, gzip.compress(content), {"Content-Encoding": "gzip"})


def other_port(handler, _):
    handler.answer(302, b"", {"Location": "gopher://nowhere/"})


NONSENSE = {
    page: "answers with a web page",
    no_type: "something else",
    login: "something else",
    loop: "redirects without end",
    silent: "does not answer in time",
    truncated: "something else",
    short_length: "something else",
    long_length: "breaks off",
    packed_twice: "something else",
    other_port: "cannot be reached",
    **{
        lambda handler, _, code=code: handler.answer(code, b"no"): f"status {code}"
        for code in (403, 404, 416, 500, 503)
    },
    **{lambda handler, _, code=code: handler.answer(code, b""): "" for code in (200, 204, 304)},
}


FILES = images.DATA_SETS["mnist"].files
GONE = "http://127.0.0.1:9/"  # nobody listens there: the next address is asked


class Handler(BaseHTTPRequestHandler):
    """Serves files and ranges; breaks off where `cut` says so, and remembers what was asked."""

    def do_GET(self):
        ask = self.headers.get("Range", "")
        self.server.asked.append((self.path, ask))
        content = self.server.content.get(self.path)
        if self.server.nonsense:
            return self.server.nonsense(self, content)
        if content is None:
            return self.send_error(404)
        start = int(ask.removeprefix("bytes=").rstrip("-") or 0)
        if ask and start >= len(content):
            return self.send_error(416)
        self.send_response(206 if ask else 200)
        if ask:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start : self.server.cut.pop(self.path, None)])

    def answer(self, status, content, headers=None):
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(content))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


@contextmanager
def serving():
    """A server on this machine; `nonsense` takes over all answers."""
    with HTTPServer(("127.0.0.1", 0), Handler) as there:
        there.asked, there.cut, there.content = [], {}, dict(CONTENT)
        there.nonsense, there.released = None, Event()
        there.address = f"http://127.0.0.1:{there.server_port}/"
        Thread(target=there.serve_forever, daemon=True).start()
        yield there
        there.released.set()
        there.shutdown()


def ask(monkeypatch, *places):
    known = replace(images.DATA_SETS["mnist"], mirrors=places)
    monkeypatch.setitem(images.DATA_SETS, "mnist", known)


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("ISOAE_DATA_DIR", str(tmp_path / "raw"))
    for split, n in (("train", len(PIXELS)), ("test", 9)):
        files = [tmp_path / f"{split}{k}" for k in (0, 1)]
        files[0].write_bytes(idx(PIXELS[:n]))
        files[1].write_bytes(idx(LABELS[:n]))
        found = decoding.labelled_idx(*files, (28, 28), 10)[2]
        make_official(monkeypatch, "mnist", **{split: found})
    with serving() as there:
        ask(monkeypatch, GONE, there.address)
        yield there


def test_what_is_fetched_is_official_and_fetched_once(server):
    folder = downloads.fetch("mnist")
    assert np.array_equal(images.load("mnist").pixels, PIXELS)
    assert sorted(file.name for file in folder.iterdir()) == sorted(FILES)
    assert sorted(file.name for file in folder.parent.rglob("*") if file.is_file()) == sorted(FILES)
    asked = len(server.asked)
    downloads.fetch("mnist")
    assert len(server.asked) == asked


def test_an_interrupted_download_goes_on_where_it_was(server, monkeypatch):
    monkeypatch.setattr(downloads, "CHUNK", 1000)
    path = "/train-images-idx3-ubyte.gz"
    server.cut[path] = 5000
    with pytest.raises(InputError, match=r"MNIST cannot be downloaded: .*breaks off"):
        downloads.fetch("mnist")
    assert not (images.folder() / "mnist").exists()
    downloads.fetch("mnist")
    assert (path, "bytes=5000-") in server.asked
    assert np.array_equal(images.load("mnist").pixels, PIXELS)


def test_a_piece_that_is_too_long_is_begun_again(server):
    waiting = images.folder() / ".downloads" / "mnist" / "1" / "mnist"
    waiting.mkdir(parents=True)
    (waiting / "train-images-idx3-ubyte.gz.part").write_bytes(b"x" * 100_000)
    downloads.fetch("mnist")
    assert np.array_equal(images.load("mnist").pixels, PIXELS)


def test_what_is_not_the_official_content_stays_out(server):
    server.content["/t10k-labels-idx1-ubyte.gz"] = packed(idx(9 - LABELS[:9]))
    with pytest.raises(InputError, match="gives something else than the official content"):
        downloads.fetch("mnist")
    assert not [file for file in images.folder().rglob("*") if file.is_file()]


def test_a_damaged_download_does_not_replace_what_is_there(server):
    downloads.fetch("mnist")
    label = images.folder() / "mnist" / "train-labels-idx1-ubyte.gz"
    label.write_bytes(b"damaged")
    server.content["/t10k-labels-idx1-ubyte.gz"] = b"<html>"
    with pytest.raises(InputError, match="gives something else"):
        downloads.fetch("mnist")
    assert label.read_bytes() == b"damaged"


def test_a_full_disk_leaves_the_folder_as_it_was(server, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(downloads, "_download", full)
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
    printed = capsys.readouterr().out
    assert "mnist          MNIST                 missing" in printed
    for known in images.DATA_SETS.values():
        assert known.licence in printed and known.pictures in printed and known.page in printed
    assert call(monkeypatch, "data", "fetch", "mnist") == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(images.folder() / "mnist")
    assert call(monkeypatch, "data", "verify") == 0
    assert "mnist          official" in capsys.readouterr().out
    file = images.folder() / "mnist" / "train-images-idx3-ubyte.gz"
    file.write_bytes(packed(idx(PIXELS[::-1])))
    assert call(monkeypatch, "data", "verify") == 0
    assert "mnist          unofficial" in capsys.readouterr().out
    file.write_bytes(b"")
    assert call(monkeypatch, "data", "verify") == 1
    assert "is damaged or cut short" in capsys.readouterr().out


def names_what_is_wrong(message, *words):
    """Whether a message is one sentence that names the data set and no file that is gone."""
    assert message.startswith("MNIST cannot be downloaded: ") and "\n" not in message
    assert ".downloads" not in message and "Traceback" not in message
    return all(word in message for word in words)


@pytest.mark.parametrize("nonsense", NONSENSE, ids=lambda f: f"{f.__name__} {f.__defaults__ or ''}")
def test_a_place_that_answers_nonsense_is_named_and_the_next_one_asked(
    server, monkeypatch, nonsense
):
    monkeypatch.setattr(downloads, "WAIT", 0.3)
    with serving() as bad:
        bad.nonsense = nonsense
        ask(monkeypatch, bad.address, GONE)
        with pytest.raises(InputError) as error:
            downloads.fetch("mnist")
        assert names_what_is_wrong(str(error.value), bad.address, NONSENSE[nonsense], GONE)
        ask(monkeypatch, bad.address, server.address)
        downloads.fetch("mnist")
    assert np.array_equal(images.load("mnist").pixels, PIXELS)
    assert not (images.folder() / ".downloads" / "mnist").exists()


def test_a_packed_file_that_is_called_packed_for_the_way_is_taken_as_it_is(server):
    server.nonsense = lambda handler, content: handler.answer(
        200, content, {"Content-Encoding": "gzip"}
    )
    downloads.fetch("mnist")
    assert np.array_equal(images.load("mnist").pixels, PIXELS)


def test_no_place_continues_what_another_gave(server, monkeypatch):
    path = "/train-images-idx3-ubyte.gz"
    with serving() as bad:
        bad.content[path] = b"x" * 6000
        bad.cut[path] = 5000
        ask(monkeypatch, bad.address, server.address)
        downloads.fetch("mnist")
    assert (path, "") in server.asked
    assert np.array_equal(images.load("mnist").pixels, PIXELS)


@pytest.mark.parametrize("ranges", ["bytes 0-99/100", "", "bytes */100", "nonsense"])
def test_a_piece_is_continued_by_what_follows_it_and_nothing_else(server, ranges):
    waiting = images.folder() / ".downloads" / "mnist" / "1" / "mnist"
    waiting.mkdir(parents=True)
    path = "/train-images-idx3-ubyte.gz"
    (waiting / f"{path[1:]}.part").write_bytes(CONTENT[path][:5000])

    def from_the_start(handler, content):
        if handler.headers.get("Range"):
            return handler.answer(206, content, {"Content-Range": ranges})
        return handler.answer(200, content)

    server.nonsense = from_the_start
    downloads.fetch("mnist")
    assert np.array_equal(images.load("mnist").pixels, PIXELS)


def test_a_piece_that_is_wrong_is_begun_again(server):
    waiting = images.folder() / ".downloads" / "mnist" / "1" / "mnist"
    waiting.mkdir(parents=True)
    (waiting / "train-images-idx3-ubyte.gz.part").write_bytes(b"<html>Log in")
    downloads.fetch("mnist")
    assert np.array_equal(images.load("mnist").pixels, PIXELS)
