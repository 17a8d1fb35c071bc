"""What a fine-tuning is asked for beside its settings."""

from dataclasses import dataclass, field

from tfinspect.transfer.load_rules import LoadRules


@dataclass(frozen=True)
class TuningRequest:
    """What is asked for beside the settings.

    Attributes:
      checkpoint: any artifact with values, or a network's name for its published weights.
      rules: how its variables go into the network's. No excluded scope makes the classifier new.
      trainable_scopes: slim's: one stage that trains these alone; empty takes the default stages.
      stages_file: YAML file with the stages; None takes the default ones.
      keep_classifier: whether the classifier is loaded too, for data with the checkpoint's classes.
    """

    checkpoint: str
    rules: LoadRules = field(default_factory=LoadRules)
    trainable_scopes: tuple[str, ...] = ()
    stages_file: str | None = None
    keep_classifier: bool = False
