"""Downloads, from a server of our own: kept, used again, and refused in one sentence."""

import functools
import hashlib
import http.server
import re
import threading
import time
import zipfile
from pathlib import Path

import pytest
from image_files import ARRAYS, FILES, assert_holds, refusal, write_all

from aecluster.data import downloads, load, write_idx


class _Info:
    """What tensorflow-datasets has registered of one file."""

    def __new__(cls, filename, content):
        from tensorflow_datasets.core.download.checksums import UrlInfo

        return UrlInfo(size=len(content), checksum=hashlib.sha256(content).hexdigest(), filename=filename)


@pytest.fixture
def register(tmp_path, monkeypatch):
    """A function that makes files on a server the registered ones, and returns the server's folder."""
    handler = functools.partial(_Quiet, directory=tmp_path / "server")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")

    def make(files, address=f"http://127.0.0.1:{server.server_port}"):
        folder = tmp_path / "server"
        infos = {f"{address}/{path.name}": _Info(path.name, path.read_bytes()) for path in files}
        monkeypatch.setattr(downloads, "registered", lambda dataset: infos)
        return folder

    yield make
    server.shutdown()
    server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def originals(tmp_path):
    folder = write_all(tmp_path / "server", FILES)
    return [folder / name for name in FILES]


def leftovers(tmp_path):
    return sorted(path.name for path in (tmp_path / "cache" / "aecluster" / "kmnist").iterdir())


def test_a_download_is_kept_and_used_again(register, tmp_path):
    server = register(originals(tmp_path))
    assert_holds(load("kmnist").train, *ARRAYS[:2])
    assert leftovers(tmp_path) == sorted(FILES)
    for path in server.iterdir():
        path.unlink()
    data = load("kmnist")
    assert_holds(data.train, *ARRAYS[:2])
    assert_holds(data.test, *ARRAYS[2:])


def test_only_what_the_cache_lacks_is_downloaded(register, tmp_path):
    server = register(originals(tmp_path))
    load("kmnist")
    cache = tmp_path / "cache" / "aecluster" / "kmnist"
    (cache / FILES[1]).unlink()
    (server / FILES[0]).unlink()
    assert_holds(load("kmnist").train, *ARRAYS[:2])


def test_a_file_damaged_in_the_cache_is_named(register, tmp_path):
    register(originals(tmp_path))
    load("kmnist")
    write_idx(tmp_path / "cache" / "aecluster" / "kmnist" / FILES[2], ARRAYS[2] // 2)
    with pytest.raises(ValueError, match=refusal("t10k-images-idx3-ubyte.gz' must be the file registered for kmnist")):
        load("kmnist")


def test_files_given_by_hand_are_used_instead_of_a_download(register, tmp_path):
    files = originals(tmp_path)
    register(files, "http://127.0.0.1:9")
    assert_holds(load("kmnist", tmp_path / "server").test, *ARRAYS[2:])
    assert not (tmp_path / "cache").exists()


def test_emnist_is_read_out_of_its_archive(register, tmp_path):
    names = [f"emnist-digits-{file.replace('t10k', 'test')}" for file in FILES]
    write_all(tmp_path / "gzip", names)
    (tmp_path / "server").mkdir()
    with zipfile.ZipFile(tmp_path / "server" / "gzip.zip", "w") as archive:
        for name in names:
            archive.write(tmp_path / "gzip" / name, f"gzip/{name}")
    register([tmp_path / "server" / "gzip.zip"])
    for data in (load("emnist/digits"), load("emnist/digits", tmp_path / "server")):
        assert_holds(data.train, ARRAYS[0].transpose(0, 2, 1), ARRAYS[1])
        assert_holds(data.test, ARRAYS[2].transpose(0, 2, 1), ARRAYS[3])
    (tmp_path / "server" / "gzip.zip").write_bytes(b"PK")
    with pytest.raises(ValueError, match=refusal("gzip.zip' must be the file registered for emnist")):
        load("emnist/digits", tmp_path / "server")


def test_an_unreachable_server_is_soon_refused(register, tmp_path):
    register(originals(tmp_path), "http://127.0.0.1:9")
    message = refusal(
        "kmnist could not be downloaded to", "(ConnectionError); fetch http://127.0.0.1:9/train", "as `data_dir`"
    )
    start = time.monotonic()
    with pytest.raises(ValueError, match=message):
        load("kmnist")
    assert time.monotonic() - start < 60  # tensorflow-datasets alone tries again for 200 seconds
    assert leftovers(tmp_path) == []


def test_a_file_the_server_lost_is_a_clear_refusal(register, tmp_path):
    server = register(originals(tmp_path))
    (server / FILES[3]).unlink()
    with pytest.raises(ValueError, match=refusal("kmnist could not be downloaded to", "(DownloadError); fetch")):
        load("kmnist")
    assert leftovers(tmp_path) == sorted(FILES[:3])


def test_a_file_that_the_server_changed_is_never_kept(register, tmp_path):
    server = register(originals(tmp_path))
    write_idx(server / FILES[1], ARRAYS[1] // 2)
    with pytest.raises(
        ValueError, match=refusal("kmnist could not be downloaded", "(NonMatchingChecksumError); fetch")
    ):
        load("kmnist")
    assert leftovers(tmp_path) == FILES[:1]


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "kmnist", "emnist"])
def test_tensorflow_datasets_has_the_files_registered(name):
    names = ["gzip.zip"] if name == "emnist" else FILES
    infos = downloads.registered(name).values()
    assert sorted(info.filename for info in infos) == sorted(names)
    assert all(re.fullmatch("[0-9a-f]{64}", info.checksum) for info in infos)


def test_the_cache_is_in_the_home_folder_where_nothing_else_is_said(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/home/somebody")
    assert downloads.cache_folder() == Path("/home/somebody/.cache/aecluster")
