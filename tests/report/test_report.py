"""The page: self-contained, accessible, and equal to its CSV files."""

import csv
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits

from neuroselect.datasets import make_recording
from neuroselect.report import write_report
from neuroselect.report._words import change, summarize, with_interval
from neuroselect.studies import get_study
from neuroselect.studies._digits import digit_trials

TINY = {"n_networks": 2, "max_iter": 400}
VOID = {"meta", "link", "img", "br"}
SVG = "data:image/svg+xml,"


class Page(HTMLParser):
    """Collects what the tests ask about."""

    def __init__(self, text):
        super().__init__()
        self.images, self.links, self.ids, self.loaded = [], [], [], []
        self.tables, self.words, self.open = {}, [], []
        self.feed(text)
        assert not self.open
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag not in VOID:
            self.open.append(tag)
        if "id" in attrs:
            self.ids.append(attrs["id"])
        if tag == "img":
            self.images.append(attrs)
        if tag == "a":
            self.links.append(attrs["href"])
        self.loaded += [attrs[k] for k in ("src", "srcset", "data") if k in attrs]
        if tag == "link":
            self.loaded.append(attrs["href"])
        if tag == "table":
            self.tables[attrs["data-name"]] = self.rows = []
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        data = data.replace("\u00a0", " ")
        if self.open and self.open[-1] in ("td", "th"):
            self.rows[-1][-1] += data
        elif not self.open or self.open[-1] not in ("style", "script"):
            self.words.append(data)


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """A report without a recording."""
    return write_report(out=tmp_path_factory.mktemp("alone"), recording="none", **TINY)


@pytest.fixture(scope="module")
def beside(tmp_path_factory, data_folder):
    """A report with the recording."""
    file = data_folder / "flesch2022" / "paper_mante_monkeyA_rdms.mat"
    return write_report(out=tmp_path_factory.mktemp("beside"), recording=file, **TINY)


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A report with a table of simulated trials."""
    truth = make_recording(200, 8, factors={"colour": 4, "motion": 3}, random_state=0)
    units = pd.DataFrame(truth.data, columns=[f"cell_{k}" for k in range(8)])
    folder = tmp_path_factory.mktemp("own")
    table = pd.concat([truth.trials[["task", "colour", "motion"]], units], axis=1)
    table.to_csv(folder / "session.csv", index=False)
    design = {"task": "task", "factors": ("colour", "motion"), "read": {"units": "cell_*"}}
    return write_report(
        out=folder / "report", recording=folder / "session.csv", trials="motion < 9", **design,
        **TINY,
    )  # fmt: skip


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A report on the digit tasks, with a few small images."""
    images = load_digits().images[:300], load_digits().target[:300]
    study = replace(get_study("digits"), tasks=lambda _: digit_trials(images))
    return write_report(study, out=tmp_path_factory.mktemp("digits"), n_networks=2, max_iter=2)


