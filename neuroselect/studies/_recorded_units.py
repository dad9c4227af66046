"""Single recorded units: what they respond to, and what a decoder loses without each."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neuroselect.recordings import is_long
from neuroselect.selectivity import LesionSelectivity, MixedSelectivity, unit_classes

if TYPE_CHECKING:
    import pandas as pd

    from neuroselect.studies._recordings import Recording

TOLERANCES = (0.0, 0.1, 0.5)  # shares of the mean response over units and conditions
CLASSES = ("silent", "first_task", "second_task", "mixed")
N_FOLDS = 5
MOST_WORK = 2e10  # trials x units², about a minute of lesions


class Decoder(NamedTuple):
    """Lesions of a decoder of the relevant factor."""

    r2: dict[str, float]  # task -> cross-validated
    n_trials: int
    units: pd.DataFrame  # one row per unit: label, importance for each task, relative
    threshold: float
    cutoff: float


class RecordedUnits(NamedTuple):
    """What single recorded units are like.

    Attributes
    ----------
    classes : DataFrame or None
        Number of units in each class, one row per tolerance; None if responses are below 0.
    tuning : DataFrame or None
        Number and share of units in each class of :class:`MixedSelectivity`; None without single
        trials, or too few of them.
    decoder : Decoder or None
        None without single trials of units recorded together.
    why_not : str
        Why there is no decoder.
    """

    classes: pd.DataFrame | None
    tuning: pd.DataFrame | None
    decoder: Decoder | None
    why_not: str


def describe_recorded_units(recording: Recording) -> RecordedUnits:
    """Classify recorded units, and lesion a decoder of them where there are single trials.

    Parameters
    ----------
    recording : Recording

    Returns
    -------
    units : RecordedUnits
    """
    why_not = _no_decoder(recording)
    decoder = None if why_not else _decoder(recording)
    return RecordedUnits(_classes(recording), _tuning(recording), decoder, why_not)


def _classes(recording: Recording) -> pd.DataFrame | None:
    import pandas as pd

    if (recording.data < 0).any():
        return None
    codes = np.unique(recording.conditions[recording.task], return_inverse=True)[1]
    rows = []
    for share in TOLERANCES:
        tolerance = share * recording.data.mean()
        classes = unit_classes(recording.data, codes, tolerance=tolerance)
        counts = {
            name: int((classes == code).sum())
            for name, code in zip(CLASSES, ("silent", "0", "1", "mixed"), strict=True)
        }
        rows.append({"share": share, "threshold": tolerance, **counts})
    return pd.DataFrame(rows)


def _tuning(recording: Recording) -> pd.DataFrame | None:
    import pandas as pd

    names = [recording.task, *recording.features]
    if recording.trials is None:
        return None
    try:
        fitted = MixedSelectivity().fit(recording.trials, names)
    except ValueError:  # more terms than trials, or conditions that leave terms undetermined
        return None
    classes = ["untuned", *(f"pure {name}" for name in names), "linear mixed", "nonlinear mixed"]
    if (fitted.unit_labels_ == "undetermined").any():
        classes.append("undetermined")
    counts = [int((fitted.unit_labels_ == name).sum()) for name in classes]
    shares = np.divide(counts, len(fitted.unit_labels_))
    return pd.DataFrame({"class": classes, "units": counts, "share": shares})


def _no_decoder(recording: Recording) -> str:
    """Say why a decoder cannot be lesioned; empty if it can."""
    if recording.trials is None:
        return "the recording has condition means only, no single trials"
    if is_long(recording.trials):
        return "its units were not recorded together"
    data = np.asarray(recording.trials.data)
    n_missing = int(np.isnan(data).any(axis=1).sum())
    if n_missing:
        return f"in {n_missing} of {len(data)} trials the response of some unit is missing"
    fewest = np.bincount(recording.trials.trials[recording.task]).min()
    if fewest < 2 * N_FOLDS:
        return f"one of the tasks has {fewest} trials, fewer than {2 * N_FOLDS}"
    if len(data) * data.shape[1] ** 2 > MOST_WORK:
        return f"{data.shape[1]} units in {len(data)} trials would take too long"
    return ""


def _decoder(recording: Recording) -> Decoder:
    import pandas as pd
    from sklearn.linear_model import RidgeCV
    from sklearn.metrics import r2_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    trials = recording.trials.trials
    task = trials[recording.task].to_numpy()
    y = trials[list(recording.features)].to_numpy()[np.arange(len(task)), task]
    X = np.column_stack([_standardised(np.asarray(recording.trials.data)), task])
    model = make_pipeline(FunctionTransformer(_per_task), RidgeCV(np.logspace(-2, 6, 17)))
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=0).split(X, task)
    predicted = cross_val_predict(model, X, y, cv=list(folds))
    lesions = LesionSelectivity(model, lesion_value="mean").fit(X, y, task=-1)
    labels = dict(zip(lesions.tasks_.astype(str), recording.task_names, strict=True))
    table = pd.DataFrame(lesions.importances_, columns=["first_task", "second_task"])
    table.insert(0, "label", [labels.get(label, label) for label in lesions.unit_labels_])
    table["relative_importance"] = lesions.relative_importance_[:, 0]
    return Decoder(
        r2={
            name: float(r2_score(y[task == k], predicted[task == k]))
            for k, name in enumerate(recording.task_names)
        },
        n_trials=len(X),
        units=table,
        threshold=lesions.threshold,
        cutoff=lesions.cutoff,
    )


def _standardised(data: NDArray) -> NDArray[np.float64]:
    """Z-score each unit over trials; one without variance is 0."""
    centred = data - data.mean(axis=0)
    std = centred.std(axis=0)
    return np.divide(centred, std, out=np.zeros_like(centred, dtype=np.float64), where=std > 0)


def _per_task(X: NDArray) -> NDArray:
    """Give each task weights of its own: the units' columns once per task, and an intercept."""
    units, task = X[:, :-1], X[:, -1:]
    columns = [np.hstack([units, np.ones_like(task)]) * (task == code) for code in (0, 1)]
    return np.hstack(columns)
