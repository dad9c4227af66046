"""Run a study and write the page."""

from __future__ import annotations

import os
import shlex
import time
import uuid
import warnings
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from neuroselect.report._content import Section
from neuroselect.report._sections_populations import (
    beta_section,
    dimension_section,
    map_section,
    rdm_section,
)
from neuroselect.report._sections_record import findings, record_section
from neuroselect.report._sections_units import (
    classes_section,
    importance_section,
    performance_section,
    weight_section,
)
from neuroselect.studies import Study, StudyResult, get_study, load_recording, run_study

SECTIONS = (
    performance_section,
    weight_section,
    classes_section,
    importance_section,
    rdm_section,
    beta_section,
    map_section,
    dimension_section,
)


def write_report(
    study: str | Study = "rich-lazy",
    *,
    out: str | os.PathLike = "neuroselect-report",
    recording: str | os.PathLike | None = None,
    n_networks: int | None = None,
    max_iter: int | None = None,
    seed: int = 0,
    n_jobs: int | None = None,
    device: str = "cpu",
    quick: bool = False,
    progress: bool = False,
    on_stage: Callable[[str], None] = lambda stage: None,
) -> Path:
    """Run a study and write one self-contained HTML page, and its tables as CSV files.

    Parameters
    ----------
    study : str or Study, default="rich-lazy"
        The study, or its name.
    out : path-like, default="neuroselect-report"
        Folder of ``index.html`` and ``tables/*.csv``; made if missing. Files of an earlier
        report are replaced one by one, each at once.
    recording : str, path-like or None, default=None
        See :func:`~neuroselect.studies.load_recording`; None is the study's own. One that is
        not at hand and cannot be downloaded is left out, with a warning and a note on the page.
    n_networks, max_iter : int, default=None
        Networks at each scale and passes in training. None: the study's own.
    seed : int, default=0
        From it the networks' seeds are drawn.
    n_jobs : int, default=None
        Processes, see :func:`~neuroselect.networks.fit_many`.
    device : {"cpu", "cuda", "mps", "auto"}, default="cpu"
        Where to train.
    quick : bool, default=False
        A quick look with fewer networks and passes (where these are None).
    progress : bool, default=False
        Show a progress bar on stderr.
    on_stage : callable, default does nothing
        Called with a line of text as each stage begins.

    Returns
    -------
    path : pathlib.Path
        The page.

    Raises
    ------
    OSError
        If the folder cannot be written to; checked before anything is computed.
    ValueError
        If the study or the recording is unknown, a file is malformed, a number is out of
        range or the device is not there.

    Examples
    --------
    >>> from neuroselect.report import write_report
    >>> write_report(out="report", n_networks=30)  # doctest: +SKIP
    PosixPath('report/index.html')
    """
    from neuroselect.utils._torch import resolve_device

    started = time.perf_counter()
    study = get_study(study) if isinstance(study, str) else study
    _check_numbers(n_networks, max_iter, seed)
    resolve_device(device, "float64")
    numbers = {"n_networks": study.n_networks, "max_iter": study.max_iter}
    numbers |= dict(study.quick) if quick else {}
    given = {"n_networks": n_networks, "max_iter": max_iter}
    numbers |= {name: value for name, value in given.items() if value is not None}
    recording = study.recording if recording is None else recording
    out = _writable_folder(out)
    loaded, missing = _load(recording)
    result = run_study(
        study, recording=loaded, seed=seed, n_jobs=n_jobs, device=device, progress=progress,
        on_stage=on_stage, **numbers,
    )  # fmt: skip
    on_stage("Drawing figures")
    sections = [make(result) for make in SECTIONS]
    figures = [figure for section in sections for figure in section.figures]
    sources = {figure.name: figure.draw() for figure in figures}
    result.seconds["figures"] = time.perf_counter() - started - sum(result.seconds.values())
    result.seconds["all"] = time.perf_counter() - started
    settings = {
        "study": study.name, **numbers, "seed": seed, "recording": str(recording), "device": device,
    }  # fmt: skip
    sections.append(record_section(result, settings, _command(settings)))
    return _write(out, result, sections, sources, quick=quick, missing=missing)


def _check_numbers(n_networks, max_iter, seed):
    for name, value, least in (
        ("n_networks", n_networks, 1),
        ("max_iter", max_iter, 1),
        ("seed", seed, 0),
    ):
        if value is not None and value < least:
            raise ValueError(f"{name} must be at least {least}, got {value}.")
    if seed >= 2**32:
        raise ValueError(f"seed must be below 2**32, got {seed}.")


def _writable_folder(out):
    """Make the folders, and write and remove a file in each, before hours are spent."""
    out = Path(out)
    try:
        for folder in (out, out / "tables"):
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / f".{uuid.uuid4().hex}.tmp"
            probe.touch()
            probe.unlink()
    except OSError as error:
        raise OSError(
            f"Cannot write to the folder out={str(out)!r}: {error.strerror or error}. Choose one"
            " that can be written to."
        ) from error
    return out


def _load(recording):
    """Return the recording or None, and in the latter case what to do about it."""
    try:
        return load_recording(recording), ""
    except OSError as error:
        missing = (
            f"The recording {recording} is not at hand, and the report is written without it. "
            + " ".join(str(error).split())
            + " Or set the environment variable NEUROSELECT_DATA to the data folder that has it."
        )
        warnings.warn(missing, stacklevel=3)
        return None, missing


def _command(settings):
    options = {"n_networks": "n-networks", "max_iter": "max-iter"}
    parts = [f"--{options.get(name, name)} {shlex.quote(str(v))}" for name, v in settings.items()]
    return " ".join(["neuroselect report", *parts])


def _write(
    out: Path,
    result: StudyResult,
    sections: list[Section],
    sources: dict[str, str],
    *,
    quick: bool,
    missing: str,
) -> Path:
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = files("neuroselect.report").joinpath("page.html.jinja").read_text(encoding="utf-8")
    page = environment.from_string(template).render(
        study=result.study,
        recording=result.recording,
        findings=findings(result),
        sections=sections,
        sources=sources,
        quick=quick,
        missing=missing,
        n_networks=len(result.networks),
        n_passes=result.networks[0].max_iter,
    )
    page = page.replace(" ± ", "\u00a0±\u00a0")  # no line break inside a number
    for section in sections:
        for table in section.tables:
            _replace(out / table.file, table.csv())
    _replace(out / "index.html", page)
    return out / "index.html"


def _replace(path, text):
    """Write beside the file and rename: a reader never sees half of it."""
    beside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        beside.write_text(text, encoding="utf-8", newline="\n")
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
