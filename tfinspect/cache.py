"""Where downloads and converted data sets are kept between runs."""

import os


def cache_directory() -> str:
    """Returns the cache's directory: `$TFINSPECT_CACHE`, else `tfinspect` in the user's cache.

    It is not created here.
    """
    return os.environ.get("TFINSPECT_CACHE") or _user_cache()


def local_cache_directory() -> str:
    """Returns the cache's directory on this machine, for what cannot be written elsewhere.

    It is the cache itself, or the user's own one where `$TFINSPECT_CACHE` is remote.
    """
    chosen = cache_directory()
    return _user_cache() if "://" in chosen else chosen


def _user_cache() -> str:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "tfinspect")
