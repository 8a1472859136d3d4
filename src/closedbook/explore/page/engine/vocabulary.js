"use strict";
// The vocabulary: characters as token ids, as text/vocabulary.py has it. A character is a code point.

const MASK_ID = 1;

class Vocabulary {
  // `given` has the characters, whether each is in words or a word by itself, and the ids and signs of special ones.
  constructor(given) {
    Object.assign(this, given);
    this.mask = MASK_ID;
    this.ids = new Map(this.characters.map((character, id) => [character, id]));
  }

  get isOpen() {
    return this.unknown !== null;
  }

  has(character) {
    return this.ids.has(character);
  }

  encode(text) {
    return Int32Array.from([...text], (character) => this.ids.get(character) ?? this.unknown);
  }

  // As people see it: special characters by a sign.
  decode(ids) {
    return Array.from(ids, (id) => this.signs[id] ?? this.characters[id]).join("");
  }

  // The distinct characters of a text that are not in it.
  unknownIn(text) {
    return [...new Set(text)].filter((character) => !this.ids.has(character));
  }
}
