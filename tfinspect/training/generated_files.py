"""The source files that TensorFlow's AutoGraph writes, which it removes when Python ends."""

import contextlib
import os
import sys
import tempfile

_PREFIX = "__autograph_generated_file"


def remove_generated() -> None:
    """Removes those of this process; call it before an end that Python does not see."""
    place = os.path.realpath(tempfile.gettempdir())
    # Other threads may still load modules.
    for name, module in list(sys.modules.items()):
        path = getattr(module, "__file__", None)
        if not name.startswith(_PREFIX) or path is None:
            continue
        if os.path.realpath(os.path.dirname(path)) == place:
            for made in (path, getattr(module, "__cached__", None)):
                if made is not None:
                    with contextlib.suppress(OSError):
                        os.remove(made)
