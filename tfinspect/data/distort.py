"""Random views of photographs for training, each from a seed of its own and nothing else.

`inception`: a box of random place, size and shape, mirrored by chance, with other colours
(arXiv:1409.4842, section 6; arXiv:1312.5402). `vgg`: the shorter side at a random size, a random
crop, mirrored by chance (arXiv:1409.1556, section 3.1). The numbers are those of the published slim
preprocessing.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfinspect.data.views import Geometry, resized, with_shorter_side

# Of the image's area, and width over height, of a box.
AREA = (0.05, 1.0)
ASPECT = (3 / 4, 4 / 3)
BRIGHTNESS = 32 / 255
FACTORS = (0.5, 1.5)
HUE = 0.2
# VGG's shorter side, times the network's size: 256 to 512 for 224.
SIDES = (256 / 224, 512 / 224)

Distortion = Callable[..., Any]


def inception_view(
    image: Any, seed: Any, size: tuple[int, int], geometry: Geometry, flip: bool = True
) -> Any:
    """Returns a random part of an image in other colours.

    Args:
      image: uint8 `[H, W, 3]`, 0..255.
      seed: int64 `[2]`, of this example in this epoch.
      size: height and width of the result.
      geometry: how the network's images are resized.
      flip: False mirrors none, for images that mean something else when mirrored.

    Returns:
      float32 `[height, width, 3]`, 0..255.
    """
    begin, extent, _ = tf.image.stateless_sample_distorted_bounding_box(
        tf.shape(image),
        tf.zeros([1, 0, 4]),
        seed,
        min_object_covered=0.1,
        aspect_ratio_range=ASPECT,
        area_range=AREA,
        use_image_if_no_bounding_boxes=True,
    )
    image = resized(tf.slice(image, begin, extent), *size, geometry)
    image = tf.ensure_shape(image, [*size, 3]) / 255.0
    image = _mirrored(image, seed) if flip else image
    return 255.0 * tf.clip_by_value(_recoloured(image, seed), 0.0, 1.0)


def vgg_view(
    image: Any, seed: Any, size: tuple[int, int], geometry: Geometry, flip: bool = True
) -> Any:
    """Returns a random crop of an image resized by chance; as `inception_view`."""
    low, high = (round(share * max(size)) for share in SIDES)
    side = tf.random.stateless_uniform([], _other(seed, 1), low, high + 1, tf.int32, alg="philox")
    image = with_shorter_side(image, side, geometry)
    image = tf.image.stateless_random_crop(image, [*size, 3], _other(seed, 2))
    return _mirrored(image, seed) if flip else image


# By the name of a network's preprocessing.
DISTORTIONS: dict[str, Distortion] = {"inception": inception_view, "vgg": vgg_view}


def _mirrored(image: Any, seed: Any) -> Any:
    return tf.image.stateless_random_flip_left_right(image, _other(seed, 0))


def _other(seed: Any, purpose: int) -> Any:
    return tf.random.experimental.stateless_fold_in(
        seed, tf.constant(purpose, tf.int64), alg="philox"
    )


def _recoloured(image: Any, seed: Any) -> Any:
    changes = (
        lambda x: tf.image.stateless_random_brightness(x, BRIGHTNESS, _other(seed, 3)),
        lambda x: tf.image.stateless_random_saturation(x, *FACTORS, _other(seed, 4)),
        lambda x: tf.image.stateless_random_hue(x, HUE, _other(seed, 5)),
        lambda x: tf.image.stateless_random_contrast(x, *FACTORS, _other(seed, 6)),
    )
    # The four orders of the published preprocessing: they do not commute.
    orders = ((0, 1, 2, 3), (1, 0, 3, 2), (3, 2, 0, 1), (2, 1, 3, 0))

    def in_order(order: tuple[int, ...]) -> Callable[[], Any]:
        def apply() -> Any:
            changed = image
            for place in order:
                changed = changes[place](changed)
            return changed

        return apply

    chosen = tf.random.stateless_uniform(
        [], _other(seed, 7), 0, len(orders), tf.int32, alg="philox"
    )
    return tf.switch_case(chosen, [in_order(order) for order in orders])
