"use strict";
// The model, character after character: GPT and both Perceivers, as model/gpt.py, model/blocks.py and model/strided.py
// have them. Keys and values of earlier characters are kept, so that a character is computed once.

class Model {
  constructor(book) {
    this.config = book.config;
    this.weights = book.weights;
    this.vocabulary = new Vocabulary(book.vocabulary);
    this.prefixes = this.config.hasPrefixes ? new PrefixTrie(this.vocabulary, book.words) : null;
    this.names = this.config.hasNames ? new NameTrie(this.prefixes, book.titles) : null;
    this.spelling = new Spelling(this.vocabulary, book.titles, book.wordings);
    this.calibration = book.calibration;
    const { variant, nLayer } = this.config;
    const isPerceiver = variant === "perceiver";
    this.blocks = [];
    for (let i = 0; i < nLayer - (isPerceiver ? 2 : 0); i++) {
      this.blocks.push(new Block(this, `blocks.${i}.`, isPerceiver ? i + 1 : i, "self"));
    }
    if (isPerceiver) {
      this.down = new Block(this, "down_block.", 0, "down");
      this.up = new Block(this, "up_block.", nLayer - 1, "up");
    }
  }

  idsOf(text) {
    return this.vocabulary.encode(text);
  }

  textOf(ids) {
    return this.vocabulary.decode(ids);
  }

  // A new text. Switches: `tables` false leaves out what the tables have; `beta` multiplies every attention score; the
  // heads in `off`, such as "0.1" for block 0, head 1, put out zeros.
  begin(switches = {}) {
    return new State(this, { tables: true, beta: 1, off: [], ...switches });
  }

  row(name, index) {
    const width = this.config.nEmbd;
    return this.weights[name].subarray(index * width, (index + 1) * width);
  }
}

// The layers of one block; `number` counts from 0 at the input.
class Block {
  constructor(model, prefix, number, kind) {
    Object.assign(this, { model, prefix, number, kind });
  }

  parameters(name) {
    return ["weight", "bias"].map((kind) => this.model.weights[`${this.prefix}${name}.${kind}`]);
  }

  linear(x, name) {
    return linear(x, ...this.parameters(name));
  }

  normalized(x, name) {
    return layerNorm(x, ...this.parameters(name));
  }

  feedForward(x) {
    const hidden = this.linear(this.normalized(x, "ln2"), "mlp.0");
    return added(x, this.linear(hidden.map(gelu), "mlp.2"));
  }

  query(x, position) {
    return this.placed(this.linear(x, "attn.query"), position);
  }

  key(x, position) {
    return this.placed(this.linear(x, "attn.key"), position);
  }

  value(x) {
    return this.linear(x, "attn.value");
  }

  // Rotated, unless the position is null or the model's positions are learned.
  placed(x, position) {
    return position === null || !this.model.config.isRotary ? x : rotated(x, position, this.model.config.nHeads);
  }
}

// What was read of one text.
class State {
  constructor(model, switches) {
    this.model = model;
    this.switches = switches;
    this.n = 0;
    this.tables = model.prefixes ? new TableReader(model) : null;
    this.caches = model.blocks.map(() => new Cache());
    this.nLatents = 0;
    this.characters = new Cache(); // the Perceiver's: for its way down
    this.latents = new Cache(); // and for its way up
    this.own = new Cache();
  }

  // The same text so far, which can go on otherwise.
  copy() {
    const copy = Object.assign(Object.create(State.prototype), this);
    copy.tables = this.tables?.copy() ?? null;
    copy.caches = this.caches.map((cache) => cache.copy());
    for (const name of ["characters", "latents", "own"]) copy[name] = this[name].copy();
    return copy;
  }

