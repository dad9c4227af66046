"""Cut many jobs into stacks of bounded memory."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from neuroselect._engine._batches import KNOWN_CURRICULA, is_full_batch
from neuroselect._engine._spec import Job, TrainingSpec

# Parameters, gradients and activity of a stack should stay in a core's cache: measured
# optimum around 4 MiB on CPUs. An accelerator wants launches that are worth their overhead.
AUTO_BYTES = {"cpu": 4 * 2**20, "cuda": 512 * 2**20, "mps": 256 * 2**20}
# Copies of maps stream past whatever the size of the stack: measured optimum on CPUs.
AUTO_CONV_BYTES = {**AUTO_BYTES, "cpu": 16 * 2**20}


def network_bytes(spec: TrainingSpec, own_trials: bool) -> int:
    """Bytes of one network's weights, gradients and activity in training.

    The optimiser's moments are left out: they stream past, once a step.
    """
    network = spec.network
    sizes = network.sizes
    n_parameters = sum(a * b + b for a, b in pairwise(sizes))
    n_cued = network.n_tasks * sizes[network.context_layer + 1]
    n_parameters += n_cued * (2 if network.gates else 1)
    n_rows = spec.batch_size or spec.n_trials
    n_values = 2 * n_parameters + 2 * n_rows * sum(sizes[1:])
    n_stimuli = sizes[0]
    if network.conv is not None:
        n_stimuli = network.conv.n_pixels
        n_values += n_rows * network.conv.n_values
    if own_trials:
        n_values += spec.n_trials * (n_stimuli + network.n_tasks + 2)
    return n_values * np.dtype(spec.dtype).itemsize


def make_chunks(jobs: list[Job], chunk_bytes="auto") -> list[list[int]]:
    """Positions of the jobs, grouped by specification and cut by bytes.

    The cut depends on the jobs alone, not on the number of processes: float32 results
    would follow it.
    """
    groups: dict = {}
    for k, job in enumerate(jobs):
        known = isinstance(job.spec.curriculum, KNOWN_CURRICULA)
        # Whatever a user's own curriculum yields, networks of a stack take steps of one size.
        groups.setdefault((job.spec if known else k), []).append(k)
    chunks = []
    for members in groups.values():
        spec = jobs[members[0]].spec
        n_distinct = len({id(jobs[k].trials) for k in members})
        auto = AUTO_CONV_BYTES if spec.network.n_conv else AUTO_BYTES
        budget = auto[spec.device] if chunk_bytes == "auto" else chunk_bytes
        own_trials = n_distinct > 1 and is_full_batch(spec)
        size = max(1, int(budget // network_bytes(spec, own_trials)))
        n_chunks = -(-len(members) // size)
        if n_chunks > 1:
            # An even number divides well among processes, however many they are.
            n_chunks = min(n_chunks + n_chunks % 2, len(members))
        chunks += [part.tolist() for part in np.array_split(members, n_chunks)]
    return chunks
