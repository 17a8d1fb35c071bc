"""What to do when a process of a cluster was lost, in one sentence."""

import os


def start_again(checkpoint: str, command: str, output: str) -> str:
    """Words how a run that lost a process is gone on with.

    Args:
      checkpoint: of the last backup; empty where none is known.
      command: whose run it is.
      output: path of the run directory.
    """
    again = f"tfinspect {command} --resume --output {output}"
    if checkpoint:
        return f"{last_backup(checkpoint)} Start every process again with `{again}`."
    # Who fails before the first backup leaves no run; who is killed leaves its description.
    return (
        f"{last_backup(checkpoint)} Start every process again without --resume, with the command "
        f"of the beginning; or, where '{output}' still holds a run, with `{again}`."
    )


def last_backup(checkpoint: str) -> str:
    """Words which backup is the last; empty where none is known."""
    name = os.path.basename(checkpoint)
    return f"The last backup is {name}." if name else "No backup is known."
