"""The commands that list and fetch data sets, against a server of its own."""

import hashlib
import http.server
import os
import re
import threading

import pytest

from neuroselect import datasets
from neuroselect.cli import main
from neuroselect.datasets import _catalog, fetch_files, list_datasets
from neuroselect.datasets._catalog import DATASETS, Dataset
from neuroselect.datasets._fetch import REGISTRY, RemoteFile

CONTENT = {"a.mat": b"spikes" * 30_000, "b.mat": b"labels" * 100}


@pytest.fixture
def lab(monkeypatch):
    """Two small files on a local server, as the only data set."""
    requests = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            name = self.path.split("/")[-1]
            requests.append(name)
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT[name])))
            self.end_headers()
            self.wfile.write(CONTENT[name])

        def log_message(self, *args):
            pass

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
        thread.start()
        files = tuple(
            RemoteFile(
                f"lab/{name}",
                f"http://127.0.0.1:{httpd.server_port}/{name}",
                hashlib.sha256(content).hexdigest(),
                len(content),
            )
            for name, content in CONTENT.items()
        )
        monkeypatch.setattr(
            _catalog, "DATASETS", {"lab": Dataset("two files of a lab", "fetch_lab", files)}
        )
        yield requests
        httpd.shutdown()
        thread.join()


def store(folder, *names):
    (folder / "lab").mkdir(exist_ok=True)
    for name in names:
        (folder / "lab" / name).write_bytes(CONTENT[name])


def test_every_file_belongs_to_one_data_set_and_is_loaded_by_a_function():
    files = [file.name for dataset in DATASETS.values() for file in dataset.files]
    assert sorted(files) == sorted(REGISTRY)
    fetchers = {dataset.fetcher for dataset in DATASETS.values()}
    public = {name for name in datasets.__all__ if name.startswith("fetch_")}
    assert fetchers == public - {"fetch_files"}


def test_sizes_are_the_published_ones(data_folder):
    for name, file in REGISTRY.items():
        assert (data_folder / name).stat().st_size == file.n_bytes


def test_listing_says_what_is_there(lab, tmp_path):
    def states():
        return list_datasets(data_home=tmp_path)["state"].tolist()

    assert states() == ["missing", "missing"]
    store(tmp_path, "a.mat")
    assert states() == ["there", "missing"]
    (tmp_path / "lab" / "b.mat").write_bytes(CONTENT["b.mat"][:-1])
    assert states() == ["there", "damaged"]
    assert lab == []


def test_command_lists(lab, tmp_path, capsys):
    arguments = ["datasets", "--data-home", str(tmp_path)]
    for stored, state in (
        ([], "missing"),
        (["b.mat"], "incomplete"),
        (["a.mat"], "there"),
    ):
        store(tmp_path, *stored)
        assert main(arguments) == 0
        out, err = capsys.readouterr()
        assert err == ""
        assert out.splitlines()[0] == f"Data folder: {tmp_path}"
        assert re.fullmatch(rf"lab +0\.2 MB +{state} +two files of a lab", out.splitlines()[1])
    (tmp_path / "lab" / "a.mat").write_bytes(b"else")
    assert main([*arguments, "--files"]) == 0
    out, _ = capsys.readouterr()
    assert "damaged" in out.splitlines()[1]
    assert re.search(r"lab/b\.mat \(0\.6 kB, there\) http://127\.0\.0\.1:\d+/b\.mat", out)
    assert out.endswith("Delete what is damaged to have it downloaded again: lab/a.mat\n")
    assert lab == []


def test_command_lists_all_data_sets_of_the_environment(data_folder, capsys, monkeypatch):
    monkeypatch.setenv("NEUROSELECT_DATA", str(data_folder))
    assert main(["datasets"]) == 0
    out, _ = capsys.readouterr()
    first, *lines = out.splitlines()
    assert first == f"Data folder: {data_folder}"
    assert [line.split()[0] for line in lines] == list(DATASETS)
    assert all(line.split()[3] == "there" for line in lines)


def test_command_fetches_what_is_missing(lab, tmp_path, capsys):
    store(tmp_path, "a.mat")
    assert main(["fetch", "lab", "--data-home", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert out.splitlines() == [str(tmp_path / "lab" / name) for name in CONTENT]
    assert lab == ["b.mat"]
    assert (tmp_path / "lab" / "b.mat").read_bytes() == CONTENT["b.mat"]
    assert main(["fetch", "lab", "--data-home", str(tmp_path)]) == 0
    assert lab == ["b.mat"]


def one_error(capsys):
    _, err = capsys.readouterr()
    assert err.count("\n") == 1
    assert err.startswith("neuroselect: error: ")
    return err


def test_errors_are_one_line_and_status_2(lab, tmp_path, capsys):
    home = ["--data-home", str(tmp_path)]
    assert main(["fetch", "lob", *home]) == 2
    assert "Unknown data set 'lob'. The known data sets are: 'lab'." in one_error(capsys)
    assert main(["fetch", *home]) == 2
    assert "NAME" in one_error(capsys)
    store(tmp_path, "a.mat")
    (tmp_path / "lab" / "a.mat").write_bytes(b"else")
    assert main(["fetch", "lab", *home]) == 2
    assert "a.mat is not the expected file" in one_error(capsys)
    assert lab == []


def test_no_network_is_one_line_with_the_remedy(tmp_path, capsys, monkeypatch):
    nobody = RemoteFile("lab/c.mat", "http://127.0.0.1:9/c.mat", "0" * 64, 1)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(_catalog, "DATASETS", {"lab": Dataset("", "", (nobody,))})
    assert main(["fetch", "lab", "--data-home", str(tmp_path)]) == 2
    err = one_error(capsys)
    assert "Get http://127.0.0.1:9/c.mat and put it into the folder" in err
    assert os.path.join(tmp_path, "lab") in err


def test_interrupt(monkeypatch, capsys):
    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(datasets, "fetch_files", interrupt)
    assert main(["fetch", "mnist"]) == 130
    assert "interrupted, files that are complete are kept" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["datasets", "fetch"])
def test_help(command, capsys):
    assert main([command, "--help"]) == 0
    assert f"neuroselect {command}" in capsys.readouterr().out


def test_fetch_files_without_download(lab, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"a\.mat does not exist and download_if_missing"):
        fetch_files("lab", data_home=tmp_path, download_if_missing=False)
    assert lab == []


def test_bad_parameters():
    with pytest.raises(ValueError, match="The 'name' parameter of fetch_files must be"):
        fetch_files(3)
    with pytest.raises(ValueError, match="The 'data_home' parameter of list_datasets must be"):
        list_datasets(data_home=3)
