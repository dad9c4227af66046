"""How the variance of populations is spread over their principal axes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from neuroselect.displays._style import INK, MARKERS, PALETTE, make_axes, tidy


class SpectrumDisplay:
    """Share of the variance on each principal axis: a line of means, a band over systems.

    Parameters
    ----------
    spectra : array-like of shape (n_components,) or (n_systems, n_components)
        Shares or variances of each component, largest first, as of
        :func:`~neuroselect.geometry.explained_variance` or
        :func:`~neuroselect.geometry.cross_validated_pca`. Each is divided by its sum.
    groups : array-like of shape (n_systems,), default=None
        What to tell systems apart by, e.g. the scale of their initial weights; None draws one
        group.
    participation_ratios : array-like of shape (n_systems,), default=None
        Marked on the horizontal axis, the mean of each group.
    group_name : str, default=""
        What the groups are.
    coverage : float, default=0.9
        Share of the systems between the edges of the band, from 0 to 1.

    Attributes
    ----------
    names_ : list of n_groups values
        The groups, sorted.
    means_, low_, high_ : ndarray of shape (n_groups, n_components)
        Mean share, and the edges of the band.
    ratios_ : ndarray of shape (n_groups,) or None
        Mean participation ratio.
    lines_ : list of n_groups matplotlib lines
    ax_, figure_
        Set by `plot`.

    See Also
    --------
    neuroselect.geometry.participation_ratio : The spectrum in one number.
    neuroselect.geometry.n_components_for : Components for a share of the variance.

    Examples
    --------
    >>> from neuroselect.displays import SpectrumDisplay
    >>> display = SpectrumDisplay([[0.5, 0.5], [0.9, 0.1]], coverage=1)
    >>> display.means_
    array([[0.7, 0.3]])
    >>> display.low_, display.high_
    (array([[0.5, 0.1]]), array([[0.9, 0.5]]))
    """

    def __init__(
        self,
        spectra: ArrayLike,
        *,
        groups: ArrayLike | None = None,
        participation_ratios: ArrayLike | None = None,
        group_name: str = "",
        coverage: float = 0.9,
    ):
        self.spectra = np.atleast_2d(np.asarray(spectra, dtype=np.float64))
        self.group_name, self.coverage = group_name, coverage
        if self.spectra.ndim != 2 or 0 in self.spectra.shape:
            raise ValueError(
                "spectra must have shape (n_components,) or (n_systems, n_components), got"
                f" {self.spectra.shape}."
            )
        n_systems = len(self.spectra)
        self.groups = np.zeros(n_systems) if groups is None else np.asarray(groups)
        ratios = participation_ratios
        self.ratios = None if ratios is None else np.atleast_1d(np.asarray(ratios, np.float64))
        for name, value in (("groups", self.groups), ("participation_ratios", self.ratios)):
            if value is not None and value.shape != (n_systems,):
                raise ValueError(
                    f"{name} must have one value for each of the {n_systems} systems, got shape"
                    f" {value.shape}."
                )
        if not 0 <= coverage <= 1:
            raise ValueError(f"coverage must be from 0 to 1, got {coverage!r}.")
        if not (self.spectra.sum(axis=1) > 0).all():
            bad = np.flatnonzero(~(self.spectra.sum(axis=1) > 0))[0]
            raise ValueError(f"The spectrum of system {bad} has no variance. Leave the system out.")
        self.named = groups is not None
        self.names_ = np.unique(self.groups).tolist()
        self.means_, self.low_, self.high_ = self._summary(self._shares())
        self.ratios_ = None
        if self.ratios is not None:
            self.ratios_ = np.array([self.ratios[self.groups == g].mean() for g in self.names_])

    @classmethod
    def from_activity(cls, activity: ArrayLike, *, center: bool = True, **kwargs):
        """Compute the spectra and participation ratios of activity.

        Parameters
        ----------
        activity : array-like of shape (n_trials, n_units) or (n_systems, n_trials, n_units)
            Activity of one population, or of several with equally many units.
        center : bool, default=True
            Subtract each unit's mean over trials.
        **kwargs
            Passed to the constructor.

        Returns
        -------
        display : SpectrumDisplay
        """
        from neuroselect.geometry import explained_variance, participation_ratio

        ratios = participation_ratio(activity, center=center)
        spectra = explained_variance(activity, center=center)
        return cls(spectra, participation_ratios=ratios, **kwargs)

    def plot(
        self, ax=None, *, cumulative: bool = False, n_components: int | None = None
    ) -> SpectrumDisplay:
        """Draw a line and a band for each group.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        cumulative : bool, default=False
            Draw the share of each component and all before it.
        n_components : int, default=None
            Number of components to draw; None: all.

        Returns
        -------
        self : SpectrumDisplay
        """
        self.ax_ = ax = make_axes(ax)
        self.figure_ = ax.figure
        tidy(ax, grid="y")
        shown = slice(0, n_components)
        curves = self._summary(self._shares(cumulative))
        x = np.arange(1, curves[0].shape[1] + 1)[shown]
        self.lines_ = []
        for k, name in enumerate(self.names_):
            mean, low, high = (curve[k, shown] for curve in curves)
            color, marker = PALETTE[k % len(PALETTE)], MARKERS[k % len(MARKERS)]
            ax.fill_between(x, low, high, color=color, alpha=0.15, linewidth=0)
            label = f"{name:g}" if isinstance(name, float) else str(name)
            style = {"marker": marker, "markersize": 4, "label": label, "color": color}
            self.lines_ += ax.plot(x, mean, **style)
        total = "cumulative share of variance" if cumulative else "share of variance"
        ax.set(xlabel="principal component", ylabel=total, ylim=(min(0, ax.get_ylim()[0]), None))
        if cumulative:
            ax.set_ylim(top=1.02)
        ax.xaxis.get_major_locator().set_params(integer=True)
        self._mark_ratios()
        if self.named:
            ax.legend(title=self.group_name or None, frameon=False)
        return self

    def _shares(self, cumulative=False):
        shares = self.spectra / self.spectra.sum(axis=1, keepdims=True)
        return shares.cumsum(axis=1) if cumulative else shares

    def _summary(self, shares):
        edges = [(1 - self.coverage) / 2, (1 + self.coverage) / 2]
        members = [shares[self.groups == name] for name in self.names_]
        low, high = np.stack([np.quantile(group, edges, axis=0) for group in members], axis=1)
        return np.array([group.mean(axis=0) for group in members]), low, high

    def _mark_ratios(self):
        """Triangles and dotted lines where the participation ratios lie."""
        if self.ratios_ is None:
            return
        ax, across = self.ax_, self.ax_.get_xaxis_transform()
        for k, ratio in enumerate(self.ratios_):
            color = PALETTE[k % len(PALETTE)]
            ax.axvline(ratio, color=color, linestyle=":", linewidth=1)
            ax.plot([ratio], [1.0], "v", color=color, transform=across, clip_on=False)
        last = self.ratios_.max()
        left = last < np.mean(ax.get_xlim())
        ax.annotate(
            "participation ratio", (last, 1.0), xycoords=across, xytext=(7 if left else -7, 3),
            textcoords="offset points", ha="left" if left else "right", color=INK, fontsize="small",
        )  # fmt: skip
