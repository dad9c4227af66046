"""A study as data: what is asked, of which networks, and where it comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sklearn.utils import Bunch

from neuroselect.studies._two_features import measure_two_features

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Study:
    """An experiment by name.

    Attributes
    ----------
    name : str
        What `get_study` and the command line call it.
    title : str
        One line.
    question : str
        What is asked, in words.
    design : str
        What is done to answer it, in words.
    source : str
        The publication that the design follows.
    doi, url : str
        Where it is found; `url` for what has no DOI.
    tasks : callable
        ``tasks()`` makes the trials: a Bunch as of ``make_*(return_X_y=False)``. If it has
        `train`, the networks are trained on these trials only: booleans, one per trial, or the
        rows of each network, (n_networks, n_rows).
    estimators : callable
        ``estimators(n_networks, max_iter, seed, device)`` returns a list of unfitted
        networks and a DataFrame `grid` with one row for each of them.
    measure : callable
        ``measure(study, networks, grid, trials, recording, seconds)`` makes the result that
        `run_study` returns, a `StudyResult` unless told otherwise.
    features : tuple of str
        The two columns of the conditions that hold features, the one relevant in the first
        task first; for studies with such features.
    task : str
        The column of the conditions that holds the task.
    n_networks, max_iter : int
        Networks of each kind and passes in training, unless told otherwise.
    quick : mapping
        What a quick look takes in place of `n_networks`, `max_iter` and `images`.
    recording : str or None
        The recording that the networks are compared with, see `load_recording`; None if the
        study has no use for one.
    images : str or None
        The images that ``tasks(images)`` shows; None if `tasks` takes none.
    own_trials : bool
        Whether each network has trials of its own: ``tasks(grid)`` makes those of all networks
        of a grid, and says with `train` which are whose.
    """

    name: str
    title: str
    question: str
    design: str
    source: str
    tasks: Callable[..., Bunch]
    estimators: Callable[[int, int, int, str], tuple[list, pd.DataFrame]]
    doi: str = ""
    url: str = ""
    measure: Callable[..., Any] = measure_two_features
    features: tuple[str, ...] = ()
    task: str = "task"
    n_networks: int = 5
    max_iter: int = 10_000
    quick: Mapping[str, Any] = field(default_factory=dict)
    recording: str | None = "none"
    images: str | None = None
    own_trials: bool = False


def check_takes(study: Study, name: str, value: object) -> None:
    """Raise if the study has no use for a recording or for images, but they are named."""
    if getattr(study, name) is None and value not in (None, "none"):
        raise ValueError(
            f"The study {study.name!r} takes no {name}, got {name}={str(value)!r}. Leave it out."
        )
