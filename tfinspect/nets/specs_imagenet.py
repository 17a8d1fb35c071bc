"""The ImageNet networks as records of the registry: a row for each.

Sizes, preprocessing and classes are those of the published checkpoints. The ResNet v2 ones were
trained and evaluated with Inception preprocessing at 299x299 and have a background class, unlike
ResNet v1 and VGG.
"""

import functools
from dataclasses import dataclass
from typing import Any

from tfinspect.nets.builders import call
from tfinspect.nets.spec import NetSpec, Preprocessing

INCEPTION = Preprocessing(
    scale=1 / 127.5,
    offset=-1.0,
    central_fraction=0.875,
    name="inception",
    half_pixel_centers=False,
)
VGG = Preprocessing(
    channel_means=(123.68, 116.78, 103.94),
    name="vgg",
    half_pixel_centers=False,
    shorter_side=256,
)
NONE = Preprocessing()
# The same files as under download.tensorflow.org, which answers without encryption only.
SLIM = "https://storage.googleapis.com/download.tensorflow.org/models/"
MOBILENET_V1 = SLIM + "mobilenet_v1_2018_02_22/"
MOBILENET_V2 = "https://storage.googleapis.com/mobilenet_v2/checkpoints/"
# Smallest side of networks that pad: their maps are halved five times, and of smaller images the
# last ones would see padding more than image.
_HALVED_FIVE_TIMES = 32
WITH_BACKGROUND, WITHOUT_BACKGROUND = 1001, 1000


@dataclass(frozen=True)
class _Family:
    """What networks of one kind share."""

    build: str
    arg_scope: str
    preprocessing: Preprocessing
    classes: int
    paper: str
    arg_scope_options: tuple[tuple[str, Any], ...] = ()
    learning_rate: float = 0.05
    regularized: tuple[str, ...] = ("weights",)
    license: str | None = "Apache-2.0"


@dataclass(frozen=True)
class _Row:
    """One network of a family; `checkpoint` is the URL of its published weights."""

    name: str
    size: int
    scope: str
    checkpoint: str | None = None
    options: tuple[tuple[str, Any], ...] = ()
    minimum: int = _HALVED_FIVE_TIMES
    logits: str = "Logits"
    aux: bool = False


def _inception(build: str, paper: str, regularized: tuple[str, ...] = ("weights",)) -> _Family:
    arg_scope = "inception_resnet_v2" if "resnet" in build else "inception"
    return _Family(
        build,
        f"arg_scopes:{arg_scope}_arg_scope",
        INCEPTION,
        WITH_BACKGROUND,
        paper,
        regularized=regularized,
    )


def _resnet_rows(version: str, size: int, date: str) -> tuple[_Row, ...]:
    # No weights of 200 layers were published.
    urls = {depth: f"{SLIM}resnet_{version}_{depth}_{date}.tar.gz" for depth in (50, 101, 152)}
    return tuple(
        _Row(
            f"resnet_{version}_{depth}",
            size,
            f"resnet_{version}_{depth}",
            urls.get(depth),
            (("version", version), ("depth", depth)),
            logits="logits",
        )
        for depth in (50, 101, 152, 200)
    )


def _fully_convolutional(module: str, preprocessing: Preprocessing, paper: str) -> _Family:
    return _Family(
        "slim_nets:fully_convolutional",
        "arg_scopes:fully_convolutional_arg_scope",
        preprocessing,
        WITHOUT_BACKGROUND,
        paper,
        (("network", module),),
        learning_rate=0.01,
        license=None,
    )


def _fully_convolutional_row(
    name: str, size: int, minimum: int, checkpoint: str | None = None
) -> _Row:
    return _Row(name, size, name, checkpoint, (("network", name),), minimum, "fc8")


def _mobilenet(version: str, paper: str, decay: float) -> _Family:
    return _Family(
        f"mobilenet_{version}:mobilenet_{version}",
        "arg_scopes:mobilenet_arg_scope",
        INCEPTION,
        WITH_BACKGROUND,
        paper,
        (("batch_norm_decay", decay),),
    )


def _mobilenet_row(version: str, folder: str, multiplier: float) -> _Row:
    suffix = "" if multiplier == 1 else f"_{round(100 * multiplier):03}"
    return _Row(
        f"mobilenet_{version}{suffix}",
        224,
        f"Mobilenet{version.upper()}",
        f"{folder}mobilenet_{version}_{multiplier}_224.tgz",
        (("multiplier", multiplier),),
    )


