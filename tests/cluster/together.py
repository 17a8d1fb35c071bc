"""Functions called together, each as a process of a cluster would be."""

import threading

from processes import SECONDS

from tfinspect.errors import ClusterError


def in_threads(*functions):
    """Calls all functions together; returns the text of the error of each, None where none was."""
    ended = {}

    def one(number, function):
        try:
            function()
            ended[number] = None
        except ClusterError as error:
            ended[number] = str(error)

    pairs = enumerate(functions)
    threads = [threading.Thread(target=one, args=pair, daemon=True) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(SECONDS)
        assert not thread.is_alive(), f"it goes on after {SECONDS} s"
    return [ended[number] for number in range(len(functions))]
