"""What lies on disk, read by plain Python: `open_artifact(path)` and one reader per format.

Importing this package imports neither TensorFlow nor NumPy nor h5py; a reader imports what it
needs when its file is opened or its values are read.
"""

from tfinspect.artifacts.artifact import Artifact
from tfinspect.artifacts.detect import open_artifact, opened

__all__ = ["Artifact", "open_artifact", "opened"]
