"""Where a language lets a word be broken, by pyphen and its dictionaries."""

from collections.abc import Callable, Sequence

from graves_jax.errors import InputError


def hyphenator(language: str) -> Callable[[str], Sequence[int]]:
    """A function from a word to the places, counted in characters, behind which it may be broken.

    Args:
      language: as "en_GB", "de_DE" or "fr".
    Raises:
      InputError: pyphen is not installed or has no dictionary of the language.
    """
    try:
        import pyphen
    except ModuleNotFoundError:
        raise InputError(
            "Hyphenation needs the optional extra 'hyphenation', found it missing: "
            "pip install 'graves_jax[hyphenation]'."
        ) from None
    found = pyphen.language_fallback(language)
    if found is None:
        raise InputError(f"Expected a language out of {', '.join(sorted(pyphen.LANGUAGES))}, found {language!r:.40}.")
    dictionary = pyphen.Pyphen(lang=found)
    return lambda word: [int(place) for place in dictionary.positions(word)]
