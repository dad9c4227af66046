import hashlib
import http.server
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pooch
import pytest

from neuroselect.datasets import fetch_mante_monkey_a, get_data_home
from neuroselect.datasets._fetch import REGISTRY, RemoteFile, fetch_file

CONTENT = b"spikes" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
NOBODY = "http://127.0.0.1:9/lab/spikes.mat"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def forbid_download(monkeypatch):
    def fail(*args, **kwargs):
        raise AssertionError("tried to download")

    monkeypatch.setattr(pooch, "retrieve", fail)


@pytest.fixture
def server():
    """A local server that answers every request with CONTENT; yields its address and log."""
    requests = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            requests.append(self.path)
            missing = self.path.endswith("missing.mat")
            self.send_response(404 if missing else 200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}", requests
        httpd.shutdown()
        thread.join()


def remote(url=NOBODY, sha256=SHA256):
    return RemoteFile(name="lab/spikes.mat", url=url, sha256=sha256)


def store(folder, content=CONTENT):
    path = folder / "lab" / "spikes.mat"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def files_below(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_data_home_precedence(monkeypatch, tmp_path):
    monkeypatch.setenv("NEUROSELECT_DATA", str(tmp_path / "variable"))
    assert get_data_home(tmp_path / "argument") == tmp_path / "argument"
    assert get_data_home(str(tmp_path / "argument")) == tmp_path / "argument"
    assert get_data_home() == tmp_path / "variable"
    monkeypatch.setenv("NEUROSELECT_DATA", "")
    assert get_data_home() == Path(pooch.os_cache("neuroselect"))
    monkeypatch.delenv("NEUROSELECT_DATA")
    assert get_data_home() == Path(pooch.os_cache("neuroselect"))
    assert list(tmp_path.iterdir()) == []


def test_data_home_expands_the_home_folder(monkeypatch):
    monkeypatch.setenv("NEUROSELECT_DATA", "~/recordings")
    assert get_data_home() == Path.home() / "recordings"
    assert get_data_home("~/other") == Path.home() / "other"


def test_file_that_is_there_is_used(tmp_path, monkeypatch, forbid_download):
    path = store(tmp_path)
    for download_if_missing in (True, False):
        assert path == fetch_file(
            remote(), data_home=tmp_path, download_if_missing=download_if_missing
        )
    monkeypatch.setenv("NEUROSELECT_DATA", str(tmp_path))
    assert fetch_file(remote(), data_home=None, download_if_missing=True) == path


def test_read_only_folder_is_not_written_to(tmp_path, forbid_download):
    path = store(tmp_path)
    path.chmod(0o444)
    folders = (path.parent, tmp_path)
    for folder in folders:
        folder.chmod(0o555)
    # The time stamp of a folder changes with every entry made in it, so that this also
    # notices a temporary file, and holds for users whom no permission stops.
    before = [os.stat(folder).st_mtime_ns for folder in folders]
    try:
        assert fetch_file(remote(), data_home=tmp_path, download_if_missing=True) == path
        assert [os.stat(folder).st_mtime_ns for folder in folders] == before
    finally:
        for folder in folders:
            folder.chmod(0o755)


def test_wrong_hash_is_an_error_and_the_file_is_kept(tmp_path, forbid_download):
    path = store(tmp_path, b"something else")
    found = hashlib.sha256(b"something else").hexdigest()
    match = f"{re.escape(str(path))} is not .* {found}, expected {SHA256}. Delete it"
    with pytest.raises(ValueError, match=match):
        fetch_file(remote(), data_home=tmp_path, download_if_missing=True)
    assert path.read_bytes() == b"something else"


def test_missing_file_without_download(tmp_path, forbid_download):
    path = tmp_path / "lab" / "spikes.mat"
    match = (
        f"{re.escape(str(path))} does not exist and download_if_missing=False."
        f" Get {re.escape(NOBODY)} and put it into the folder {re.escape(str(path.parent))} as"
    )
    with pytest.raises(FileNotFoundError, match=match):
        fetch_file(remote(), data_home=tmp_path, download_if_missing=False)
    assert list(tmp_path.iterdir()) == []


def test_no_network(tmp_path):
    match = (
        r"Could not download lab/spikes.mat \(ConnectionError.*"
        f" Get {re.escape(NOBODY)} and put it into the folder {re.escape(str(tmp_path / 'lab'))}"
    )
    with pytest.raises(OSError, match=match):
        fetch_file(remote(), data_home=tmp_path, download_if_missing=True)
    assert files_below(tmp_path) == []


def test_download(tmp_path, server, capfd):
    url, requests = server
    level = pooch.get_logger().level
    file = remote(f"{url}/spikes.mat")
    path = fetch_file(file, data_home=tmp_path / "new", download_if_missing=True)
    assert path == tmp_path / "new" / "lab" / "spikes.mat"
    assert path.read_bytes() == CONTENT
    assert files_below(tmp_path) == [path]
    assert fetch_file(file, data_home=tmp_path / "new", download_if_missing=True) == path
    assert requests == ["/spikes.mat"]
    assert capfd.readouterr() == ("", "")
    assert pooch.get_logger().level == level


def test_download_with_another_hash_is_not_kept(tmp_path, server):
    url, _ = server
    expected = hashlib.sha256(b"expected").hexdigest()
    match = rf"Could not download (?=.*{SHA256})(?=.*{expected}).* put it into the folder"
    with pytest.raises(OSError, match=match):
        fetch_file(
            remote(f"{url}/spikes.mat", expected), data_home=tmp_path, download_if_missing=True
        )
    assert files_below(tmp_path) == []


def test_download_of_an_address_that_is_gone(tmp_path, server):
    url, _ = server
    with pytest.raises(OSError, match=r"Could not download lab/spikes.mat \(HTTPError: 404"):
        fetch_file(remote(f"{url}/missing.mat"), data_home=tmp_path, download_if_missing=True)
    assert files_below(tmp_path) == []


def test_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "lab").write_text("a file where the folder should be")
    with pytest.raises(OSError, match=r"Could not download .*put it into the folder"):
        fetch_file(remote(), data_home=tmp_path, download_if_missing=True)


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_registry_pins_commit_and_hash(name):
    file = REGISTRY[name]
    assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
    assert re.match(r"https://raw\.githubusercontent\.com/[^/]+/[^/]+/[0-9a-f]{40}/", file.url)
    assert file.url.endswith("/" + name.split("/")[-1])


@pytest.mark.parametrize("name", sorted(REGISTRY))
def test_registered_files_of_the_data_folder(name, data_folder, forbid_download):
    path = fetch_file(REGISTRY[name], data_home=data_folder, download_if_missing=False)
    assert path == data_folder / name


@pytest.mark.parametrize("kwargs", [{"data_home": 3}, {"download_if_missing": "yes"}])
def test_bad_parameters_of_fetch_functions(kwargs):
    (name,) = kwargs
    with pytest.raises(ValueError, match=f"The {name!r} parameter of fetch_mante_monkey_a must be"):
        fetch_mante_monkey_a(**kwargs)


def test_import_is_cheap():
    # scikit-learn imports pandas by itself where it is installed, hence the comparison.
    code = """
import sys
import sklearn.base, sklearn.utils
before = set(sys.modules)
import neuroselect.datasets as datasets
assert all(hasattr(datasets, name) for name in datasets.__all__)
heavy = {"pandas", "pooch", "requests", "scipy.io", "torch", "matplotlib", "rsatoolbox"}
print(*sorted(heavy & (set(sys.modules) - before)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
