"""Devices, dtypes and threads."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache

import numpy as np
import torch
from threadpoolctl import ThreadpoolController

DEVICES = ("cpu", "cuda", "mps", "auto")


def resolve_device(device: str, dtype) -> str:
    """Turn the parameter ``device`` into one that is there and computes in ``dtype``."""
    available = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    single = np.dtype(dtype) == np.float32
    if device == "auto":
        if available["cuda"]:
            return "cuda"
        return "mps" if available["mps"] and single else "cpu"
    if not available[device]:
        present = [name for name, there in available.items() if there]
        raise ValueError(
            f"device={device!r} is not available here. Expected one of {present} or 'auto'."
        )
    if device == "mps" and not single:
        raise ValueError(
            "device='mps' computes in float32 only, and X is float64. Pass X as float32"
            " (X.astype('float32')), or use device='cpu'."
        )
    return device


@contextmanager
def one_thread(device: str = "cpu"):
    """Limit BLAS, OpenMP and torch to one thread: small matrices lose with more."""
    if device != "cpu":
        yield
        return
    with _thread_pools().limit(limits=1):
        yield


@cache
def _thread_pools():
    # Looking for the libraries takes longer than a small network's predictions; those that
    # matter here, NumPy's and torch's, are loaded by now.
    return ThreadpoolController()


def usable_device(device: str) -> str:
    """Return the device a network was trained on, or the CPU where that is not at hand."""
    if device == "cuda" and not torch.cuda.is_available():
        return "cpu"
    if device == "mps" and not torch.backends.mps.is_available():
        return "cpu"
    return device
