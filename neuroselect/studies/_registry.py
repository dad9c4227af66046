"""The studies by name."""

from neuroselect.studies._arithmetic import ARITHMETIC
from neuroselect.studies._continual import CONTINUAL
from neuroselect.studies._digits import DIGITS
from neuroselect.studies._rich_lazy import RICH_LAZY
from neuroselect.studies._study import Study

STUDIES = {study.name: study for study in (RICH_LAZY, DIGITS, ARITHMETIC, CONTINUAL)}


def get_study(name: str) -> Study:
    """Return the study of this name.

    Parameters
    ----------
    name : {"rich-lazy", "digits", "arithmetic", "continual"}
        "rich-lazy" is the sweep of initial weight scales of [1]_; "digits" are four tasks on
        images of digits, trained interleaved or one after the other [2]_; "arithmetic" are two
        tasks on two numbers: similar or not, in narrow networks, with a late cue, with replay
        and with biased training [2]_, and the importance of units by several estimators;
        "continual" are two rules for the same stimuli, blocked or interleaved, in networks with and
        without gating by the context, beside people [3]_.

    Returns
    -------
    study : Study
        The experiment as data.

    Raises
    ------
    ValueError
        If there is no study of this name.

    References
    ----------
    .. [1] Flesch, Juechems, Dumbalska, Saxe & Summerfield (2022), Neuron 110, 1258-1270,
       :doi:`10.1016/j.neuron.2022.01.005`
    .. [2] T. George (2020), "What makes neurons picky?",
       https://github.com/TomGeorge1234/WhatMakesNeuronsPicky
    .. [3] Flesch, Nagy, Saxe & Summerfield (2023), PLOS Computational Biology 19, e1010808,
       :doi:`10.1371/journal.pcbi.1010808`

    Examples
    --------
    >>> from neuroselect.studies import get_study
    >>> study = get_study("rich-lazy")
    >>> networks, grid = study.estimators(n_networks=2, max_iter=100, seed=0, device="cpu")
    >>> len(networks), grid["init_scale"].unique()
    (16, array([0.01, 0.1 , 0.2 , 0.3 , 0.4 , 1.  , 2.  , 3.  ]))
    """
    if name not in STUDIES:
        known = ", ".join(map(repr, STUDIES))
        raise ValueError(f"Unknown study {name!r}. The known studies are: {known}.")
    return STUDIES[name]
