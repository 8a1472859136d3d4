"use strict";
// Layers: linear, LayerNorm, GELU and attention of one position at a time, on Float32Arrays.

// W x + b; W has a row for each output. Four rows at a time take a third of the time of one: their sums do not wait for
// each other.
function linear(x, weight, bias) {
  const n = x.length;
  const y = new Float32Array(weight.length / n);
  const nFours = y.length - (y.length % 4);
  for (let row = 0; row < nFours; row += 4) {
    const [a, b, c, d] = [row * n, (row + 1) * n, (row + 2) * n, (row + 3) * n];
    let [sumA, sumB, sumC, sumD] = [0, 0, 0, 0];
    for (let i = 0; i < n; i++) {
      const value = x[i];
      sumA += weight[a + i] * value;
      sumB += weight[b + i] * value;
      sumC += weight[c + i] * value;
      sumD += weight[d + i] * value;
    }
    y[row] = sumA;
    y[row + 1] = sumB;
    y[row + 2] = sumC;
    y[row + 3] = sumD;
  }
  for (let row = nFours; row < y.length; row++) for (let i = 0; i < n; i++) y[row] += weight[row * n + i] * x[i];
  return bias ? added(y, bias) : y;
}

function layerNorm(x, weight, bias) {
  let mean = 0;
  for (const value of x) mean += value / x.length;
  let variance = 0;
  for (const value of x) variance += (value - mean) ** 2 / x.length;
  const scale = 1 / Math.sqrt(variance + 1e-5);
  return x.map((value, c) => (value - mean) * scale * weight[c] + bias[c]);
}

const ERFC = [
  -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587, -0.82215223,
  0.17087277,
];

// x P(Z <= x). The error function is within 1.2e-7 (Numerical Recipes, section 6.2, erfcc).
function gelu(x) {
  const z = Math.abs(x) / Math.SQRT2;
  const t = 1 / (1 + z / 2);
  const tail = (t / 2) * Math.exp(-z * z + ERFC.reduceRight((sum, term) => sum * t + term));
  return x * (x < 0 ? tail : 1 - tail);
}

function added(x, y) {
  return x.map((value, c) => value + y[c]);
}

// Channels m and m + D/2 of each head, rotated by position * 10000^(-2m/D), as model/kernels/rotary.py does.
function rotated(x, position, nHeads) {
  const size = x.length / nHeads;
  const half = size / 2;
  const y = new Float32Array(x.length);
  for (let m = 0; m < half; m++) {
    const angle = Math.fround(position * Math.fround(10000 ** (-m / half)));
    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
    for (let begin = m; begin < x.length; begin += size) {
      y[begin] = x[begin] * cos - x[begin + half] * sin;
      y[begin + half] = x[begin] * sin + x[begin + half] * cos;
    }
  }
  return y;
}

// One query's attention over keys and values, each a vector of all heads, whose size is D:
//     o = sum_j softmax_j(beta q . k_j / sqrt(D)) v_j
// The output of the heads in `off` is zero.
function attend(q, keys, values, nHeads, beta, off) {
  const size = q.length / nHeads;
  const o = new Float32Array(q.length);
  const weights = [];
  for (let head = 0; head < nHeads; head++) {
    const [begin, end] = [head * size, (head + 1) * size];
    const alpha = new Float32Array(keys.length);
    for (let j = 0; j < keys.length; j++) {
      const k = keys[j];
      let sum = 0;
      for (let c = begin; c < end; c++) sum += q[c] * k[c];
      alpha[j] = (beta * sum) / Math.sqrt(size);
    }
    softmax(alpha);
    weights.push(alpha);
    if (off.has(head)) continue;
    for (let j = 0; j < values.length; j++) {
      const [v, weight] = [values[j], alpha[j]];
      for (let c = begin; c < end; c++) o[c] += weight * v[c];
    }
  }
  return { o, weights };
}

// In place.
function softmax(e) {
  let highest = -Infinity;
  for (const value of e) highest = Math.max(highest, value);
  let total = 0;
  for (let j = 0; j < e.length; j++) total += e[j] = Math.exp(e[j] - highest);
  for (let j = 0; j < e.length; j++) e[j] /= total;
  return e;
}

// The natural logarithms of softmax, as a new array of double precision.
function logSoftmax(logits) {
  let highest = -Infinity;
  for (const value of logits) highest = Math.max(highest, value);
  let total = 0;
  for (const value of logits) total += Math.exp(value - highest);
  const shift = highest + Math.log(total);
  return Float64Array.from(logits, (value) => value - shift);
}
