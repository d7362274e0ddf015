// Characters of the text and the codes that the network sees.

/** The characters of a text that the weights have no letters for, each once. */
export function unknownCharacters({ characters, has_other: hasOther }, text) {
  const known = new Set(characters);
  return hasOther ? [] : [...new Set(text)].filter((character) => !known.has(character));
}

/** Codes of a text whose characters are known, or stand for "other"; and one for its end where the weights have it. */
export function encode({ characters, has_other: hasOther, has_end: hasEnd }, text) {
  const codes = new Map([...characters].map((character, code) => [character, code]));
  const end = codes.size + (hasOther ? 1 : 0);
  return [...Array.from(text, (character) => codes.get(character) ?? codes.size), ...(hasEnd ? [end] : [])];
}
