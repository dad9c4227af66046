"""From constructor parameters to the shape of the convolutional layers."""

from __future__ import annotations

from math import isqrt, prod
from numbers import Integral

import numpy as np

from neuroselect._engine._spec import ConvSpec


def conv_spec(estimator, n_pixels: int) -> ConvSpec:
    """Shape of the convolutional layers that ``estimator`` describes, for so many pixels."""
    image = _image_shape(estimator.image_shape, n_pixels)
    channels = np.atleast_1d(np.asarray(estimator.conv_channels, dtype=object))
    if channels.ndim != 1 or not len(channels) or not all(_counts(c) for c in channels):
        raise ValueError(
            "conv_channels must hold the number of channels, at least 1, of at least one layer,"
            f" such as (4, 12); got {estimator.conv_channels!r}."
        )
    kernel = int(estimator.kernel_size)
    spec = ConvSpec(image, tuple(int(c) for c in channels), kernel, 0, int(estimator.pool_size))
    padding = estimator.padding
    if padding == "auto":
        padding = "same" if _vanishes_at(spec) is not None and kernel % 2 else "valid"
    if padding == "same" and not kernel % 2:
        raise ValueError(
            f"padding='same' needs an odd kernel_size, got {kernel}. Use an odd one, or a number"
            " of pixels as padding."
        )
    spec = spec._replace(padding={"valid": 0, "same": kernel // 2}.get(padding, padding))
    layer = _vanishes_at(spec)
    if layer is not None:
        _, height, width = spec.incoming[layer]
        raise ValueError(
            f"Images of {image[0]} x {image[1]} pixels are too small: convolutional layer {layer}"
            f" gets {height} x {width} pixels, and with kernel_size={kernel},"
            f" padding={estimator.padding!r} and pool_size={spec.pool} it leaves none. Use fewer"
            " layers (conv_channels), a smaller pool_size or kernel_size, or padding='same'."
        )
    return spec


def _image_shape(image_shape, n_pixels) -> tuple[int, int, int]:
    """Height, width and channels of an image."""
    if image_shape is None:
        side = isqrt(n_pixels)
        if side**2 != n_pixels:
            raise ValueError(
                f"image_shape=None takes X for square grey images, but its {n_pixels} stimulus"
                " columns are no square number. Pass image_shape=(height, width), or (height,"
                " width, n_channels) for colour; does task_column name the right column?"
            )
        return side, side, 1
    shape = list(image_shape)
    good = all(_counts(n) or (n == -1 and not isinstance(n, bool)) for n in shape)
    if len(shape) not in (2, 3) or not good or shape.count(-1) > 1:
        raise ValueError(
            "image_shape must be (height, width) or (height, width, n_channels), numbers of pixels"
            f" of which one may be -1 (whatever X holds); got {image_shape!r}."
        )
    known = prod(n for n in shape if n != -1)
    shape = [n_pixels // known if n == -1 else int(n) for n in shape]
    if prod(shape) != n_pixels:
        raise ValueError(
            f"image_shape={tuple(image_shape)} does not fit X, which holds {n_pixels} stimulus"
            " columns beside the task. Pass the shape of the images that were flattened into the"
            " rows of X; does task_column name the right column?"
        )
    return (*shape, 1) if len(shape) == 2 else tuple(shape)


def _counts(n) -> bool:
    return isinstance(n, Integral) and not isinstance(n, bool) and n > 0


def _vanishes_at(spec: ConvSpec) -> int | None:
    """First layer that leaves no pixel, if one does."""
    for layer, (_, height, width) in enumerate(spec.maps):
        if min(height, width) < 1:
            return layer
    return None
