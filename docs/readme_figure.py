"""Draw the README's figure: single units and geometry, from rich to lazy.

    python docs/readme_figure.py [--n-networks 10] [--jobs 2]

The recording is fetched if it is not at hand.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from neuroselect import RDMRegression, RDMTransformer, fit_many, model_rdms, unit_classes
from neuroselect.datasets import fetch_mante_monkey_a
from neuroselect.displays import SweepDisplay
from neuroselect.studies import get_study

MODELS = ("grid", "orthogonal", "parallel")


def betas(patterns, conditions, features, task):
    """Regress the RDMs of systems on the model RDMs, tasks one level apart."""
    models = model_rdms(conditions, features, task, models=MODELS, context_offset=1.0)
    return RDMRegression(models).fit_transform(RDMTransformer().fit_transform(patterns))


def main():
    """Train the sweep, measure, draw."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--n-networks", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()

    study = get_study("rich-lazy")
    trials = study.tasks()
    estimators, grid = study.estimators(args.n_networks, 10_000, 0, "cpu")
    nets = fit_many(estimators, trials.data, trials.target, n_jobs=args.jobs, verbose=1)
    activity = np.stack([net.activations(trials.data) for net in nets])

    classes = unit_classes(activity, trials.data[:, -1])
    counts = {"mixed": (classes == "mixed").sum(1), "silent": (classes == "silent").sum(1)}
    counts["one task"] = classes.shape[1] - counts["mixed"] - counts["silent"]
    networks = betas(activity, trials.conditions, ["leafiness", "branchiness"], "task")
    macaque = fetch_mante_monkey_a()
    recorded = betas(macaque.data[None], macaque.conditions, ["colour", "motion"], "context")[0]

    fig, axes = plt.subplots(1, 2, figsize=(10.4, 3.7), layout="constrained")
    SweepDisplay(grid["init_scale"], counts, ylabel="hidden units of 100").plot(axes[0])
    SweepDisplay(
        grid["init_scale"],
        dict(zip(MODELS, networks.T, strict=True)),
        references=dict(zip(MODELS, recorded, strict=True)),
        reference_name="macaque prefrontal cortex",
        ylabel="beta of the model RDM",
    ).plot(axes[1])
    fig.savefig(Path(__file__).with_suffix(".png"), dpi=150)


if __name__ == "__main__":
    main()
