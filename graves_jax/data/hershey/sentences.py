"""Sentences to write: a word list and a few templates, so that every character is met often enough to be learned.

Running English hardly ever shows a Q, an X, a Z, a digit or a bracket, and those are the letters at which networks
that learned from it fail. So a tenth of the pieces are codes and words in capitals, and another tenth
are sums, prices, dates and the like.
"""

import numpy as np

from graves_jax.errors import InputError


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


NOUNS = _words("""
time day night week month year hour minute morning evening summer winter autumn spring house home room door window
roof wall floor kitchen garden tree leaf flower grass river lake sea ocean island beach hill mountain valley field
forest road street bridge city town village market shop school church museum library station train bus boat ship
plane wheel engine machine clock watch lamp fire water wind rain snow ice storm cloud sky sun moon star earth stone
rock sand gold silver iron wood glass paper pen ink pencil book page letter word line story poem song music piano
violin drum dance game ball box bag cup plate knife fork spoon bottle bread butter cheese milk egg apple orange lemon
grape onion soup sugar salt coffee tea juice cake dinner lunch breakfast dog cat horse cow sheep pig fox wolf bear
lion tiger zebra mouse rabbit bird eagle owl duck fish whale snake frog spider bee king queen prince knight soldier
doctor nurse lawyer judge teacher student child boy girl man woman mother father brother sister uncle aunt friend
neighbour stranger guest farmer baker painter writer poet actor singer sailor pilot driver question answer problem
reason idea plan dream hope fear joy peace war truth quiz puzzle prize jacket shirt shoe hat coat glove ring key lock
rope chain map picture mirror candle table chair desk bed pillow blanket carpet basket barrel axe hammer nail
ladder fence gate tower castle palace bank price money coin tax job jungle jewel journey quarrel quilt squirrel
quantity quality zero zone zoo size breeze maze prism text exam example taxi mixture proxy oxygen exit luxury
""")
VERBS = _words("""
was had made took gave found saw knew came went left kept held lost sold bought brought thought taught caught wrote
read drew sang played worked walked talked asked answered called cried laughed smiled jumped climbed fell rose
opened closed moved turned pulled pushed carried dropped lifted passed reached crossed followed led met helped loved
hated feared missed wanted needed used tried learned studied watched heard felt touched tasted cooked baked ate drank
slept dreamed woke waited stayed lived died grew cut broke fixed mended built painted washed cleaned filled counted
measured weighed mixed boxed relaxed expected explained examined excused existed quit quoted questioned squeezed
froze seized gazed realised organised recognised amazed puzzled buzzed joined judged enjoyed injured rejected
""")
ADJECTIVES = _words("""
good bad new old young big small long short high low wide narrow deep thick thin heavy light strong weak fast slow
quick quiet loud soft hard warm cold hot cool dry wet clean dirty full empty rich poor cheap dear kind cruel brave
shy proud calm angry happy sad tired busy lazy wise foolish clever simple plain strange common rare early late red
blue green yellow brown black white grey pink purple golden dark bright pale round square flat sharp smooth rough
fresh sweet bitter sour ripe wild gentle honest public secret foreign modern ancient huge tiny crazy dizzy fuzzy hazy
exact extra complex equal opaque jolly major minor next final whole
""")
SMALL_WORDS = _words("""
the a an and or but if so as of in on at by to up for from with into over under after before between about against
through without within near behind beyond since until while where when why how who what which that this these those
it he she we they you I me him her us them my your his its our their is are be been am were do does did has have can
could will would shall should may might must not no yes very too also just only even still again never always often
soon now then here there more most less much many few some any each every all both other such than like
""")
NAMES = _words("""
Adam Alice Anna Arthur Beatrix Ben Boris Clara Conrad Cyril Daisy David Diana Edgar Ella Emma Felix Fiona Frank
George Gina Grace Harry Helen Hugo Ida Ian Iris Jack Jane Jasper Jon Julia Karl Kate Kim Laura Leo Lucy Mark Mary
Max Nadia Nina Noah Olga Oscar Otto Paul Penny Peter Quentin Quincy Rita Robin Rosa Sam Simon Sofia Tim Tom Tracy
Ulla Una Ursula Vera Victor Vivian Wanda Will Wendy Xander Xavier Xenia Yan Yolanda Yusuf Zack Zara Zelda Zoe
Africa Berlin Cairo Dublin Egypt France Geneva Havana India Japan Kenya London Mexico Norway Oxford Paris Quebec Rome
Spain Texas Utah Venice Wales York Zurich Monday Tuesday Wednesday Thursday Friday Saturday Sunday January June
""")
_WORDS_OF_SLOT = {"N": NOUNS, "V": VERBS, "A": ADJECTIVES, "S": SMALL_WORDS, "P": NAMES}
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

# A capital that no small letter follows is a slot: noun, verb, adjective, small word, proper name.
_SENTENCES = """
The A N V the N.|The N and the N V.|P V some N.|A A N V the N.|My N V, but the N V.|Who V the A N?|S N S N S A N.
P V P in P.|Has P V the N?|It's the N!|You're A, P.|What a A N!|No N, no N: S V.|"I'm A," P V.|P said: "S N!"
The N (A, A) V.|The N-N V S N; P V.|Every N of P's V.|They didn't see the A N.|When P V, a A N V the N.|Let's go to P!
How A P V!|P & P V a N.|It was A - S they V.|P's N V S P's N.|S N S N S N S N.|That isn't P's N.|The A, A N V.
"""
_SENTENCES = [template.split() for template in _SENTENCES.replace("\n", "|").split("|") if template]
_VOWELS = "aeiou"
# What follows any capital like a name: "Q" + "indow".
_SOUNDING_ENDS = [noun[1:] for noun in NOUNS if noun[1] in _VOWELS and noun[0] not in _VOWELS]


