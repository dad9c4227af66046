"""Images of digits, from wherever they come: checked, flattened and scaled."""

from collections.abc import Sequence
from math import isqrt

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import Bunch

from neuroselect.datasets._mnist import fetch_mnist

N_DIGITS = 10


def load_images(
    images: str | tuple[ArrayLike, ArrayLike] | Bunch,
) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """Return pixels in [0, 1] (n_images, n_pixels), digits (n_images,) and the image's shape."""
    if isinstance(images, str):
        from sklearn.datasets import load_digits

        loaded, largest = (load_digits(), 16) if images == "digits" else (fetch_mnist(), 255)
        side = isqrt(loaded.data.shape[1])
        return loaded.data / largest, loaded.target.astype(np.int64), (side, side)

    if isinstance(images, Bunch):
        if not {"data", "target"} <= images.keys():
            raise ValueError(
                f"images is a Bunch with {sorted(images)}. It must have 'data' and 'target'."
            )
        pixels, labels, shape = images.data, images.target, images.get("image_shape")
    elif len(images) == 2:
        (pixels, labels), shape = images, None
    else:
        raise ValueError(
            f"images is a tuple of {len(images)}. Pass (images, labels), two arrays of the same"
            " length."
        )
    pixels, shape = check_pixels(pixels, shape)
    return pixels / pixels.max(), check_digits(labels, len(pixels)), shape


def check_pixels(
    pixels: ArrayLike, image_shape: Sequence[int] | None
) -> tuple[np.ndarray, tuple[int, int]]:
    """Return flattened pixels (n_images, n_pixels) as float64 and (n_rows, n_columns)."""
    pixels = np.asarray(pixels)
    if pixels.ndim not in (2, 3) or pixels.size == 0 or pixels.dtype.kind not in "biuf":
        raise ValueError(
            "images must be numbers of shape (n_images, n_rows, n_columns) or (n_images, n_pixels);"
            f" got an array of shape {pixels.shape} and dtype {pixels.dtype}."
        )
    if pixels.ndim == 3:
        image_shape = pixels.shape[1:]
    elif image_shape is None:
        image_shape = (isqrt(pixels.shape[1]),) * 2
    n_pixels = pixels[0].size
    if len(image_shape) != 2 or np.prod(image_shape) != n_pixels:
        raise ValueError(
            f"images has {n_pixels} pixels per image, which do not make an image of shape"
            f" {tuple(image_shape)}. Pass images that are not square with the shape (n_images,"
            " n_rows, n_columns)."
        )
    pixels = pixels.reshape(len(pixels), n_pixels).astype(np.float64)
    if not (np.isfinite(pixels) & (pixels >= 0)).all() or pixels.max() == 0:
        raise ValueError(
            "images must be finite and non-negative, with 0 as background, and not all zero; the"
            f" values lie between {pixels.min()} and {pixels.max()}."
        )
    n_rows, n_columns = image_shape
    return pixels, (int(n_rows), int(n_columns))


def check_digits(labels: ArrayLike, n_images: int) -> np.ndarray:
    """Return the labels as int64 (n_images,) if each is a digit, else raise."""
    labels = np.asarray(labels)
    if labels.shape != (n_images,):
        raise ValueError(
            f"There are {n_images} images, but the labels have shape {labels.shape}. Pass one"
            " label per image."
        )
    if labels.dtype.kind not in "iuf" or not np.isin(labels, np.arange(N_DIGITS)).all():
        raise ValueError(
            "The labels of images must be digits, the numbers 0 to 9; got"
            f" {np.unique(labels)[:12].tolist()} with dtype {labels.dtype}. Convert texts with"
            " labels.astype(int)."
        )
    return labels.astype(np.int64)