_TABLE: tuple[tuple[_Family, tuple[_Row, ...]], ...] = (
    (
        _inception(
            "inception_resnet_v2:inception_resnet_v2",
            "arXiv:1602.07261",
            # The published training decayed the biases too.
            regularized=("weights", "biases"),
        ),
        (
            _Row(
                "inception_resnet_v2",
                299,
                "InceptionResnetV2",
                SLIM + "inception_resnet_v2_2016_08_30.tar.gz",
                minimum=75,
                aux=True,
            ),
        ),
    ),
    *(
        (
            _inception("slim_nets:inception", paper),
            (
                _Row(
                    f"inception_{version}",
                    size,
                    f"Inception{version.upper()}",
                    f"{SLIM}inception_{version}_2016_08_28.tar.gz",
                    (("version", version),),
                    minimum,
                    aux=version == "v3",
                ),
            ),
        )
        for version, paper, size, minimum in (
            ("v1", "arXiv:1409.4842", 224, _HALVED_FIVE_TIMES),
            ("v2", "arXiv:1502.03167", 224, _HALVED_FIVE_TIMES),
            ("v3", "arXiv:1512.00567", 299, 75),
        )
    ),
    (
        _inception("inception_v4:inception_v4", "arXiv:1602.07261"),
        (
            _Row(
                "inception_v4",
                299,
                "InceptionV4",
                SLIM + "inception_v4_2016_09_09.tar.gz",
                minimum=75,
                aux=True,
            ),
        ),
    ),
    (
        _Family(
            "slim_nets:resnet",
            "arg_scopes:resnet_arg_scope",
            VGG,
            WITHOUT_BACKGROUND,
            "arXiv:1512.03385",
            license=None,
        ),
        _resnet_rows("v1", 224, "2016_08_28"),
    ),
    (
        _Family(
            "slim_nets:resnet",
            "arg_scopes:resnet_arg_scope",
            INCEPTION,
            WITH_BACKGROUND,
            "arXiv:1603.05027",
        ),
        _resnet_rows("v2", 299, "2017_04_14"),
    ),
    (
        _fully_convolutional("vgg", VGG, "arXiv:1409.1556"),
        (
            _fully_convolutional_row("vgg_a", 224, 224),
            _fully_convolutional_row("vgg_16", 224, 224, SLIM + "vgg_16_2016_08_28.tar.gz"),
            _fully_convolutional_row("vgg_19", 224, 224, SLIM + "vgg_19_2016_08_28.tar.gz"),
        ),
    ),
    (
        _fully_convolutional("alexnet", NONE, "arXiv:1404.5997"),
        (_fully_convolutional_row("alexnet_v2", 224, 195),),
    ),
    (
        _fully_convolutional("overfeat", NONE, "arXiv:1312.6229"),
        (_fully_convolutional_row("overfeat", 231, 231),),
    ),
    (
        _mobilenet("v1", "arXiv:1704.04861", 0.9997),
        tuple(_mobilenet_row("v1", MOBILENET_V1, factor) for factor in (1.0, 0.75, 0.5, 0.25)),
    ),
    (
        _mobilenet("v2", "arXiv:1801.04381", 0.997),
        tuple(
            _mobilenet_row("v2", MOBILENET_V2, factor)
            for factor in (1.4, 1.3, 1.0, 0.75, 0.5, 0.35)
        ),
    ),
)


def imagenet_specs() -> dict[str, NetSpec]:
    """Returns network name -> record, in the order in which they are listed."""
    return {spec.name: spec for spec in _specs()}


@functools.cache
def _specs() -> tuple[NetSpec, ...]:
    return tuple(_spec(family, row) for family, rows in _TABLE for row in rows)


def _spec(family: _Family, row: _Row) -> NetSpec:
    options = dict(family.arg_scope_options)
    return NetSpec(
        name=row.name,
        build=functools.partial(call, family.build, **dict(row.options)),
        arg_scope=functools.partial(call, family.arg_scope, **options),
        image_shape=(row.size, row.size, 3),
        preprocessing=family.preprocessing,
        label_offset=int(family.classes == WITH_BACKGROUND),
        logits_scopes=(f"{row.scope}/{row.logits}",),
        aux_scopes=(f"{row.scope}/AuxLogits",) if row.aux else (),
        paper=family.paper,
        checkpoint_url=row.checkpoint,
        default_learning_rate=family.learning_rate,
        regularized=family.regularized,
        num_classes=family.classes,
        minimum_size=row.minimum,
        aux_image_size=row.size if row.aux else None,
        license=family.license if row.checkpoint else None,
    )
