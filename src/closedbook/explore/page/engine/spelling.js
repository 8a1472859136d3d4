"use strict";
// Spelling: what was typed, in the characters and the wording that the run knows, as text/spelling.py and
// text/wordings.py have it.

const ALIKE = [
  `'${APOSTROPHES}`,
  `"${QUOTES}`,
  `-${DASHES}\u30fc\uff0d`,
  "?\uff1f\u061f\u037e\u2047\ufe56",
  "!\uff01\ufe57",
  ".\uff0e\u3002\uff61\u0964\u06d4\u1362",
  ",\uff0c\u3001\u060c\uff64",
  ";\uff1b\u061b",
  ":\uff1a",
  "(\uff08",
  ")\uff09",
]; // signs that mean the same, the plainest first
const SIGNS = new Map(ALIKE.flatMap((signs) => [...signs].map((sign) => [sign, [...signs]])));
const KEPT_FOR_US = /[\ufdd0-\ufdd7]/;
const WORD = new RegExp(`(?:(?![${NO_BLANKS}])${WORD_CHARACTER})+|[${NO_BLANKS}]`, "gu");
const N_STEM = 4; // words that have as many first letters in common are taken for one
const LEAST_LIKENESS = 0.24;

class Spelling {
  constructor(vocabulary, titles, wordings) {
    this.vocabulary = vocabulary;
    this.titles = titles.length ? new TitleIndex(titles) : null;
    this.wordings = new Wordings(wordings.map(([before, after]) => ({ before, after })));
    this.readAs = new Map();
  }

  // The question as the model is asked; a note where it was typed otherwise; the error where it cannot be asked.
  asked(typed, blockSize) {
    const refused = (error) => ({ asked: typed, note: null, error });
    const trimmed = trimmedOf(typed);
    if (trimmed.includes("\n")) return refused("a question is one line; ask each line by itself");
    const fields = typed.split("\t");
    if (fields.length > 2) return refused("a question has no tabs; write it without");
    const question = trimmedOf(fields[0]);
    if (!question) return refused("no question yet; write one");
    if (KEPT_FOR_US.test(question)) return refused("it has a character kept for closedbook's own use; delete it");
    const asked = this.of(question);
    const unknown = this.vocabulary.unknownIn(asked);
    if (unknown.length && !this.vocabulary.isOpen) {
      return refused(`${byName(unknown)}: not among the characters of the run's text; spell it with those`);
    }
    const needed = [...asked].length + 2;
    if (needed > blockSize) {
      const given = `the question needs ${needed} characters (two for the masks)`;
      return refused(`${given}, and the model reads ${blockSize}; shorten it`);
    }
    return { asked, note: this.note(question, asked, unknown), error: null };
  }

  note(typed, asked, unknown) {
    const parts = asked === typed.normalize("NFC") ? [] : [`read as “${asked}”`];
    if (unknown.length) parts.push(`${byName(unknown)}: not in the run's vocabulary`);
    return parts.join("; ") || null;
  }

  // The text in the run's characters, titles and wordings; unknown characters stay.
  of(text) {
    const spelled = [...text.normalize("NFC")].map((character) => this.character(character)).join("");
    const named = this.titles?.namedIn(spelled);
    if (!named) return spelled;
    const characters = [...spelled];
    const asked = { before: characters.slice(0, named.start).join(""), after: characters.slice(named.end).join("") };
    const { before, after } = this.wordings.nearest(asked);
    return before + named.title + after;
  }

  character(character) {
    if (this.vocabulary.has(character)) return character;
    if (!this.readAs.has(character)) {
      const isKnown = (text) => [...text].every((each) => this.vocabulary.has(each));
      this.readAs.set(character, candidates(character).find(isKnown) ?? character);
    }
    return this.readAs.get(character);
  }
}

// What may stand for an unknown character, the nearest first; "" for one that nobody sees.
function candidates(character) {
  const compatible = character.normalize("NFKC");
  const decomposed = character.normalize("NFD");
  const bare = [...decomposed].filter((each) => !isCombining(each)).join("") || decomposed;
  return [
    ...(/\p{Cf}/u.test(character) ? [""] : []),
    ...(/\p{Zs}/u.test(character) ? [" "] : []),
    ...(SIGNS.get(character) ?? []),
    ...(SIGNS.get(compatible) ?? []),
    compatible,
    ...(/^[!-~]$/.test(character) ? [String.fromCharCode(character.charCodeAt(0) + 0xfee0)] : []), // its wide form
    decomposed,
    bare,
    character.toLowerCase(),
    character.toUpperCase(),
    character === "\u2026" ? "..." : character,
    bare.toLowerCase(),
    bare.toUpperCase(),
  ];
}

// Whether a character has a combining class: then normalizing moves it past another mark of a higher or lower class.
function isCombining(character) {
  const [low, high] = ["\u0334", "\u0345"]; // classes 1 and 240
  const movesBefore = (mark, other) => `${other}${mark}`.normalize("NFD") === mark + other;
  return movesBefore(low, character) || movesBefore(character, high);
}

// The templates that the run was trained on.
class Wordings {
  constructor(templates) {
    this.templates = templates;
    this.known = new Set(templates.map(templateKey));
    this.words = templates.map(wordsOfTemplate);
    this.nTemplates = new Map();
    for (const word of this.words.flatMap((words) => [...words.keys()])) {
      this.nTemplates.set(word, (this.nTemplates.get(word) ?? 0) + 1);
    }
  }

  // The template that has most in common with another; this itself where it is known, or nothing is near.
  nearest(asked) {
    const words = wordsOfTemplate(asked);
    if (this.known.has(templateKey(asked)) || !this.templates.length || !words.size) return asked;
    const likeness = this.words.map((of) => this.likeness(of, words));
    const nearest = likeness.reduce((best, value, i) => (value > likeness[best] ? i : best), 0);
    return likeness[nearest] >= LEAST_LIKENESS ? this.templates[nearest] : asked;
  }

  likeness(of, words) {
    const either = new Map([...of, ...words]);
    let [both, all] = [0, 0];
    for (const [word, length] of either) {
      const weight = length ** 2 * Math.log(1 + this.templates.length / Math.max(1, this.nTemplates.get(word) ?? 0));
      all += weight;
      if (of.has(word) && words.has(word)) both += weight;
    }
    return both / all;
  }
}

function templateKey({ before, after }) {
  return `${before}\n${after}`;
}

// The length of each word, by its first letters.
function wordsOfTemplate({ before, after }) {
  const words = `${before} ${after}`.match(WORD) ?? [];
  return new Map(words.map((word) => [[...word].slice(0, N_STEM).join("").toLowerCase(), [...word].length]));
}

function byName(characters) {
  const codeOf = (character) => character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
  return characters.map((character) => `“${character}” (U+${codeOf(character)})`).join(", ");
}

function trimmedOf(text) {
  const blank = new RegExp(`^${SPACES.source}|${SPACES.source}$`, "g");
  return text.replace(blank, "");
}
