"""A study as data: what is asked, of which networks, and where it comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sklearn.utils import Bunch

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
    source, doi : str
        The publication that the design follows.
    tasks : callable
        ``tasks()`` makes the trials: a Bunch as of ``make_*(return_X_y=False)``, one trial per
        condition.
    features : tuple of str
        The two columns of the conditions that hold features, the one relevant in the first
        task first.
    estimators : callable
        ``estimators(n_networks, max_iter, seed, device)`` returns a list of unfitted
        networks and a DataFrame `grid` with one row for each of them: `init_scale`,
        `context_init_scale`, `network` (0 to ``n_networks - 1`` at each scale) and
        `random_state`.
    task : str
        The column of the conditions that holds the task.
    n_networks, max_iter : int
        Networks at each scale and passes in training, unless told otherwise.
    quick : mapping
        What a quick look takes in place of `n_networks` and `max_iter`.
    recording : str
        The recording that the networks are compared with, see `load_recording`.
    """

    name: str
    title: str
    question: str
    design: str
    source: str
    doi: str
    tasks: Callable[[], Bunch]
    features: tuple[str, str]
    estimators: Callable[[int, int, int, str], tuple[list, pd.DataFrame]]
    task: str = "task"
    n_networks: int = 5
    max_iter: int = 10_000
    quick: Mapping[str, Any] = field(default_factory=dict)
    recording: str = "none"
