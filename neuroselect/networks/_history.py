"""What was recorded while a network trained, and what to record."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils import Bunch

from neuroselect._engine._record import OF_TASKS, RECORDABLE, activity_bytes
from neuroselect._engine._spec import Job, RecordSpec

if TYPE_CHECKING:
    import pandas as pd

MAX_BYTES = 4 * 2**30

# Columns of the table, by the name of what they hold.
COLUMNS = {
    "task_losses": "task_loss",
    "task_scores": "task_score",
    "sign_accuracy": "sign_accuracy",
    "weight_norms": "weight_norm",
    "weight_distances": "weight_distance",
}


class TrainingHistory(Bunch):
    """States of a network during training: a dictionary whose keys are attributes, too.

    Attributes
    ----------
    passes : ndarray of shape (n_records,)
        Number of passes made before each record; 0 is before training.
    tasks : ndarray of shape (n_tasks,)
        Tasks, as ``tasks_`` of the network.
    layers : list of str
        Weights, layer by layer from "0", the output's last; "context" are those of the cue.
    task_losses, task_scores, sign_accuracy : ndarray of shape (n_records, n_tasks)
        See ``record`` of `MultiTaskMLP`; each is there if it was asked for.
    weight_norms, weight_distances : ndarray of shape (n_records, n_layers)
    activations : ndarray of shape (n_records, n_trials, n_units)

    Examples
    --------
    >>> from neuroselect import MultiTaskMLP
    >>> from neuroselect.datasets import make_context_blobs
    >>> X, y = make_context_blobs()
    >>> net = MultiTaskMLP((20,), learning_rate_init=0.02, record="task_losses", random_state=0)
    >>> history = net.fit(X, y).history_
    >>> history.passes.shape, history.task_losses.shape
    ((201,), (201, 2))
    >>> history.to_frame().columns.tolist()
    ['pass', 'task_loss_0', 'task_loss_1']
    """

    def to_frame(self) -> pd.DataFrame:
        """Return all but the activity as a table.

        Returns
        -------
        table : DataFrame
            One row for each record with the columns pass, and where recorded task_loss_A,
            task_score_A and sign_accuracy_A for each task A, weight_norm_L and
            weight_distance_L for each layer L (0, 1, ..., and context).
        """
        import pandas as pd

        table = {"pass": self.passes}
        for name, column in COLUMNS.items():
            if name in self:
                labels = self.tasks if name in OF_TASKS else self.layers
                for k, label in enumerate(labels):
                    table[f"{column}_{label}"] = self[name][:, k]
        return pd.DataFrame(table)


def make_history(
    job: Job, recorded: dict[str, np.ndarray], earlier: dict[str, Any] | None
) -> dict[str, Any]:
    """Join what was recorded with what was recorded earlier, and with names."""
    network = job.spec.network
    if not job.spec.record.afresh:
        recorded = {k: np.concatenate([earlier[k], values]) for k, values in recorded.items()}
    layers = [str(k) for k in range(network.n_conv + network.n_weights)]
    layers += ["context"] * (network.n_tasks > 0)
    return {"tasks": job.trials.tasks, "layers": layers, **recorded}


def record_spec(estimator, last: int) -> RecordSpec | None:
    """Read ``record`` and ``record_every``; ``last`` is the highest number of a pass."""
    if estimator.record is None:
        return None
    given = estimator.record
    names = (given,) if isinstance(given, str) else tuple(given)
    unknown = [name for name in names if name not in RECORDABLE]
    if unknown or not names:
        raise ValueError(
            f"record must be None, one or several of {', '.join(map(repr, RECORDABLE))}; got"
            f" {given!r}."
        )
    if "sign_accuracy" in names and estimator.loss == "cross_entropy":
        raise ValueError(
            "record='sign_accuracy' compares the signs of outputs and targets, but this network has"
            f" classes (loss={estimator.loss!r}). Record 'task_scores', their accuracy."
        )
    names = tuple(name for name in RECORDABLE if name in names)
    return RecordSpec(names, _chosen_passes(estimator.record_every, last))


def _chosen_passes(every, last: int) -> int | tuple[int, ...]:
    if isinstance(every, Integral):
        return int(every)
    passes = list(np.ravel(np.asarray(every, dtype=object)))
    whole = all(isinstance(p, Integral) and not isinstance(p, bool) for p in passes)
    if not passes or not whole or min(passes) < 0 or max(passes) > last:
        raise ValueError(
            "record_every must be an integer of at least 1 (every k-th pass), or hold numbers of"
            f" passes from 0 (before training) to {last} (the last one); got {every!r}."
        )
    return tuple(sorted({int(p) for p in passes}))


def check_activity_fits(jobs: Sequence[Job]) -> None:
    """Refuse to record more activity than is sensible to hold."""
    needed = sum(activity_bytes(job.spec) for job in jobs)
    if needed > MAX_BYTES:
        raise ValueError(
            f"record='activations' would hold {needed / 2**30:.1f} GiB of activity, more than"
            f" {MAX_BYTES / 2**30:g} GiB: trials times units of the last hidden layer, for each"
            " recorded pass of each network. Choose passes, such as record_every="
            f"[0, {jobs[0].spec.max_iter}], or train fewer networks at once."
        )