@pytest.fixture(scope="module")
def arithmetic(tmp_path_factory):
    """A report on the arithmetic tasks, where all networks count as learned; without pictures."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("neuroselect.studies._arithmetic_measures.LEARNED", np.inf)
        patch.setattr("neuroselect.report._content.Figure.draw", lambda figure: SVG)
        folder = tmp_path_factory.mktemp("arithmetic")
        return write_report("arithmetic", out=folder, n_networks=2, max_iter=1)


@pytest.fixture
def no_pictures(monkeypatch):
    """Pictures take most of the time."""
    monkeypatch.setattr("neuroselect.report._content.Figure.draw", lambda figure: "data:,")


@pytest.fixture(scope="module", params=["alone", "beside", "own", "digits", "arithmetic"])
def path(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="module")
def page(path):
    return Page(path.read_text(encoding="utf-8"))


def test_nothing_is_loaded_from_elsewhere(path, page):
    assert page.loaded
    assert all(address.startswith("data:image/svg+xml") for address in page.loaded)
    text = path.read_text(encoding="utf-8")
    assert "<script" not in text
    assert "@import" not in text
    assert "url(" not in text


def test_links_lead_somewhere(path, page):
    for link in page.links:
        if link.startswith("#"):
            assert link[1:] in page.ids
        elif not link.startswith(("https://doi.org/", "https://github.com/")):
            assert (path.parent / link).is_file()
    assert len(page.ids) == len(set(page.ids))


def test_figures_have_a_text(page):
    assert len(page.images) >= 20
    assert all(len(image["alt"]) > 20 for image in page.images)
    assert len({image["alt"] for image in page.images}) == len(page.images)


def test_every_table_equals_its_csv(path, page):
    files = {file.stem for file in (path.parent / "tables").glob("*.csv")}
    assert set(page.tables) == files
    assert {f"tables/{name}.csv" for name in files} <= set(page.links)
    n_numbers = 0
    for name, (_, *rows) in page.tables.items():
        with open(path.parent / "tables" / f"{name}.csv", encoding="utf-8") as stream:
            exact = list(csv.DictReader(stream))
        assert len(rows) == len(exact) > 0
        for shown, record in zip(rows, exact, strict=True):
            columns = [column for column in record if not column.endswith("_ci95")]
            for cell, column in zip(shown, columns, strict=True):
                half_width = record.get(f"{column}_ci95", "")
                expected = [record[column], half_width] if half_width else [record[column]]
                for part, value in zip(cell.split(" ± "), expected, strict=True):
                    n_numbers += agrees(part, value)
    assert n_numbers > 500


def agrees(shown, exact):
    """Whether a number is shown as it is in the file, rounded; raise if not."""
    try:
        value = float(exact)
    except ValueError:
        assert shown == exact or (shown, exact) == ("–", "")
        return False
    text = shown.replace("−", "-")
    mantissa, _, exponent = text.partition("e")
    unit = 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
    if "." not in mantissa and abs(value) >= 1000:  # general format keeps three digits
        unit = max(unit, 1.0)
    assert abs(float(text) - value) <= 0.5000001 * unit
    return True


@pytest.fixture(params=["alone", "beside", "own"])
def rich_lazy(request):
    return Page(request.getfixturevalue(request.param).read_text(encoding="utf-8"))


def test_sections_on_rich_and_lazy(rich_lazy):
    for word in (
        "Accuracy and convergence", "How far training moved the weights", "mixed units",
        "Without units, and with noise", "What hidden units respond to",
        "Which tasks units vary in", "Exact lesion, scale 0.01",
        "Taylor estimate, scale 3", "Dissimilarity of conditions",
        "Model RDMs", "Participation ratio", "3-D", "2-D", "Parameters of the run", "Versions",
        "Time taken", "neuroselect report --study rich-lazy --n-networks 2 --max-iter 400",
    ):  # fmt: skip
        assert word in rich_lazy.text, word


def test_sentences_repeat_the_tables(rich_lazy):
    _, *rows = rich_lazy.tables["unit-classes"]
    first, last = rows[0][-1], rows[-1][-1]
    assert f"{first} at scale 0.01" in rich_lazy.text
    assert f"{last} at scale 3" in rich_lazy.text


def test_tables_on_robustness_and_tuning(rich_lazy):
    tables = rich_lazy.tables
    assert len(tables["lesion-curve"]) == 1 + 8 * 11
    assert len(tables["noise-curve"]) == 1 + 8 * 5
    start = [row for row in tables["lesion-curve"][1:] if row[1] == "0.0"]
    without_noise = [row for row in tables["noise-curve"][1:] if row[1] == "0.00"]
    assert [row[2:] for row in start] == [row[2:] for row in without_noise]
    performance = tables["performance"][1:]
    assert [row[2] for row in start] == [row[2] for row in performance]
    for _, *shares in tables["mixed-selectivity"][1:]:
        total = sum(float(share.split()[0].split("\u00a0")[0]) for share in shares)
        assert total == pytest.approx(1, abs=0.005)
    assert {row[0] for row in tables["task-profiles"][1:]} <= {"0.01", "0.4", "3"}


def test_recording_stands_beside_the_networks(beside, alone):
    page = Page(beside.read_text(encoding="utf-8"))
    name = "paper_mante_monkeyA_rdms"
    for table in ("betas-three", "betas-seven", "participation-ratio"):
        assert page.tables[table][-1][0] == name
    _, _, orthogonal, *_ = page.tables["betas-three"][-1]
    assert f"orthogonal {orthogonal}" in page.text
    assert "762 units" in page.text
    assert "No recording was used" in Page(alone.read_text(encoding="utf-8")).text


def test_sections_on_a_recording(own, beside, alone):
    page = Page(own.read_text(encoding="utf-8"))
    for words in (
        "Recorded units, session", "five-fold cross-validation, R²", "Firing rates are not rect",
        "The scale closest to session is", "Networks and recording have different conditions",
        "8 units recorded together, 200 trials, 24 conditions: 4 levels of colour, 3 of motion",
        "5 by 5 levels for networks, 4 by 3 for the recording",
        "--task task --factors colour,motion --trials 'motion < 9' --read 'units=cell_*'",
    ):  # fmt: skip
        assert words in page.text, words
    assert len(page.tables["recorded-units-lesions"]) == 1 + 8
    assert [row[0] for row in page.tables["recorded-units-lesions"][1:3]] == ["cell_0", "cell_1"]
    assert [row[0] for row in page.tables["recorded-tuning"][1:3]] == ["untuned", "pure task"]
    assert len(page.tables["closest"]) == 1 + 8
    macaque = Page(beside.read_text(encoding="utf-8")).text
    assert "no decoder of recorded units to lesion, because the recording has condition" in macaque
    assert "closest" not in Page(alone.read_text(encoding="utf-8")).tables


def test_missing_recording_is_a_note_and_a_warning(tmp_path, monkeypatch, no_pictures):
    def no_network(*args, **kwargs):
        raise OSError("Could not download it.\nGet https://example.org/file and put it there.")

    monkeypatch.setattr("neuroselect.studies._recordings.fetch_mante_monkey_a", no_network)
    with pytest.warns(UserWarning, match="written without it.*put it there.*NEUROSELECT_DATA"):
        path = write_report(out=tmp_path / "new" / "folder", n_networks=1, max_iter=5)
    page = Page(path.read_text(encoding="utf-8"))
    assert "Without the recording" in page.text
    assert "Get https://example.org/file and put it there." in page.text
    assert "at scale 0.01" in page.text  # one network, few passes: no intervals, none converged
    assert not list(path.parent.rglob("*.tmp"))


def test_a_file_that_cannot_be_read_is_an_error(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError("not yours")

    monkeypatch.setattr("neuroselect.report._write.load_recording", refuse)
    with pytest.raises(PermissionError, match="not yours"):
        write_report(out=tmp_path, recording="session.csv", task="a", factors=("b", "c"))


def test_sections_on_digits(digits):
    page = Page(digits.read_text(encoding="utf-8"))
    for word in (
        "Accuracy after each phase", "What is forgotten, and what EWC keeps", "parity, magnitude:",
        "Which task needs which unit", "Taylor estimate", "Versions", "Kirkpatrick et al. (2017)",
        "neuroselect report --study digits --n-networks 2 --max-iter 2 --seed 0 --images mnist",
    ):  # fmt: skip
        assert word in page.text, word
    assert "recording" not in page.text.lower()
    assert len(page.images) == 4 + 6 * 3  # conditions; pairs of tasks x conditions


def test_sections_on_arithmetic(arithmetic):
    page = Page(arithmetic.read_text(encoding="utf-8"))
    for word in (
        "Which conclusions hold", "Experiment 2.3: narrow networks", "Experiment 2.6: biased",
        "18 of 18 networks learned both tasks", "Lesion test of the last hidden layer",
        "exact, no residual", "neuroselect report --study arithmetic --n-networks 2 --max-iter 1",
    ):  # fmt: skip
        assert word in page.text, word
    assert "recording" not in page.text.lower()
    # conclusions on two experiments by three estimators; per experiment histograms of four layers
    # and means of two measures by layer, in two forms
    assert len(page.images) == 6 * 3 + 9 * (4 + 2) * 2
    assert len(page.tables["lesion-test"]) == 1 + 9 * 2 * 3
    assert len(page.tables["nan-share-2-6"]) == 1 + 3 * 4 * 3
    assert [row[5:8] for row in page.tables["experiments"][1:]] == [["2", "2", "0"]] * 9
    for row in page.tables["conclusions"][1:]:
        assert row[3] in ("holds", "does not hold", "undecided")


def test_figures_on_arithmetic_are_drawn(tmp_path, monkeypatch):
    """One of each kind."""
    from neuroselect.report._content import Figure

    drawn, draw = set(), Figure.draw

    def draw_one_of_each_kind(figure):
        kind = figure.name.split("-")[0]
        if kind in drawn:
            return SVG
        drawn.add(kind)
        return draw(figure)

    monkeypatch.setattr("neuroselect.studies._arithmetic_measures.LEARNED", np.inf)
    monkeypatch.setattr("neuroselect.report._content.Figure.draw", draw_one_of_each_kind)
    write_report("arithmetic", out=tmp_path, n_networks=1, max_iter=1)
    assert drawn == {"claim", "histogram", "mean"}


def test_arithmetic_where_no_network_learned(tmp_path, monkeypatch, no_pictures):
    monkeypatch.setattr("neuroselect.studies._arithmetic_measures.LEARNED", 0.0)
    page = Page(
        write_report("arithmetic", out=tmp_path, n_networks=1, max_iter=1).read_text("utf-8")
    )
    assert "0 of 9 networks learned both tasks" in page.text
    assert "undecided, for lack of networks that learned" in page.text
    assert not page.images
    assert "conclusions" not in page.tables


def test_sentences_on_digits_repeat_the_tables(digits):
    page = Page(digits.read_text(encoding="utf-8"))
    ends = [row for row in page.tables["phases"] if row[:2] == ["sequential", "parity_subset"]]
    ((_, _, _, parity, magnitude, *_),) = ends
    sentence = f"One task after the other: accuracy at the end is {parity} (parity), {magnitude}"
    assert sentence in page.text
    table = {tuple(row[:2]): row[2:] for row in page.tables["retention"]}
    assert table["sequential", "parity"][1] == parity
    learned = [table["EWC", name][0] for name in ("parity", "magnitude")]
    assert "accuracy on a task is {} (parity), {} (magnitude)".format(*learned) in page.text
    lost = [table["EWC", name][2] for name in ("parity", "magnitude", "prime")]
    assert "with EWC, {} (parity), {} (magnitude) and {} (prime)".format(*lost) in page.text


def test_shares_of_units_add_up(digits):
    page = Page(digits.read_text(encoding="utf-8"))
    _, *rows = page.tables["pair-selectivity"]
    assert len(rows) == 6 * 4
    for row in rows:
        assert abs(sum(float(cell.split(" ± ")[0]) for cell in row[3:]) - 1) < 0.003


def test_missing_images_are_a_note_and_a_warning(tmp_path, monkeypatch, no_pictures):
    def no_network(*args, **kwargs):
        raise OSError("Could not download it.\nGet https://example.org/file and put it there.")

    monkeypatch.setattr("neuroselect.datasets._digit_images.fetch_mnist", no_network)
    with pytest.warns(UserWarning, match="'mnist' are not at hand.*put it there.*NEUROSELECT_DATA"):
        path = write_report("digits", out=tmp_path, quick=True, n_networks=1, max_iter=1,
                            images="mnist")  # fmt: skip
    page = Page(path.read_text(encoding="utf-8"))
    assert "Other images" in page.text
    assert "Get https://example.org/file and put it there." in page.text
    assert "few networks (4 in all), few passes (1 over each task) and images of 8 x 8" in page.text
    assert "--images digits" in page.text  # what was used, to run it again


def test_quick_run_says_so(tmp_path, no_pictures):
    study = get_study("rich-lazy")
    path = write_report(study, out=tmp_path, recording="none", quick=True, max_iter=5)
    text = Page(path.read_text(encoding="utf-8")).text
    assert "A quick look" in text
    assert f"({study.quick['n_networks'] * 8} in all)" in text
    assert "few passes (5)" in text


def test_same_seed_same_page(alone, tmp_path):
    again = write_report(out=tmp_path, recording="none", **TINY)
    times = re.compile(r"<p class=\"about\" id=\"time\">.*?</table>", re.S)
    pages = [times.sub("", path.read_text(encoding="utf-8")) for path in (alone, again)]
    assert pages[0] == pages[1]


def test_folder_is_checked_before_training(tmp_path, monkeypatch):
    monkeypatch.setattr("neuroselect.report._write.run_study", lambda *a, **k: 1 / 0)
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        write_report(out=tmp_path / "file" / "folder")
    with pytest.raises(OSError, match="file"):
        write_report(out=tmp_path / "file")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_networks": 0}, "n_networks must be at least 1, got 0"),
        ({"max_iter": -3}, "max_iter must be at least 1, got -3"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
        ({"seed": 2**32}, r"seed must be below 2\*\*32"),
        ({"study": "unknown"}, "Unknown study 'unknown'"),
        ({"recording": "unknown"}, "Unknown recording 'unknown'"),
        ({"images": "mnist"}, "The study 'rich-lazy' takes no images, got images='mnist'"),
        ({"study": "digits", "images": "cats"}, "The 'images' parameter of make_digit_tasks"),
        (
            {"study": "digits", "recording": "mante-monkey-a"},
            "The study 'digits' takes no recording, got recording='mante-monkey-a'. Leave it out",
        ),
        ({"study": "digits", "task": "a", "bin": 5.0}, "takes no recording, got task, bin. Leave"),
        ({"recording": "none", "task": "a"}, "task describe a recording in a file, got"),
        ({"study": replace(get_study("digits"), measure=print)}, "There is no report on studies"),
    ],
)
def test_bad_options(options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        write_report(out=tmp_path, **options)


def test_change_says_what_the_intervals_say(rng):
    import pandas as pd

    frame = pd.DataFrame({"init_scale": np.repeat([0.1, 1.0], 30)})
    frame["up"] = frame["init_scale"] * 10 + 0.1 * rng.normal(size=60)
    frame["flat"] = np.tile(rng.normal(size=30), 2)
    summary = summarize(frame, ["up", "flat"])
    assert change(summary, "up", ".1f").startswith("rises from 1.0 ± 0.0 at scale 0.1 to 10.0")
    summary["down"], summary["down_ci95"] = -summary["up"], summary["up_ci95"]
    assert change(summary, "down", ".1f").startswith("falls from −1.0")
    assert "intervals overlap" in change(summary, "flat", ".1f")
    single = summarize(frame.groupby("init_scale").head(1), ["up"])
    assert "one network at each scale" in change(single, "up", ".1f")


def test_with_interval_ties_the_decimals():
    assert with_interval(0.0004, 0.00032, ".3g") == "0.00040 ± 0.00032"
    assert with_interval(1234.5, 98.0, ".3g") == "1234 ± 98"
    assert with_interval(0.5, 0.25, "+.2f") == "+0.50 ± 0.25"
