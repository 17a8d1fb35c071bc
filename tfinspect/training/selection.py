"""Which epoch's weights are kept as the best: the one-standard-error rule.

After Breiman, Friedman, Olshen and Stone, Classification and Regression Trees (1984), section
3.4.3. On 200 validation images one image more is chance, and the later of two epochs that chance
alone tells apart was trained longer and ended at a lower learning rate.
"""

import math


def standard_error(accuracy: float, examples: int) -> float:
    """Returns the standard error of an accuracy (0..1) measured on that many examples.

    One right and one wrong answer are added, so that 100 % of a few is not taken for certain.

    >>> round(standard_error(0.5, 98), 3)
    0.05
    """
    share = (accuracy * examples + 1) / (examples + 2)
    return math.sqrt(share * (1 - share) / (examples + 2))


def is_kept(accuracy: float, highest: float, examples: int) -> bool:
    """Tells whether the newest epoch takes the place of the one kept so far.

    Args:
      accuracy: of the newest epoch, 0..1.
      highest: of all epochs so far, the newest included.
      examples: in the validation split.
    """
    return accuracy >= highest - standard_error(highest, examples)
