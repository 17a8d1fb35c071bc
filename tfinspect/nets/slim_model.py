"""A slim network as a `tf_keras.Model`: eager, `tf.function`, `fit`, strategies, SavedModel."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf
import tf_keras

from tfinspect.errors import NetworkError
from tfinspect.names import choices
from tfinspect.nets.heads import in_float32
from tfinspect.nets.initial_values import seeded
from tfinspect.nets.registry import get_spec
from tfinspect.nets.scoped_batch_norm import inference_where
from tfinspect.nets.slim_compat import slim, track_tf1_style_variables, without_layer_warnings
from tfinspect.nets.spec import NetSpec
from tfinspect.nets.synchronized_batch_norm import wait_for_replicas

COMPUTE_DTYPES = ("float32", "bfloat16")


class SlimModel(tf_keras.Model):
    """A network of the registry whose variables carry their slim names.

    The variables are float32 in either compute type, and so are the batch statistics and the
    logits; with bfloat16, kernels are cast where they are used, and convolutions and activations
    are bfloat16. `model.losses` holds one L2 term per regularized variable.
    """

    def __init__(
        self,
        spec: NetSpec,
        num_classes: int,
        *,
        weight_decay: float = 0.0,
        compute_dtype: str = "float32",
        batch_norm_decay: float | None = None,
        seed: int | None = 0,
    ):
        """Describes the model; its variables come with the first call or `build_variables()`.

        Args:
          spec: from `tfinspect.nets.registry`; `spec.with_image_size(…)` for images of another size
            than the network's own.
          num_classes: columns of the logits, a background class included.
          weight_decay: each kernel `w` adds `weight_decay * sum(w^2) / 2` to the loss.
          compute_dtype: `float32` or `bfloat16`.
          batch_norm_decay: of the moving averages per step; None is the network's own.
          seed: of the initial values; each variable's depend on this and its name alone. None draws
            none: kernels are zero, for weights that are loaded next.

        Raises:
          NetworkError: no such compute type, no class, or images too small for the network.
        """
        if compute_dtype not in COMPUTE_DTYPES:
            listed = choices(compute_dtype, COMPUTE_DTYPES)
            raise NetworkError(f"no compute type '{compute_dtype}'; {listed}; choose one of them.")
        if num_classes < 1:
            raise NetworkError(f"{num_classes} classes cannot be told apart; give 1 or more.")
        spec.check_image_size(*spec.image_shape[:2])
        super().__init__(name=spec.name)
        self.spec = spec
        self.num_classes = num_classes
        self.built = False
        self._settings: dict[str, Any] = {
            "weight_decay": weight_decay,
            "compute_dtype": compute_dtype,
            "batch_norm_decay": batch_norm_decay,
            "seed": seed,
        }

    def get_config(self) -> dict[str, Any]:
        """Returns what `from_config` builds an equal model from: names and numbers only."""
        network = {"network": self.spec.name, "width": self.spec.width}
        sizes = {"image_shape": list(self.spec.image_shape), "num_classes": self.num_classes}
        return network | sizes | self._settings

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "SlimModel":
        """Builds the model that `get_config` described, with fresh weights."""
        del custom_objects
        settings = dict(config)
        spec = get_spec(settings.pop("network"), settings.pop("width"))
        height, width, _ = settings.pop("image_shape", spec.image_shape)
        return cls(spec.with_image_size(height, width), settings.pop("num_classes"), **settings)

    # Autograph would only slow the tracing down: no branch of a network depends on a tensor.
    @tf.autograph.experimental.do_not_convert
    @track_tf1_style_variables
    def network(
        self, images: tf.Tensor, training: bool = False
    ) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
        """Runs the network function itself, with no scope of Keras's around it.

        Args:
          images: `[N, H, W, C]`, any float type, after preprocessing.
          training: batch statistics and an update of the moving ones, and dropout.

        Returns:
          Logits `[N, num_classes]` float32, and the end points by name; of an auxiliary head as
          `AuxLogits`, at the one image size that it has (`spec.aux_image_size`).

        Raises:
          NetworkError: the images are too small for the network.
        """
        height, width = images.shape[1:3]
        self.spec.check_image_size(height, width)
        decay = self._settings["batch_norm_decay"]
        # The L2 terms are `losses`: slim's own regularizers would compute them a second time.
        scope = self.spec.arg_scope(
            weight_decay=0.0, **({} if decay is None else {"batch_norm_decay": decay})
        )
        options = (
            {"create_aux_logits": self.spec.builds_aux(height, width)}
            if self.spec.aux_scopes
            else {}
        )
        root = tf.compat.v1.get_variable_scope()
        with (
            without_layer_warnings(),
            tf.compat.v1.variable_scope(
                root, custom_getter=self._get_variable, auxiliary_name_scope=False
            ),
            slim.arg_scope(scope),
            inference_where(self.batch_norm_is_frozen),
        ):
            logits, end_points = self.spec.build(
                tf.cast(images, self._settings["compute_dtype"]),
                self.num_classes,
                training,
                **options,
            )
        wait_for_replicas()
        return in_float32(logits), end_points

    @tf.autograph.experimental.do_not_convert
    def call(self, inputs: tf.Tensor, training: bool | None = False) -> tf.Tensor:
        """Returns the logits `[N, num_classes]` float32 of preprocessed images `[N, H, W, C]`."""
        logits, _ = self.network(inputs, False if training is None else training)
        return logits

    def _get_variable(self, getter: Callable[..., Any], name: str, **kwargs: Any) -> Any:
        if kwargs["initializer"] is not None:
            kwargs["initializer"] = seeded(kwargs["initializer"], name, self._settings["seed"])
        if kwargs["dtype"] != tf.bfloat16:
            return getter(name=name, **kwargs)
        return tf.cast(getter(name=name, **(kwargs | {"dtype": tf.float32})), tf.bfloat16)

    def batch_norm_is_frozen(self, scope: str) -> bool:
        """Tells whether a batch normalization stays in inference mode while the network trains."""
        del scope
        return False

    def build_variables(self) -> None:
        """Creates all variables, under the current strategy; a second call does nothing."""
        if self.built:
            return
        # Built, not run: the variables are lifted out of the graph, which is thrown away.
        with tf.__internal__.FuncGraph("variables").as_default():
            self.network(tf.compat.v1.placeholder(tf.float32, [None, *self.spec.image_shape]))
        self.built = True

    @property
    def losses(self) -> list[tf.Tensor]:
        """The L2 terms, one float32 scalar per regularized variable; none without weight decay."""
        decay = self._settings["weight_decay"]
        return [decay * tf.nn.l2_loss(v) for v in self._regularized()] if decay else []

    def _regularized(self) -> list[tf.Variable]:
        regularized = self.spec.regularized
        return [
            variable
            for variable in self.trainable_variables
            if variable.name.removesuffix(":0").rpartition("/")[2] in regularized
        ]

    def variables_by_name(self) -> dict[str, tf.Variable]:
        """Returns all variables by name (`resnet/conv1/weights`), sorted by name."""
        self.build_variables()
        return {v.name.removesuffix(":0"): v for v in sorted(self.variables, key=lambda v: v.name)}
