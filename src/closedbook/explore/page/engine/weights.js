"use strict";
// What the page has of the run: a JSON object, and two packed parts, deflated bytes in base64: weights, and texts.

// The book: all that Python wrote into the page. `weights` are arrays and tables by name.
async function readBook() {
  const book = JSON.parse(document.getElementById("book").textContent);
  const [weights, texts] = await Promise.all(["weights", "texts"].map(inflatedPart));
  return { ...book, ...JSON.parse(new TextDecoder().decode(texts)), weights: unpackedWeights(book.tensors, weights) };
}

async function inflatedPart(id) {
  const text = atob(document.getElementById(id).textContent.trim());
  const packed = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) packed[i] = text.charCodeAt(i);
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Each tensor's parts follow one another, little-endian (explore/weights.py): its steps, as float32; a bit for each row
// where rows are left out; and its integers, whose low bytes come before the high ones.
function unpackedWeights(tensors, bytes) {
  let at = 0;
  const take = (length) => bytes.slice(at, (at += length));
  const floats = (n) => new Float32Array(take(4 * n).buffer);
  const weights = {};
  for (const { name, shape, nBytes, nSteps, nKept, isTable } of tensors) {
    const nRows = shape[0];
    const width = shape.slice(1).reduce((product, size) => product * size, 1);
    if (nBytes === 4) {
      weights[name] = floats(nRows * width);
      continue;
    }
    const steps = floats(nSteps);
    const keptBits = nKept < nRows ? take(Math.ceil(nRows / 8)) : null;
    const low = take(nKept * width);
    const integers = nBytes === 1 ? new Int8Array(low.buffer) : joinedBytes(low, take(nKept * width));
    const table = new Table(integers, steps, keptRows(nRows, keptBits), width);
    weights[name] = isTable ? table : table.all();
  }
  return weights;
}

function joinedBytes(low, high) {
  const integers = new Int16Array(low.length);
  for (let i = 0; i < low.length; i++) integers[i] = low[i] | (high[i] << 8);
  return integers;
}

// For each row its index among those that are kept, -1 for a row of zeros.
function keptRows(nRows, bits) {
  const kept = new Int32Array(nRows);
  let n = 0;
  for (let row = 0; row < nRows; row++) kept[row] = !bits || (bits[row >> 3] >> (row & 7)) & 1 ? n++ : -1;
  return kept;
}

// Rows of integers; a weight is its integer times a step, which is one for all rows, or one for each.
class Table {
  constructor(integers, steps, kept, width) {
    Object.assign(this, { integers, steps, kept, width });
  }

  // Add a row to a vector.
  addTo(x, row) {
    const kept = this.kept[row];
    if (kept < 0) return;
    const step = this.steps[this.steps.length === 1 ? 0 : kept];
    const begin = kept * this.width;
    for (let c = 0; c < this.width; c++) x[c] += this.integers[begin + c] * step;
  }

  all() {
    const values = new Float32Array(this.kept.length * this.width);
    for (let row = 0; row < this.kept.length; row++) {
      this.addTo(values.subarray(row * this.width, (row + 1) * this.width), row);
    }
    return values;
  }
}
