"""The order of an epoch's examples: where an epoch was begun in one, it is ended in the same.

Every example of an epoch comes once only as long as what was done of it are the first ones of the
order that is gone on with. Where each process reads files of its own, the order depends on their
number; where batches are cut up, record by record, it does not.
"""

import dataclasses

from tfinspect.data.batches import Batches, steps_per_epoch
from tfinspect.errors import RunError
from tfinspect.training.progress import Progress

# In the state of a run: whatever cuts the batches of one process up.
BY_RECORD = ""
# In the state of a run: split too large for memory, of whose examples the chief tells the places.
BY_PLACE = "by place, with parameter servers"


def in_one_order(batches: Batches, progress: Progress) -> Batches:
    """Returns the shared batches of a training split, in the order in which an epoch was begun.

    An epoch that was begun record by record goes on so, though there are files enough by now.

    Args:
      batches: as the present processes would share them.
      progress: of the run; takes the order.

    Raises:
      RunError: the epoch was begun in an order that the present processes do not have.
    """
    share = batches.share
    assert share is not None
    begun = progress.epoch_order
    if share.files is not None and begun == BY_RECORD and _is_inside(batches, progress):
        share = dataclasses.replace(share, files=None, sizes=())
    order = BY_RECORD if share.files is None else f"by file, over {share.count} processes"
    note_order(batches, progress, order)
    return dataclasses.replace(batches, share=share)


def note_order(batches: Batches, progress: Progress, order: str) -> None:
    """Notes the order of the examples from here on.

    Args:
      batches: of the training split.
      progress: of the run; takes the order.
      order: `BY_RECORD`, `BY_PLACE`, or words of this module.

    Raises:
      RunError: the present epoch was begun in another one.
    """
    if progress.epoch_order != order and _is_inside(batches, progress):
        epoch = progress.step // steps_per_epoch(batches) + 1
        raise RunError(
            f"the run was broken off within epoch {epoch}, whose examples were shared "
            f"{_words(progress.epoch_order)}; shared {_words(order)} some of them would be missed "
            "and others come twice. Start as many workers as before, with parameter servers if "
            "there were some; several may run on one host. At the end of an epoch the number may "
            "change."
        )
    progress.epoch_order = order


def _is_inside(batches: Batches, progress: Progress) -> bool:
    return progress.step % steps_per_epoch(batches) != 0


def _words(order: str) -> str:
    return order or "by record"
