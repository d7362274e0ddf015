// A text to lines.

/** Lines of at most `length` characters, broken at spaces; a longer word is cut. Blank lines stay, as "". */
export function wrap(text, length) {
  return text.split("\n").flatMap((paragraph) => {
    const lines = [""];
    for (const word of paragraph.split(/\s+/).filter(Boolean)) {
      const joined = lines.at(-1) ? `${lines.at(-1)} ${word}` : word;
      if ([...joined].length <= length) lines[lines.length - 1] = joined;
      else lines.push(...pieces(word, length));
    }
    return lines.length > 1 ? lines.filter(Boolean) : lines;
  });
}

function pieces(word, length) {
  const characters = [...word];
  const count = Math.ceil(characters.length / length);
  return Array.from({ length: count }, (_, n) => characters.slice(n * length, (n + 1) * length).join(""));
}
