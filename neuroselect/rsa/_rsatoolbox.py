"""RDMs with labels as those of rsatoolbox, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch

from neuroselect.recordings._checks import check_table
from neuroselect.rsa._compare import as_rdms
from neuroselect.rsa._pairs import n_conditions_of
from neuroselect.utils._optional import import_optional

if TYPE_CHECKING:
    import pandas as pd

    Table = pd.DataFrame | Mapping[str, Any]


def to_rsatoolbox(
    rdms: ArrayLike,
    conditions: Table | None = None,
    systems: Table | None = None,
    *,
    metric: str | None = None,
) -> Any:
    """Turn condensed RDMs into those of rsatoolbox, for its inference and its pictures.

    Parameters
    ----------
    rdms : array-like of shape (n_systems, n_pairs)
        Condensed RDMs; the values are not changed. rsatoolbox has squared distances divided by the
        number of channels where this package has Euclidean ones.
    conditions : DataFrame or mapping of columns, default=None
        One row per condition: the `pattern_descriptors`.
    systems : DataFrame or mapping of columns, default=None
        One row per system (subject, session, network, ...): the `rdm_descriptors`.
    metric : str, default=None
        Name of the dissimilarity.

    Returns
    -------
    rdms : rsatoolbox.rdm.RDMs
        With the descriptor "index" that rsatoolbox adds where there is none.

    Raises
    ------
    ImportError
        If rsatoolbox is not installed.
    ValueError
        If lengths do not belong together.

    See Also
    --------
    from_rsatoolbox : The way back.
    neuroselect.recordings.to_rsatoolbox : The same for recordings.

    Examples
    --------
    >>> from neuroselect.rsa import to_rsatoolbox
    >>> to_rsatoolbox([[1.0, 4.0, 2.0]], {"name": ["face", "house", "cat"]}).n_cond
    3
    """
    rsatoolbox = import_optional("rsatoolbox.rdm", "rsatoolbox", "to_rsatoolbox")
    rdms = as_rdms(rdms, "rdms")
    n_conditions = n_conditions_of(rdms.shape[1])
    return rsatoolbox.RDMs(
        rdms.copy(),
        dissimilarity_measure=metric,
        pattern_descriptors=_descriptors(conditions, "conditions", n_conditions, "condition"),
        rdm_descriptors=_descriptors(systems, "systems", len(rdms), "RDM"),
    )


def from_rsatoolbox(rdms: Any) -> Bunch:
    """Turn RDMs of rsatoolbox into arrays with their labels.

    Parameters
    ----------
    rdms : rsatoolbox.rdm.RDMs
        RDMs.

    Returns
    -------
    result : :class:`~sklearn.utils.Bunch`
        rdms : ndarray of shape (n_systems, n_pairs)
            Condensed RDMs.
        conditions : DataFrame of shape (n_conditions, n_columns)
            The `pattern_descriptors`.
        systems : DataFrame of shape (n_systems, n_columns)
            The `rdm_descriptors`.
        metric : str or None
            The dissimilarity measure.

    Raises
    ------
    TypeError
        If `rdms` are none of rsatoolbox.

    See Also
    --------
    to_rsatoolbox : The way there.

    Examples
    --------
    >>> from neuroselect.rsa import from_rsatoolbox, to_rsatoolbox
    >>> there = to_rsatoolbox([[1.0, 4.0, 2.0]], {"name": ["face", "house", "cat"]})
    >>> from_rsatoolbox(there).conditions["name"].tolist()
    ['face', 'house', 'cat']
    """
    import pandas as pd

    if not hasattr(rdms, "get_vectors") or not hasattr(rdms, "pattern_descriptors"):
        raise TypeError(f"rdms must be RDMs of rsatoolbox, got {type(rdms).__name__}.")
    vectors = np.array(rdms.get_vectors(), dtype=np.float64)
    n_conditions = n_conditions_of(vectors.shape[1])
    return Bunch(
        rdms=vectors,
        conditions=pd.DataFrame(dict(rdms.pattern_descriptors), index=range(n_conditions)),
        systems=pd.DataFrame(dict(rdms.rdm_descriptors), index=range(len(vectors))),
        metric=rdms.dissimilarity_measure,
    )


def _descriptors(table: Table | None, name: str, n_rows: int, row: str) -> dict[str, Any] | None:
    if table is None:
        return None
    frame = check_table(table, name, n_rows, row)
    return {column: frame[column].tolist() for column in frame}
