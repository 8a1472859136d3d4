"use strict";
// The lab's mathematics: pure functions of numbers, independent of the page; tests compare them with Python.
// Keys are called a, b, d, e, ... since c is the output. Vectors are plain arrays.

const lab = {
  // ---- vectors ----
  dot: (x, y) => x.reduce((sum, value, i) => sum + value * y[i], 0),
  distance: (x, y) => Math.hypot(...x.map((value, i) => value - y[i])),
  rotated: ([x, y], angle) => [x * Math.cos(angle) - y * Math.sin(angle), x * Math.sin(angle) + y * Math.cos(angle)],
  onCircle: (degrees) => lab.rotated([1, 0], (degrees * Math.PI) / 180),

  // ---- attention ----
  softmax(logits) {
    const highest = Math.max(...logits); // without it exp overflows beyond 709
    const exps = logits.map((logit) => Math.exp(logit - highest));
    const total = exps.reduce((sum, value) => sum + value, 0);
    return exps.map((value) => value / total);
  },
  mixed: (weights, values) => values[0].map((_, axis) => lab.dot(weights, values.map((value) => value[axis]))),
  // c = sum_i alpha_i v_i with alpha = softmax(k_i . q)
  attention(keys, query, values) {
    const logits = keys.map((key) => lab.dot(key, query));
    const alpha = lab.softmax(logits);
    return { logits, alpha, c: lab.mixed(alpha, values) };
  },

  // ---- probability ----
  sigmoid: (x) => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x))),
  logit: (share) => Math.log(share / (1 - share)),
  density: (z) => Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI),
  // P(Z <= z): 1/2 + density(z) (z + z^3/3 + z^5/15 + ...); all terms have the same sign, so nothing cancels.
  normalCdf(z) {
    if (z < 0) return 1 - lab.normalCdf(-z);
    if (z > 9) return 1;
    let term = z;
    let sum = z;
    for (let odd = 3; term > 1e-17 * sum; odd += 2) {
      term *= (z * z) / odd;
      sum += term;
    }
    return 0.5 + lab.density(z) * sum;
  },
  // E f(Z), Z ~ N(0, 1), by the trapezoidal rule. For sigmoid(s Z) its error is about e^(-2 pi^2 / (s step)): under
  // 1e-17 for s up to 24, the end of the sliders.
  expectation(f, step = 0.02) {
    let sum = 0;
    for (let i = -Math.round(9 / step); i <= 9 / step; i++) sum += f(i * step) * lab.density(i * step);
    return sum * step;
  },
  moments(f, step) {
    const mean = lab.expectation(f, step);
    return { mean, variance: lab.expectation((z) => (f(z) - mean) ** 2, step) };
  },
  // Uniform numbers in (0, 1), the same for the same seed in every browser (mulberry32, a hashed counter).
  random(seed) {
    let counter = seed >>> 0;
    return () => {
      counter = (counter + 0x6d2b79f5) >>> 0;
      let bits = Math.imul(counter ^ (counter >>> 15), counter | 1);
      bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
      return (((bits ^ (bits >>> 14)) >>> 0) + 0.5) / 4294967296;
    };
  },
  // n draws of N(0, 1) by the Box-Muller transform
  normals(n, seed) {
    const uniform = lab.random(seed);
    return Array.from({ length: n }, () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform()));
  },
  counts(shares, n_bins) {
    const bins = new Array(n_bins).fill(0);
    for (const share of shares) bins[Math.min(n_bins - 1, Math.floor(share * n_bins))] += 1;
    return bins;
  },

  // ---- a share = sigmoid(N(0, sd^2)): logit-normal ----
  shareCdf: (share, sd) => (share <= 0 ? 0 : share >= 1 ? 1 : lab.normalCdf(lab.logit(share) / sd)),
  shareVariance: (sd) => lab.moments((z) => lab.sigmoid(sd * z)).variance,
  // P(the share differs from a half by at most this part of a half): part = 0.1 is 45% to 55%
  shareWithin: (part, sd) => (sd === 0 ? 1 : 2 * lab.normalCdf(lab.logit((1 + part) / 2) / sd) - 1),

  // ---- copying ----
  margin: (logits, wanted) => logits[wanted] - Math.max(...logits.filter((_, i) => i !== wanted)),
  // the upper bound on 1 - alpha_wanted
  copyingBound: (n, margin) => 1 / (1 + Math.exp(margin) / (n - 1)),
  marginNeeded: (n, error) => Math.log(((n - 1) * (1 - error)) / error),
  // n keys on the unit circle, `offsets` degrees away from even spacing; q of length beta at `angle` degrees
  copying({ n, beta, angle, offsets = [] }) {
    const keys = lab.circle(n, 0).map((_, i) => lab.onCircle((360 * i) / n + (offsets[i] || 0)));
    const values = lab.circle(n, 110);
    const query = lab.onCircle(angle).map((x) => beta * x);
    const { logits, alpha, c } = lab.attention(keys, query, values);
    const maxDistance = Math.max(...values.map((value) => lab.distance(value, values[0])));
    const margin = lab.margin(logits, 0);
    const error = lab.distance(c, values[0]) / maxDistance;
    return { keys, values, query, logits, alpha, c, margin, leak: 1 - alpha[0], bound: lab.copyingBound(n, margin),
      error };
  },
  circle: (n, first) => Array.from({ length: n }, (_, i) => lab.onCircle(first - (360 * i) / n)),

  // ---- averaging ----
  // the weight of each of `wanted` keys of n for q = beta (sum of those keys), keys orthonormal
  averagingWeight: (n, beta, wanted = 2) => 1 / (wanted + (n - wanted) * Math.exp(-beta)),
  averagingLeak: (n, beta, wanted = 2) => 1 - wanted * lab.averagingWeight(n, beta, wanted),
  betaNeeded: (n, leak, wanted = 2) => Math.log(((n - wanted) * (1 - leak)) / (wanted * leak)),
  // the values of the experiments below: the wanted ones on the upper arc of the circle, a first; the others below
  arcs(n, wanted) {
    const spread = (from, to, count, i) => from + ((to - from) * (i + 0.5)) / count;
    return Array.from({ length: n }, (_, i) =>
      lab.onCircle(i < wanted ? spread(190, -10, wanted, i) : spread(200, 340, n - wanted, i - wanted)));
  },
  // orthonormal keys, q = x k_a + y k_b
  averaging({ n, x, y }) {
    const values = lab.arcs(n, 2);
    const alpha = lab.softmax(values.map((_, i) => (i === 0 ? x : i === 1 ? y : 0)));
    const c = lab.mixed(alpha, values);
    const middle = lab.mixed([0.5, 0.5], values.slice(0, 2));
    const maxDistance = Math.max(...values.map((value) => lab.distance(value, middle)));
    const others = lab.mixed(values.slice(2).map(() => 1 / (n - 2)), values.slice(2));
    // error of q = beta (k_a + k_b): the leak times the distance of the mean of all other values
    const errorAt = (beta) => (lab.averagingLeak(n, beta) * lab.distance(others, middle)) / maxDistance;
    return { values, alpha, c, middle, leak: 1 - alpha[0] - alpha[1], error: lab.distance(c, middle) / maxDistance,
      errorAt };
  },

  // ---- noise ----
  // k_i ~ N(mu_i, noise I), q = beta (mu_a + mu_b): k_a . q - k_b . q ~ N(0, sd^2)
  noiseSd: (noise, beta) => 2 * Math.sqrt(noise) * beta,
  noise({ n, noise, beta }) {
    const sd = lab.noiseSd(noise, beta);
    return { sd, within: lab.shareWithin(0.1, sd), leak: lab.noiseLeak(n, noise, beta) };
  },
  // E[weight of all keys but a and b]: the logits are independent, of variance 2 noise beta^2 and mean beta for a and
  // b, else 0. The integral is that of closedbook/lab/moments.py, with t = e^u, and the same nodes.
  noiseLeak(n, noise, beta) {
    const sd = Math.sqrt(2 * noise) * beta;
    const nodes = lab.normalNodes(sd);
    const reach = nodes[nodes.length - 1].x;
    let sum = 0;
    for (let u = -beta - reach - 37; u < reach + 4; u += 0.3) {
      const [wanted, other] = [lab.laplace(nodes, u + beta), lab.laplace(nodes, u)];
      sum += other.slope * other.value ** (n - 3) * wanted.value ** 2;
    }
    return (n - 2) * 0.3 * sum;
  },
  // Evenly spaced x with their probabilities for N(0, sd^2)
  normalNodes(sd) {
    if (sd === 0) return [{ x: 0, p: 1 }];
    const step = Math.min(0.7 * sd, 0.3);
    const half = Math.ceil((8.5 * sd) / step);
    const nodes = Array.from({ length: 2 * half + 1 }, (_, i) => (i - half) * step);
    const parts = nodes.map((x) => Math.exp(-0.5 * (x / sd) ** 2));
    const total = parts.reduce((sum, part) => sum + part, 0);
    return nodes.map((x, i) => ({ x, p: parts[i] / total }));
  },
  // E[e^-y] and E[y e^-y] for y = e^(u + x)
  laplace(nodes, u) {
    let [value, slope] = [0, 0];
    for (const { x, p } of nodes) {
      const y = Math.exp(Math.min(700, u + x));
      const decay = p * Math.exp(-y);
      value += decay;
      slope += y * decay;
    }
    return { value, slope };
  },

  // ---- fragility ----
  // k_a = (1 + eps) mu_a, eps ~ N(0, 1/2), q = beta (mu_a + mu_b): share = sigmoid(beta eps)
  fragilitySd: (beta) => beta / Math.SQRT2,
  fragility({ beta, eps }) {
    const sd = lab.fragilitySd(beta);
    const within = lab.shareWithin(0.1, sd);
    return { sd, share: lab.sigmoid(beta * eps), variance: lab.shareVariance(sd), within };
  },

  // ---- heads ----
  // Heads with the queries x mu_a + y mu_b, and c the mean of their outputs: each head's scores and weights of a, of b
  // and of all n - 2 others together, for one eps of k_a = (1 + eps) mu_a
  headsScores: (queries, { n, eps }) => queries.map(([x, y]) => {
    const scores = [x * (1 + eps), y, 0];
    return { scores, weights: lab.softmax([scores[0], scores[1], Math.log(n - 2)]) };
  }),
  // The weights in c of v_a, of v_b and of each other value
  headsWeights(queries, { n, eps }) {
    const heads = lab.headsScores(queries, { n, eps });
    const [a, b, others] = [0, 1, 2].map((i) => heads.reduce((sum, { weights }) => sum + weights[i], 0) / heads.length);
    return { a, b, others: others / (n - 2) };
  },
  // Over eps ~ N(0, 1/2): mean and variance of the weight of v_a, and the mean weight of all others
  heads({ n, queries, step }) {
    const weights = (z) => lab.headsWeights(queries, { n, eps: z * Math.SQRT1_2 });
    const { mean, variance } = lab.moments((z) => weights(z).a, step);
    return { mean, variance, leak: (n - 2) * lab.expectation((z) => weights(z).others, step) };
  },
  oneHead: (beta) => [[beta, beta]],
  twoHeads: (beta) => [[beta, 0], [0, beta]],

  // ---- projections of the same tokens to queries, keys and values ----
  // x1 = u_d + u_b, x2 = u_a, x3 = u_c + u_b, in the order u_a, u_b, u_c, u_d
  tokens: [[0, 1, 0, 1], [1, 0, 0, 0], [0, 1, 1, 0]],
  // queryAxes[i]: the axis (0 to 3) of token i's query, or -1 for Q = identity; kept: V's diagonal; K = identity
  // added: how much of u_d is added to x2
  projections({ scale, queryAxes, kept, added = 0 }) {
    const tokens = lab.tokens.map((token, i) => (i === 1 ? [token[0], token[1], token[2], token[3] + added] : token));
    const unit = (axis) => [0, 1, 2, 3].map((i) => (i === axis ? 1 : 0));
    const queries = tokens.map((token, i) => (queryAxes[i] < 0 ? token : unit(queryAxes[i])).map((x) => scale * x));
    const values = tokens.map((token) => token.map((x, axis) => kept[axis] * x));
    const rows = queries.map((query) => lab.attention(tokens, query, values));
    return { tokens, logits: rows.map((row) => row.logits), alpha: rows.map((row) => row.alpha),
      c: rows.map((row) => row.c) };
  },

  // ---- positions ----
  // Three words in an order, followed by the query; the first is at position `shift`.
  sentence: { contents: [[-0.42, 0.91], [0, -1], [0.83, -0.56]], query: [0.88, 0.48], scale: 2 },
  learned: lab_learned(),
  withPosition(vector, position, kind) {
    if (kind === "rotary") return lab.rotated(vector, position);
    if (kind === "sinusoid") return [vector[0] + Math.sin(position), vector[1] + Math.cos(position)];
    if (kind === "learned") return [vector[0] + lab.learned[2 * position], vector[1] + lab.learned[2 * position + 1]];
    return vector;
  },
  positions({ kind, shift, order }) {
    const { contents, query: content, scale } = lab.sentence;
    const values = lab.circle(3, 90);
    const keys = order.map((word, i) => lab.withPosition(contents[word], shift + i, kind));
    const query = lab.withPosition(content, shift + order.length, kind).map((x) => scale * x);
    return { keys, query, ...lab.attention(keys, query, order.map((word) => values[word])), values };
  },
};

// A stand-in for a learned table: a random vector for each of 32 positions.
function lab_learned() {
  const uniform = ((seed) => () => (seed = (seed * 16807) % 2147483647) / 2147483647)(20);
  return Array.from({ length: 64 }, () => 2 * uniform() - 1);
}
window.lab = lab;