  // Read one more character.
  feed(id) {
    const { model } = this;
    if (this.n >= model.config.blockSize) throw new Error(`the model reads ${model.config.blockSize} characters`);
    this.attention = [];
    let x = model.row("tok_emb.weight", id).slice();
    if (model.config.hasPositions) x = added(x, model.row("pos_emb", this.n));
    const rows = this.tables ? this.tables.read(id, x, this.switches.tables) : null;
    x = model.down ? this.throughLatents(x) : this.throughBlocks(x, this.n, { at: this.n });
    this.n += 1;
    return new Step(model, x, this.attention, rows);
  }

  // Through the self-attention blocks; `position` counts what they have read, characters or latents.
  throughBlocks(x, position, read) {
    this.model.blocks.forEach((block, number) => {
      const normalized = block.normalized(x, "ln1");
      const cache = this.caches[number];
      cache.push(block.key(normalized, position), block.value(normalized), read);
      x = block.feedForward(added(x, this.attend(block, block.query(normalized, position), cache)));
    });
    return x;
  }

  throughLatents(x) {
    const { isStrided, segmentSize, nLatents } = this.model.config;
    const { down, up } = this.model;
    const position = isStrided ? this.n : null; // the assignment's cross-attention knows no positions
    this.characters.push(down.key(x, position), down.value(x), { at: this.n });
    // A latent is computed when the last character that it reads was read, and is never changed.
    if (isStrided ? (this.n + 1) % segmentSize === 0 : this.nLatents < nLatents) this.addLatent(position);
    if (!isStrided) return up.feedForward(added(x, this.attend(up, up.query(x, null), this.latents)));
    const normalized = up.normalized(x, "ln1");
    if (this.n % segmentSize === 0) this.own = new Cache();
    this.own.push(up.key(normalized, position), up.value(normalized), { at: this.n });
    return up.feedForward(added(x, this.attend(up, up.query(normalized, position), this.own.and(this.latents))));
  }

  addLatent(position) {
    const { down, up } = this.model;
    const read = { latent: this.nLatents, from: 0, to: this.n };
    const basis = this.model.row("down_block.C", this.nLatents);
    const q = down.query(down.normalized(basis, "ln1"), position);
    let latent = down.feedForward(added(basis, this.attend(down, q, this.characters, read)));
    latent = up.normalized(this.throughBlocks(latent, this.nLatents, read), "ln1");
    this.latents.push(up.key(latent, position), up.value(latent), read);
    this.nLatents += 1;
  }

  // The attention's output, projected; its weights are noted. `reader` is the latent that reads, if it is one.
  attend(block, q, cache, reader = null) {
    const { beta, off } = this.switches;
    const { nHeads } = this.model.config;
    const isOff = new Set([...Array(nHeads).keys()].filter((head) => off.includes(`${block.number}.${head}`)));
    const { o, weights } = attend(q, cache.keys, cache.values, nHeads, beta, isOff);
    const keys = cache.read.slice();
    weights.forEach((of, head) => {
      this.attention.push({ block: block.number, kind: block.kind, head, reader, keys, weights: of });
    });
    return block.linear(o, "attn.proj");
  }
}

// What the model makes of one character.
class Step {
  constructor(model, x, attention, rows) {
    Object.assign(this, { model, x, attention, rows });
  }

  // Of the next character; computed when they are asked for, which inside a question nobody does.
  get logits() {
    const { weights } = this.model;
    this.made ??= linear(layerNorm(this.x, weights["ln_f.weight"], weights["ln_f.bias"]), weights["head.weight"]);
    return this.made;
  }
}

// Keys and values, and what each was computed from: {at: position} or {latent, from, to}.
class Cache {
  constructor(keys = [], values = [], read = []) {
    Object.assign(this, { keys, values, read });
  }

  push(key, value, read) {
    this.keys.push(key);
    this.values.push(value);
    this.read.push(read);
  }

  copy() {
    return this.and(new Cache());
  }

  and(other) {
    return new Cache([...this.keys, ...other.keys], [...this.values, ...other.values], [...this.read, ...other.read]);
  }
}
