"""Which model is most frequent in a group of subjects."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.integrate import quad_vec
from scipy.special import digamma, gammainc, gammaincinv, gammaln, logsumexp
from sklearn.utils import Bunch

PRIOR = 1.0  # one pseudo-subject for each model: all frequencies are equally likely


def bayesian_model_selection(
    log_evidence: ArrayLike, *, max_iter: int = 10_000, tol: float = 1e-10
) -> Bunch:
    """Random-effects Bayesian model selection across subjects [1]_, [2]_.

    Subjects may follow different models. The frequencies of the models have a uniform Dirichlet
    prior; their posterior is approximated by variational Bayes.

    Parameters
    ----------
    log_evidence : array-like of shape (n_subjects, n_models)
        Logarithm of the evidence of each model for each subject, in nats, such as ``-bic / 2`` or
        a cross-validated log likelihood summed over trials.
    max_iter : int, default=10000
        Updates at most.
    tol : float, default=1e-10
        Stop when no Dirichlet parameter changes by more than this.

    Returns
    -------
    result : Bunch
        frequencies : ndarray of shape (n_models,)
            Expected frequency of each model in the population.
        exceedance : ndarray of shape (n_models,)
            Probability that the model is more frequent than every other.
        protected_exceedance : ndarray of shape (n_models,)
            The same, averaged with the hypothesis that all models are equally frequent.
        omnibus_risk : float
            Posterior probability of that hypothesis.
        alpha : ndarray of shape (n_models,)
            Dirichlet parameters of the posterior.
        responsibilities : ndarray of shape (n_subjects, n_models)
            Probability that the subject follows the model.

    Raises
    ------
    ValueError
        If the evidence is not finite, or there are fewer than 2 models.

    See Also
    --------
    ChoiceModel : Whose `bic_` approximates -2 times the log evidence.

    References
    ----------
    .. [1] Stephan, Penny, Daunizeau, Moran & Friston (2009), NeuroImage 46, 1004-1017,
       :doi:`10.1016/j.neuroimage.2009.03.025`
    .. [2] Rigoux, Stephan, Friston & Daunizeau (2014), NeuroImage 84, 971-985,
       :doi:`10.1016/j.neuroimage.2013.08.065`

    Examples
    --------
    >>> from neuroselect.behavior import bayesian_model_selection
    >>> result = bayesian_model_selection([[0.0, -9.0]] * 8 + [[-9.0, 0.0]] * 2)
    >>> result.frequencies.round(2), result.exceedance.round(2)
    (array([0.75, 0.25]), array([0.97, 0.03]))
    """
    evidence = np.asarray(log_evidence, dtype=np.float64)
    if evidence.ndim != 2 or evidence.shape[1] < 2 or not len(evidence):
        raise ValueError(
            "log_evidence must have shape (n_subjects, n_models) with 2 or more models, got"
            f" {evidence.shape}."
        )
    if not np.isfinite(evidence).all():
        raise ValueError("log_evidence must be finite; leave out subjects without a fit.")
    evidence = evidence - evidence.max(axis=1, keepdims=True)
    n_models = evidence.shape[1]
    alpha = np.full(n_models, PRIOR + len(evidence) / n_models)
    for _ in range(max_iter):
        responsibilities = _responsibilities(evidence, alpha)
        before, alpha = alpha, PRIOR + responsibilities.sum(axis=0)
        if abs(alpha - before).max() <= tol:
            break
    equal = (logsumexp(evidence, axis=1) - np.log(n_models)).sum()
    # The bound never exceeds the evidence that frequencies differ.
    risk = 1 / (1 + np.exp(np.clip(free_energy(evidence, alpha) - equal, -700, 700)))
    exceedance = dirichlet_exceedance(alpha)
    return Bunch(
        frequencies=alpha / alpha.sum(),
        exceedance=exceedance,
        protected_exceedance=(1 - risk) * exceedance + risk / n_models,
        omnibus_risk=float(risk),
        alpha=alpha,
        responsibilities=_responsibilities(evidence, alpha),
    )


def _responsibilities(evidence, alpha) -> NDArray[np.float64]:
    log = evidence + digamma(alpha)
    return np.exp(log - logsumexp(log, axis=1, keepdims=True))


def free_energy(evidence: NDArray[np.float64], alpha: NDArray[np.float64]) -> float:
    """Variational lower bound of the log evidence of the random-effects model."""
    prior = np.full_like(alpha, PRIOR)
    log_frequency = digamma(alpha) - digamma(alpha.sum())
    per_subject = logsumexp(evidence + log_frequency, axis=1).sum()
    divergence = _log_normaliser(prior) - _log_normaliser(alpha) + (alpha - prior) @ log_frequency
    return float(per_subject - divergence)


def _log_normaliser(alpha: NDArray[np.float64]) -> float:
    return gammaln(alpha).sum() - gammaln(alpha.sum())


def dirichlet_exceedance(alpha: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probability of each Dirichlet component to be the largest, by quadrature.

    Components are gamma variables over their sum, so that component k is the largest where all
    other gamma variables are below it: an integral over the quantiles of that one.
    """

    def below(quantile):
        x = gammaincinv(alpha, quantile)  # (n_models,)
        others = gammainc(alpha[:, np.newaxis], x)  # model, at the variable of component k
        np.fill_diagonal(others, 1.0)
        return others.prod(axis=0)

    probability, _ = quad_vec(below, 0, 1, epsabs=1e-10, epsrel=1e-8, limit=2000)
    return probability / probability.sum()
