"""The two record schemas: feature names and kinds, in the one place that writer and parser share.

`raw` is the schema of the original CIFAR-10 tutorial: the image as CHW bytes. `encoded` keeps the
bytes of a JPEG or PNG file, with the feature names that slim's data sets use.
"""

from collections.abc import Mapping

IMAGE = "image"
LABEL = "label"
ENCODED_IMAGE = "image/encoded"
FORMAT = "image/format"
HEIGHT = "image/height"
WIDTH = "image/width"
FILENAME = "image/filename"

# Feature name -> kind of its list in tf.train.Example; every feature holds exactly one value.
RAW = {IMAGE: "bytes", LABEL: "int64"}
ENCODED = {
    ENCODED_IMAGE: "bytes",
    FORMAT: "bytes",
    HEIGHT: "int64",
    WIDTH: "int64",
    FILENAME: "bytes",
    LABEL: "int64",
}
SCHEMAS = {"raw": RAW, "encoded": ENCODED}


def infer_schema(kinds: Mapping[str, str]) -> str | None:
    """Names the schema of a record from its features' kinds; None when it is another one.

    Features beside the schema's own do not matter.

    >>> infer_schema({"image": "bytes", "label": "int64"})
    'raw'
    >>> infer_schema({"image": "float", "label": "int64"}) is None
    True
    """
    for name, features in SCHEMAS.items():
        if all(kinds.get(feature) == kind for feature, kind in features.items()):
            return name
    return None


def describe(kinds: Mapping[str, str]) -> str:
    """Words features for people.

    >>> describe({"label": "int64", "image": "bytes"})
    'image: bytes, label: int64'
    """
    return ", ".join(f"{name}: {kinds[name]}" for name in sorted(kinds)) or "no features"
