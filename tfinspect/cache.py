"""Where downloads and converted data sets are kept between runs."""

import os


def cache_directory() -> str:
    """Returns the cache's directory: `$TFINSPECT_CACHE`, else `tfinspect` in the user's cache.

    It is not created here.
    """
    chosen = os.environ.get("TFINSPECT_CACHE")
    if chosen:
        return chosen
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "tfinspect")
