"""A likely cause of variables that cannot be loaded, and what it is judged by."""

from dataclasses import dataclass
from typing import NamedTuple


class Cause(NamedTuple):
    """Why some variables cannot be loaded.

    Attributes:
      explained: of how many it is the cause; 0 for a surmise.
      words: the cause and its cure, as part of a sentence.
    """

    explained: int
    words: str


@dataclass(frozen=True)
class Built:
    """What is known of the network beside its variables.

    Attributes:
      logits_scopes: of its classifier and auxiliary head.
      width: factor on its filters.
      classes_of_data: whether the data say how many classes and filters it has, as in fine-tuning;
        else an option does.
    """

    logits_scopes: tuple[str, ...] = ()
    width: float = 1.0
    classes_of_data: bool = False
