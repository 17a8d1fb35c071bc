"""The errors that tfinspect raises for its users: one sentence that says what to do next.

Every message states what was given, what exists or is allowed, and the cure. The command line
prints it after ``Error:`` and exits with 2.
"""


class TfinspectError(Exception):
    """Anything the user can mend: a path, a name, a setting, a broken file."""


class ConfigError(TfinspectError):
    """A setting, or a combination of settings, that cannot work."""


class DataError(TfinspectError):
    """Images, archives or records that are missing, broken or not what they should be."""


class ArtifactError(TfinspectError):
    """A checkpoint, graph or model file that is missing, broken, or of an unknown format."""


class GraphRefusedError(ArtifactError):
    """A stored graph that TensorFlow does not build, such as one fed a value of another shape."""


class NetworkError(TfinspectError):
    """A network that does not exist, or cannot be built with these arguments."""


class CustomOpError(TfinspectError):
    """An op whose forward, gradient or declaration breaks its rules, or that no file can hold."""


class RunError(TfinspectError):
    """A run directory that is missing, occupied, incomplete or of another kind."""


class ClusterError(TfinspectError):
    """Several processes that cannot work together: one is missing, lost, or different."""


class ProcessLostError(ClusterError):
    """A process of a cluster was lost while it trained; the others can begin again."""


class TrainingDivergedError(TfinspectError):
    """The loss became NaN or infinite; training stopped and the last good checkpoint stays."""


class TrainingInterruptedError(TfinspectError):
    """Training was asked to stop, and did so after a step, with a backup (exit status 130)."""
