"use strict";
// The tables: what the prefix table and the name table have for each character, as model/prefix_table.py and
// model/name_table.py find it. A word is its row in the prefix table.

const OUTSIDE = 0; // the row of a character outside of words
const UNKNOWN = -1; // in place of a row that there is none of
const MAX_WORDS = 4;

// The prefixes of words, numbered from 1 on, level by level.
class PrefixTrie {
  constructor(vocabulary, words) {
    this.vocabulary = vocabulary;
    this.rows = new Map();
    this.isAlone = [false]; // by row: whether it is a word of one character by itself
    const sorted = words.map((word) => vocabulary.encode(word)).sort(inOrder);
    let level = [{ row: OUTSIDE, begin: 0, end: sorted.length }];
    for (let depth = 0; level.length; depth++) {
      level = level.flatMap((node) => this.extend(node, sorted, depth));
    }
  }

  extend({ row, begin, end }, words, depth) {
    const below = [];
    while (begin < end && words[begin].length === depth) begin++;
    while (begin < end) {
      const id = words[begin][depth];
      let next = begin + 1;
      while (next < end && words[next][depth] === id) next++;
      const child = this.rows.size + 1;
      this.rows.set(row * this.vocabulary.characters.length + id, child);
      this.isAlone.push(this.vocabulary.alone[id]);
      below.push({ row: child, begin, end: next });
      begin = next;
    }
    return below;
  }

  get nRows() {
    return this.rows.size + 1;
  }

  // The row of the prefix that ends at a character, after the row of the character before.
  after(row, id) {
    if (!this.vocabulary.inWord[id]) return OUTSIDE;
    if (this.vocabulary.alone[id] || this.isAlone[Math.max(row, 0)]) row = OUTSIDE;
    return row === UNKNOWN ? UNKNOWN : this.rows.get(row * this.vocabulary.characters.length + id) ?? UNKNOWN;
  }

  // Whether a word ends before a character with this row, after `previous`.
  endsWord(previous, row) {
    const isAfterWord = row === OUTSIDE || this.isAlone[Math.max(row, 0)] || this.isAlone[Math.max(previous, 0)];
    return isAfterWord && previous !== OUTSIDE;
  }

  // The words of a text, as rows.
  wordsOf(ids) {
    const words = [];
    let row = OUTSIDE;
    for (const id of ids) {
      const next = this.after(row, id);
      if (this.endsWord(row, next)) words.push(row);
      row = next;
    }
    return row === OUTSIDE ? words : [...words, row];
  }
}

function inOrder(a, b) {
  for (let i = 0; i < a.length && i < b.length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}

// The names of two to four words in titles: each key is the node before its last word, and that word.
class NameTrie {
  constructor(prefixes, titles) {
    this.nRows = prefixes.nRows;
    this.nodes = new Map();
    const all = titles.map((title) => prefixes.wordsOf(prefixes.vocabulary.encode(title)));
    for (let n = 2; n <= MAX_WORDS; n++) {
      const keys = new Set();
      for (const words of all) {
        for (let i = n - 1; i < words.length; i++) {
          const key = this.key(this.node(words.slice(i - n + 1, i)), words[i]);
          if (key !== UNKNOWN) keys.add(key);
        }
      }
      for (const key of [...keys].sort((a, b) => a - b)) this.nodes.set(key, this.nRows + this.nodes.size);
    }
  }

  key(node, word) {
    return node === UNKNOWN || word === UNKNOWN ? UNKNOWN : node * this.nRows + word;
  }

  // The node of words in a row.
  node(words) {
    return words.slice(1).reduce((node, word) => this.nodes.get(this.key(node, word)) ?? UNKNOWN, words[0]);
  }

  // The names that end with the last of some words: rows of the name table, and how many words each has.
  endingIn(words) {
    const found = [];
    for (let n = 2; n <= Math.min(MAX_WORDS, words.length); n++) {
      const node = this.node(words.slice(-n));
      if (node !== UNKNOWN) found.push({ row: node - this.nRows, n });
    }
    return found;
  }
}

// What the tables have, character after character.
class TableReader {
  constructor(model) {
    this.model = model;
    this.row = OUTSIDE;
    this.text = ""; // of the word so far
    this.words = []; // the last four: {row, text}
  }

  copy() {
    return Object.assign(new TableReader(this.model), this); // words are replaced, never changed
  }

  // Read a character, and add what the tables have for it to x where they `areOn`; says what was found.
  read(id, x, areOn) {
    const { prefixes, names, vocabulary, weights } = this.model;
    const row = prefixes.after(this.row, id);
    let found = [];
    if (prefixes.endsWord(this.row, row)) {
      this.words = [...this.words, { row: this.row, text: this.text }].slice(-MAX_WORDS);
      found = names ? names.endingIn(this.words.map((word) => word.row)) : [];
      this.text = "";
    }
    this.row = row;
    this.text = row === OUTSIDE ? "" : this.text + vocabulary.decode([id]);
    if (areOn) {
      if (row > OUTSIDE) weights["prefix_table.table.weight"].addTo(x, row);
      this.addNames(found, x);
    }
    return {
      prefix: row === OUTSIDE ? "outside" : row === UNKNOWN ? "unknown" : "found",
      text: this.text,
      names: found.map(({ n }) => this.words.slice(-n).map((word) => word.text).join(" ")),
    };
  }

  addNames(found, x) {
    if (!found.length) return;
    const { weights } = this.model;
    const table = weights["name_table.table.weight"];
    const projection = weights["name_table.projection.weight"];
    const vector = new Float32Array(table.width);
    for (const { row } of found) table.addTo(vector, row);
    const added = projection ? linear(vector, projection) : vector;
    for (let c = 0; c < x.length; c++) x[c] += added[c];
  }
}
