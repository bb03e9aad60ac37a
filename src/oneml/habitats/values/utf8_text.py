"""Text that UTF-8 can hold."""


def utf8_text(text: str) -> str:
    """Return ``text`` with what UTF-8 cannot hold spelt out: names of files that are no text have such in them."""
    return text.encode(errors="backslashreplace").decode()
