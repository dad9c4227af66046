"""Grid search over networks: BatchedGridSearchCV beside scikit-learn's GridSearchCV.

Both search the same grid of initial scales and seeds over five folds, one thread each, in one
run. Prints seconds, the ratio, and how far the scores are apart.

    python benchmarks/bench_grid_search.py [--seeds 10] [--max-iter 300]
"""

import argparse
import time

import numpy as np
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_limits

from neuroselect import BatchedGridSearchCV, MultiTaskMLP
from neuroselect.datasets import make_arithmetic_tasks, make_context_blobs


def compare(name, net, grid, X, y):
    """Run both searches and print."""
    results = {}
    for cls in (GridSearchCV, BatchedGridSearchCV):
        with threadpool_limits(1):
            start = time.perf_counter()
            search = cls(net, grid, refit=False).fit(X, y)
            results[cls] = time.perf_counter() - start, search.cv_results_["mean_test_score"]
    (plain, expected), (batched, scores) = results.values()
    n_fits = 5 * len(scores)
    gap = np.abs(scores - expected).max()
    print(f"{name}: {n_fits} fits, GridSearchCV {plain:.2f} s, batched {batched:.2f} s,", end=" ")
    print(f"ratio {plain / batched:.1f}x, largest difference of scores {gap:.1e}")
    assert gap < 1e-8


def main():
    """Full batch and mini-batches."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--max-iter", type=int, default=300)
    args = parser.parse_args()
    grid = {"init_scale": [0.1, 0.3, 1.0], "random_state": list(range(args.seeds))}
    net = MultiTaskMLP((100,), max_iter=args.max_iter)
    compare("blobs, full batch", net, grid, *make_context_blobs())
    net = MultiTaskMLP((50, 50), batch_size=10, max_iter=max(1, args.max_iter // 60))
    compare("arithmetic, batches of 10", net, grid, *make_arithmetic_tasks(500, random_state=0))


if __name__ == "__main__":
    main()