def make_sentence(rng: np.random.Generator, *, min_characters: int, max_characters: int) -> str:
    """A line of text to write: words, names, numbers and punctuation, single spaces between.

    Args:
      rng: where every choice comes from.
      min_characters, max_characters: bounds of the length, both included.
    Raises:
      InputError: not 1 <= min_characters <= max_characters.
    """
    if not 1 <= min_characters <= max_characters:
        raise InputError(
            f"Expected 1 <= min_characters <= max_characters, found {min_characters} and {max_characters}."
        )
    goal = int(rng.integers(min_characters, max_characters + 1))
    text = ""
    while len(text) < goal:
        tokens = _piece(rng)
        # Half of the lines start somewhere in a sentence, as on a page, so that not every short one says "The".
        first = int(rng.integers(len(tokens))) if not text and rng.random() < 0.5 else 0
        for token in tokens[first:]:
            longer = f"{text} {token}" if text else token
            if len(longer) > goal:
                return _fill(rng, text, min_characters)
            text = longer
    return text


def _fill(rng: np.random.Generator, text: str, min_characters: int) -> str:
    """Adds short words, and at last a full stop, until the text is exactly long enough, where it is not yet."""
    while len(text) < min_characters:
        room = min_characters - len(text) - bool(text)
        fitting = [word for word in SMALL_WORDS if len(word) <= room]
        text = f"{text} {_pick(rng, fitting)}".strip() if fitting else text + "."
    return text


def _piece(rng: np.random.Generator) -> list[str]:
    """The tokens of a sentence or of something with digits, symbols or capitals."""
    kind = rng.random()
    if kind < 0.8:
        return _sentence(rng)
    return _figures(rng) if kind < 0.9 else _capitals(rng)


def _sentence(rng: np.random.Generator) -> list[str]:
    """A template with its slots filled; it starts with a capital."""
    tokens = [_fill_slots(rng, token) for token in _pick(rng, _SENTENCES)]
    for i, following in enumerate(tokens[1:]):
        if tokens[i] == "a" and following[0] in _VOWELS:
            tokens[i] = "an"
    start = next(i for i, c in enumerate(tokens[0]) if c.isalpha())
    return [tokens[0][:start] + tokens[0][start:].capitalize(), *tokens[1:]] if tokens[0].islower() else tokens


def _fill_slots(rng: np.random.Generator, token: str) -> str:
    """Replaces each slot of the token, as in `N,` or `N-N` or `P's`, by a word of its kind."""
    followed_by = [*token[1:], ""]
    return "".join(
        _pick(rng, _WORDS_OF_SLOT[c]) if c in _WORDS_OF_SLOT and not following.islower() else c
        for c, following in zip(token, followed_by, strict=True)
    )


def _figures(rng: np.random.Generator) -> list[str]:
    """Something with digits and the symbols that go with them."""
    a, b, c, d = (int(n) for n in rng.integers(0, 100, 4))
    noun, name = _pick(rng, NOUNS), _pick(rng, NAMES)
    forms = [
        f"{a} + {b} = {a + b}",
        f"{a + b} - {b} = {a}",
        f"{b % 10} * {c % 10} = {(b % 10) * (c % 10)}",
        f"${a}.{b:02d} for {c} {noun}s",
        f"{a}% of {b}{c:02d}",
        f"{1 + a % 31}/{1 + b % 12}/{1_900 + c}",
        f"{a % 24}:{b % 60:02d} to {c % 24}:{d % 60:02d}",
        f"#{a}{b} & #{c}",
        f"{name.lower()}{a}@{noun}.org",
        f"{name} & {a} {noun}s ({b}/{c})",
        f"No. {a}{b}{c}, {name}",
        f"{noun}*, {a}; {noun}-{b}!",
        f"@{noun}{a}? @{name}?",
        f"{noun}; {a}% + ${b}; why?",
        f"[{a}] {noun}_{b} {{{c}}} <{d}>",
        f"{name} | ~{a}^{b} `{noun}` \\ {c}",
        f"Q{a}: {noun}? X = {b}, Z = {c}.",
    ]
    return _pick(rng, forms).split()


def _capitals(rng: np.random.Generator) -> list[str]:
    """A code of capitals and digits, initials, names, or a word all in capitals. Each capital is equally likely."""
    letters = [_LETTERS[i] for i in rng.integers(0, 26, 4)]
    digits = int(rng.integers(0, 1_000))
    forms = [
        f"{letters[0]}. {letters[1]}. {_pick(rng, NAMES)}",
        f"{letters[0]}{letters[1]}-{digits}{letters[2]}",
        f"{''.join(letters)} {digits}",
        f"{_pick(rng, NOUNS).upper()}!",
        f"{letters[0]}{_pick(rng, _SOUNDING_ENDS)} {letters[1]}{_pick(rng, _SOUNDING_ENDS)}",
        f"{_pick(rng, NAMES)}, {_pick(rng, NAMES)} and {_pick(rng, NAMES)}",
        f"{letters[0]}/{letters[1]} ({letters[2]})",
    ]
    return _pick(rng, forms).split()


def _pick(rng: np.random.Generator, options):
    """One of the options, each equally likely."""
    return options[int(rng.integers(len(options)))]
