"use strict";
// Titles: the one that a text names, as text/title_index.py finds it. Texts are arrays of characters (code points).

const APOSTROPHES = "\u2018\u2019\u201a\u201b\u2032\u02bc\u00b4`";
const QUOTES = "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb";
const DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212";
const PLAIN_SIGNS = new Map();
for (const [signs, plain] of [[APOSTROPHES, "'"], [QUOTES, '"'], [DASHES, "-"]]) {
  for (const sign of signs) PLAIN_SIGNS.set(sign, plain);
}

// Scripts without blanks between words, and Korean, whose words begin after a blank but may end beside any letter.
const NO_BLANKS =
  "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\u3005-\u3007\u3021-\u312f\u31a0-\u31ff" +
  "\uff66-\uff9f\u2e80-\u2fdf\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{3ffff}";
const HANGUL = "\u1100-\u11ff\u3130-\u318f\uac00-\ud7ff";
const WORD_CHARACTER = "[\\p{L}\\p{N}_]";
const IN_BEGIN = new RegExp(`^(?:(?![${NO_BLANKS}])(?:${WORD_CHARACTER}|\\p{M}))$`, "u");
const IN_END = new RegExp(`^(?:(?![${NO_BLANKS}${HANGUL}])${WORD_CHARACTER}|(?![${NO_BLANKS}])\\p{M})$`, "u");
const IS_MARK = /^\p{M}$/u;
// Python's blanks.
const SPACES = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;

// The beginning or the end of a word, or of something else, before a character of a text.
function isEdge(text, index, inWord) {
  if (index <= 0 || index >= text.length) return true;
  const [before, at] = [text[index - 1], text[index]];
  if (IS_MARK.test(at) && !SPACES.test(before)) return false; // a mark after a blank stands alone
  return !(inWord.test(before) && inWord.test(at));
}

class TitleIndex {
  constructor(titles) {
    this.exact = new Finder(titles);
    this.ofPlain = new Map();
    for (const title of titles) {
      const plain = [...title].map(plainCharacter).join("");
      if (!this.ofPlain.has(plain)) this.ofPlain.set(plain, title);
    }
    this.alike = new Finder(this.ofPlain.keys());
  }

  // The longest title that a text has as whole words, {start, end, title}; null for none. One that is spelled
  // a little otherwise counts where no other does, or where the text has other signs and that title is longer.
  namedIn(text) {
    const characters = [...text];
    const exact = this.exact.longestIn(characters);
    if (exact && characters.every((character) => plainSign(character) === character)) return exact;
    const alike = this.alikeIn(characters);
    if (!exact || !alike) return exact ?? alike;
    return alike.end - alike.start > exact.end - exact.start ? alike : exact;
  }

  alikeIn(characters) {
    const found = this.alike.longestIn(characters.map(plainCharacter));
    if (!found) return null;
    const title = this.ofPlain.get(found.title);
    const rest = characters.slice(found.start + 1, found.end);
    const hasItsCase = rest.map(plainSign).join("") === [...title].slice(1).map(plainSign).join("");
    return title.includes(" ") || hasItsCase ? { ...found, title } : null;
  }
}

class Finder {
  constructor(titles) {
    this.titles = new Set(titles);
    this.lengths = new Map(); // by the first two characters
    for (const title of this.titles) {
      const characters = [...title];
      const first = characters.slice(0, 2).join("");
      if (!this.lengths.has(first)) this.lengths.set(first, new Set());
      this.lengths.get(first).add(characters.length);
    }
    for (const [first, lengths] of this.lengths) this.lengths.set(first, [...lengths].sort((a, b) => b - a));
  }

  longestIn(text) {
    let longest = null;
    for (let start = 0; start < text.length; start++) {
      for (const length of this.lengthsAt(text, start)) {
        if (longest && length <= longest.end - longest.start) break;
        const end = start + length;
        const title = text.slice(start, end).join("");
        const isThere = end <= text.length && this.titles.has(title);
        if (isThere && isEdge(text, start, IN_BEGIN) && isEdge(text, end, IN_END)) {
          longest = { start, end, title };
          break;
        }
      }
    }
    return longest;
  }

  lengthsAt(text, start) {
    const first = text.slice(start, start + 2);
    const longer = this.lengths.get(first.join("")) ?? [];
    return first.length > 1 && this.lengths.has(first[0]) ? [...longer, 1] : longer;
  }
}

// Folded in case, with plain quotes, dashes and blanks; one character for one.
function plainCharacter(character) {
  const plain = plainSign(character);
  if (plain === "ı" || plain === "ẞ") return plain; // these stay by the rules of case folding
  const folded = plain.toUpperCase().toLowerCase(); // "ς" becomes "σ"
  return [...plain.toUpperCase()].length === 1 && [...folded].length === 1 ? folded : character;
}

function plainSign(character) {
  const compatible = character.normalize("NFKC");
  return [...compatible].length === 1 ? PLAIN_SIGNS.get(compatible) ?? compatible : character;
}

// The lines of the text, where the page has them, whose title the question names: [{number, line}].
function linesAbout(book, question) {
  if (!book.lines) return [];
  book.titlesOfLines ??= new TitleIndex(book.lines.map(({ title }) => title).filter(Boolean));
  const named = book.titlesOfLines.namedIn(question);
  return named ? book.lines.filter(({ title }) => title === named.title) : [];
}
