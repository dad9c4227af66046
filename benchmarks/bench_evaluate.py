"""Is inference on models faster than rsatoolbox's dual bootstrap, and the same?

R5: 20 subjects, 92 conditions, 5 models, 1,000 bootstrap samples of subjects and conditions (both,
and either alone), noise ceilings in every sample. rsatoolbox draws few samples, and its time is
multiplied. Agreement: similarities in shared samples of conditions, and noise ceilings.

    python benchmarks/bench_evaluate.py --comparison cosine
"""

import argparse
import contextlib
import io
import time

import numpy as np
from rsatoolbox.inference import boot_noise_ceiling, eval_dual_bootstrap
from rsatoolbox.model import ModelFixed
from rsatoolbox.rdm import RDMs, compare
from threadpoolctl import threadpool_limits

from neuroselect.rsa import model_comparison
from neuroselect.rsa._resampling import draw_counts
from neuroselect.rsa._similarities import WeightedSimilarities

N_SUBJECTS, N_CONDITIONS, N_MODELS, N_SAMPLES = 20, 92, 5, 1000


def made(seed):
    rng = np.random.default_rng(seed)
    n_pairs = N_CONDITIONS * (N_CONDITIONS - 1) // 2
    models = rng.uniform(size=(N_MODELS, n_pairs))
    return models, models[0] + models[1:].mean(0) + rng.uniform(size=(N_SUBJECTS, n_pairs))


def timed(run):
    start = time.perf_counter()
    result = run()
    return time.perf_counter() - start, result


def theirs(models, rdms, comparison, n_samples):
    fixed = [ModelFixed(str(k), model) for k, model in enumerate(models)]
    with contextlib.redirect_stderr(io.StringIO()):
        return eval_dual_bootstrap(
            fixed, RDMs(rdms), method=comparison, k_pattern=1, k_rdm=1, N=n_samples
        )


def worst_difference(models, rdms, comparison):
    """Largest difference of similarities and noise ceilings in three shared samples."""
    counts = draw_counts(N_CONDITIONS, 3, 3, np.random.RandomState(0))
    similarities = WeightedSimilarities(models[:, None], rdms, comparison)
    ((_, table, _),) = similarities.blocks(counts, among_rdms=False)
    worst = 0.0
    for sample, found in zip(counts, table, strict=True):
        drawn = np.repeat(np.arange(N_CONDITIONS), sample)
        cut = [RDMs(x).subsample_pattern("index", drawn) for x in (models, rdms)]
        worst = max(worst, abs(found[:, 0] - compare(*cut, method=comparison)).max())
    ours = model_comparison(models, rdms, comparison=comparison, n_samples=2).ceiling
    return max(worst, abs(np.subtract(ours, boot_noise_ceiling(RDMs(rdms), comparison))).max())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--comparison", default="cosine", choices=["cosine", "corr"])
    parser.add_argument("--theirs", type=int, default=5, help="samples drawn by rsatoolbox")
    options = parser.parse_args()
    models, rdms = made(0)
    with threadpool_limits(1):
        seconds = []
        for seed in range(3):
            ours, result = timed(
                lambda seed=seed: model_comparison(
                    models, rdms, resample="both", comparison=options.comparison,
                    n_samples=N_SAMPLES, random_state=seed,
                )
            )  # fmt: skip
            seconds.append(ours)
        reference, other = timed(lambda: theirs(models, rdms, options.comparison, options.theirs))
        worst = worst_difference(models, rdms, options.comparison)
    ours, reference = float(np.median(seconds)), reference * N_SAMPLES / options.theirs
    print(
        f"R5 {options.comparison}: {N_SAMPLES} samples, {N_SUBJECTS} x {N_CONDITIONS} x {N_MODELS}"
    )
    print(
        f"  neuroselect {ours:.3f} s; rsatoolbox {reference:.1f} s (from {options.theirs} samples)"
    )
    print(f"  ratio {reference / ours:.0f} x; largest difference in shared samples {worst:.1e}")
    print(f"  dof {result.dof} and {other.dof}")
    assert worst <= 1e-10


if __name__ == "__main__":
    main()
