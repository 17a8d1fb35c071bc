"""What another library's error says, in one line."""

_LONGEST = 300


def reason(error: Exception) -> str:
    """Returns an error's text without line breaks, or its type where it has none."""
    return " ".join(str(error).split())[:_LONGEST] or type(error).__name__
