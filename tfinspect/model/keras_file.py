"""Keras model files, of Keras 3 and of tf_keras: nothing that is stored as code is run."""

import json
import zipfile
from collections.abc import Iterator
from typing import Any

from tfinspect.artifacts.hdf5 import Hdf5
from tfinspect.artifacts.keras_archive import KerasArchive
from tfinspect.errors import ArtifactError
from tfinspect.model.keras import from_keras
from tfinspect.model.model import Model
from tfinspect.model.wording import reason

# Layers that hold Python code, or load another file from a stored path.
_CODE = ("Lambda", "__lambda__", "TFSMLayer", "JaxLayer", "FlaxLayer", "TorchModuleWrapper")
_PACKAGES = ("keras", "tf_keras", "builtins", "keras_hub", "keras_cv", "keras_nlp")


def from_file(artifact: Hdf5) -> Model:
    """Loads a whole model from a `.keras` or `.h5` file.

    Raises:
      ArtifactError: it holds weights alone, code or classes that are not known, or is broken.
    """
    config, version = _described(artifact)
    if not config:
        raise ArtifactError(
            f"'{artifact.path}' ({artifact.kind}) holds weights without a model; build the model "
            "in code, load them and give the live model, or name the network they belong to with "
            "net= (--net)."
        )
    _refuse_code(artifact.path, config)
    package = "Keras 3" if version.startswith("3") else "tf_keras"
    model = _loaded(artifact.path, package)
    return from_keras(model, kind=f"{package} file", checkpoint=artifact.path)


def _described(artifact: Hdf5) -> tuple[Any, str]:
    """Returns the model's config, parsed, and the version of Keras that wrote it."""
    try:
        if not isinstance(artifact, KerasArchive):
            root = artifact.tree.groups.get("", {})
            return json.loads(str(root.get("model_config", "null"))), str(root.get("keras_version"))
        with zipfile.ZipFile(artifact.path) as archive:
            if "config.json" not in archive.namelist():
                return None, ""
            metadata = json.loads(archive.read("metadata.json"))
            return json.loads(archive.read("config.json")), str(metadata["keras_version"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ArtifactError(
            f"the config in '{artifact.path}' cannot be read ({error}); save the model again."
        ) from error


def _refuse_code(path: str, config: Any) -> None:
    for found in _objects(config):
        name, module = str(found.get("class_name")), found.get("module")
        if name in _CODE:
            raise ArtifactError(
                f"'{path}' holds code or another file ('{name}'"
                f"{_named(found)}), and nothing stored is run; build the model in code, load its "
                "weights and give the live model."
            )
        package = str(module or "keras").partition(".")[0]
        if package not in _PACKAGES and not _registered(found.get("registered_name")):
            raise ArtifactError(
                f"'{path}' holds an object of the class '{module}.{name}', which is not Keras's "
                "own; register it with `keras.saving.register_keras_serializable`, or give the "
                "live model."
            )


def _named(found: Any) -> str:
    config = found.get("config")
    name = config.get("name") if isinstance(config, dict) else None
    return f" named '{name}'" if name else ""


def _registered(name: Any) -> bool:
    import keras
    import tf_keras

    return bool(name) and any(
        package.saving.get_registered_object(name) is not None for package in (keras, tf_keras)
    )


def _objects(config: Any) -> Iterator[dict[str, Any]]:
    waiting = [config]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            if "class_name" in found:
                yield found
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found


def _loaded(path: str, package: str) -> Any:
    import keras
    import tf_keras

    module = keras if package == "Keras 3" else tf_keras
    try:
        return module.models.load_model(path, compile=False, safe_mode=True)
    # Keras raises errors of all kinds over broken and foreign files.
    except Exception as error:
        raise ArtifactError(
            f"{package} cannot load '{path}': {reason(error)}; build the model in code and give "
            "the live model."
        ) from error
