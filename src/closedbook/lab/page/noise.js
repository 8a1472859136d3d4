"use strict";
{
  const n_draws = 2000;
  const near = { leak: 0.05, within: 0.8, part: 0.1, noise: 3e-4 };
  const most = { beta: 12, shrunk: 10 };
  // the largest standard deviation of the difference with which enough shares are near: found once, by bisection
  let [low, widest] = [0, 9];
  for (let i = 0; i < 50; i++) {
    const middle = (low + widest) / 2;
    if (lab.shareWithin(near.part, middle) > near.within) low = middle;
    else widest = middle;
  }
  const chart = draw.chart({ x: [0, 12], y: [1e-5, 1], log: true, left: 62, top: 14, bottom: 54 });
  const values = draw.plane(115, [160, 150]);
  let last = [{}, null];
  const result = ({ n, beta, power }) => { // kept, as the weight of the others takes milliseconds
    const key = `${n} ${beta} ${power}`;
    if (last[0] !== key) last = [key, lab.noise({ n, beta, noise: 10 ** power })];
    return last[1];
  };
  // The keys' plane: the more noise, the smaller its unit, so that 99% of the keys lie within the picture
  const planeFor = (sigma) => {
    const unit = Math.min(150, 300 / (1 + 5.2 * sigma));
    const left = Math.max(62, 10 + 2.6 * sigma * unit);
    return draw.plane(unit, [left, 324 - left]);
  };
  const planeOf = ({ power }) => planeFor(Math.sqrt(10 ** power));
  const inPicture = ([x, y]) => Math.min(x, y, 320 - x, 320 - y) > 4;

  // Scores of a, b and the others in each draw. Four normals are the noise of a and b along mu_a and mu_b.
  const drawn = ({ n, beta, power, seed }) => {
    const sigma = Math.sqrt(10 ** power);
    const first = Number(seed || 1);
    const normals = lab.normals(4 * n_draws, first);
    const others = lab.normals((n - 2) * n_draws, 1000 + first);
    return Array.from({ length: n_draws }, (_, i) => {
      const [a1, a2, b1, b2] = normals.slice(4 * i, 4 * i + 4).map((z) => sigma * z);
      const rest = others.slice((n - 2) * i, (n - 2) * (i + 1)).map((z) => beta * sigma * Math.SQRT2 * z);
      const scores = [beta * (1 + a1 + a2), beta * (1 + b1 + b2), ...rest];
      return { a: [1 + a1, a2], b: [b1, 1 + b2], scores, weights: lab.softmax(scores) };
    });
  };

  const drawKeys = (state, view, draws) => {
    const plane = planeOf(state);
    const [ox, oy] = plane.at([0, 0]);
    const length = state.beta / most.shrunk;
    const points = (which) => draws.slice(0, 40).map((one) => plane.at(one[which])).filter(inPicture);
    const cloud = (which) => draw.cloud(points(which), 6, which);
    view.layer("keys", draw.line(10, oy, 310, oy, "axis") + draw.line(ox, 310, ox, 10, "axis") + cloud("a") +
      cloud("b") +
      draw.mark(...plane.at([1, 0]), "a", 4.5) + draw.mark(...plane.at([0, 1]), "b", 4.5) +
      draw.arrow(ox, oy, ...plane.at([length, length]), "q") +
      draw.text(plane.at([length, 0])[0] + 18, plane.at([0, length])[1] + 3, "q", "name m q haloed") +
      draw.text(plane.at([1, 0])[0], oy + 42, draw.sub("μ", "a"), "name a haloed") +
      draw.text(ox - 42, plane.at([0, 1])[1] + 5, draw.sub("μ", "b"), "name b haloed"),
    `Keys a and b, drawn around their means with variance ${(10 ** state.power).toPrecision(2)}; ` +
      `q between them, with beta ${state.beta}`);
  };
  // The outputs, and the patch in which the others have at most 5%, and a from 45% to 55% of the rest
  const drawValues = ({ n }, view, draws) => {
    const arcs = lab.arcs(n, 2);
    const others = lab.mixed(arcs.slice(2).map(() => 1 / (n - 2)), arcs.slice(2));
    const at = (share, leak) => values.at(lab.mixed([share * (1 - leak), (1 - share) * (1 - leak), leak],
      [arcs[0], arcs[1], others]));
    const patch = [at(0.45, 0), at(0.55, 0), at(0.55, near.leak), at(0.45, near.leak)];
    const points = draws.slice(0, 100).map(({ weights }) => values.at(lab.mixed(weights, arcs)));
    view.layer("values", draw.values(values, arcs) + draw.cloud(points, 4, "c") + draw.shape(patch, "target"),
      "Outputs of 100 draws among the values, and the patch around the average of v a and v b");
  };
  const drawShares = (view, shares, sd) => {
    view.layer("shares", draw.histogram({
      shares, cdf: (share) => (sd === 0 ? Number(share >= 0.5) : lab.shareCdf(share, sd)), band: near.part / 2,
      top: 14, height: 320,
      title: "share of a",
    }), `Histogram of the share of a, with a variance of ${draw.number(lab.shareVariance(sd))} around one half`);
  };

  // The least beta at which the others' weight is small enough, for each noise; kept by n
  const leastBetas = new Map();
  const leastBeta = (n, noise) => {
    let [least, high] = [0, most.beta];
    for (let i = 0; i < 12; i++) {
      const middle = (least + high) / 2;
      if (lab.noiseLeak(n, noise, middle) > near.leak) least = middle;
      else high = middle;
    }
    return high;
  };
  const region = (n) => {
    if (!leastBetas.has(n)) {
      const powers = Array.from({ length: 13 }, (_, i) => -5 + i / 6);
      leastBetas.set(n, powers.map((power) => [leastBeta(n, 10 ** power), 10 ** power]));
    }
    const left = leastBetas.get(n).filter(([beta, noise]) => beta <= widest / (2 * Math.sqrt(noise)));
    if (!left.length) return [];
    const right = draw.sampled(left[left.length - 1][0], 12, 60, (beta) => Math.min(1, (widest / (2 * beta)) ** 2));
    return [...left, ...right, [12, 1e-5]];
  };
  const drawPlane = (state, view) => {
    const tinted = region(state.n).map(([x, y]) => [chart.X(x), chart.Y(y)]);
    const noise = 10 ** state.power;
    view.layer("plane", draw.shape(tinted, "region") + chart.axes({
      xTicks: [0, 2, 4, 6, 8, 10, 12], yTicks: [1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1], xTitle: "",
    }) + draw.text(182, 312, "β", "name m") +
      draw.text(12, 152, 'σ<tspan dy="-6" class="index">2</tspan>', "name") +
      draw.text(chart.X(1.7), chart.Y(3e-5), "others count", "title") +
        draw.text(chart.X(8.5), chart.Y(3e-5), "survives", "title") +
      draw.text(chart.X(8), chart.Y(0.08), "varies", "title") +
        draw.dot(chart.X(state.beta), chart.Y(noise), 6, "fill c"),
    "Where the average survives: below a line that falls with beta, and right of a beta of about 3; " +
      `you are at beta ${state.beta}, noise ${noise.toPrecision(2)}`);
  };

  experiment("noise", {
    texts: { seed: /^[1-9]\d{0,2}$/ },
    handles: [{
      svg: "keys",
      name: "query q",
      at(state) {
        const length = Math.max(0.6, state.beta) / most.shrunk; // so that a query of length zero still has a handle
        return planeOf(state).at([length, length]);
      },
      drag(state, pixels) {
        const [x, y] = planeOf(state).from(pixels);
        return { beta: (most.shrunk * (x + y)) / 2 };
      },
      keys: (state, right, up) => ({ beta: state.beta + 0.25 * (right + up) }),
      say: (state) => `beta ${state.beta}`,
      range: (state) => [0, most.beta, state.beta],
    }],
    played: { from: { beta: 0, power: -3, n: 5 }, to: { beta: 12, power: -3, n: 5 }, seconds: 6 },
    goal(state) {
      const { leak, within } = result(state);
      const solved = 10 ** state.power >= near.noise && leak <= near.leak && within >= near.within;
      return { now: { leak: draw.percent(leak), within: draw.percent(within) }, solved };
    },
    draw(state, view) {
      const { sd, within } = result(state);
      const draws = drawn(state);
      const shares = draws.map(({ scores: [a, b] }) => lab.sigmoid(a - b));
      drawKeys(state, view, draws);
      drawValues(state, view, draws);
      drawShares(view, shares, sd);
      drawPlane(state, view);
      const [{ scores, weights }] = draws;
      const shown = scores.slice(0, 8).map((score, i) => ({
        name: draw.index("k", draw.names[i]), style: draw.hue(i), score, weight: weights[i],
      }));
      view.table("row", {
        rows: shown, caption: scores.length > 8 ? `the first 8 of ${scores.length} keys` : "",
        c: draw.sum([[weights[0], draw.index("v", "a")], [weights[1], draw.index("v", "b")],
          [1 - weights[0] - weights[1], "others"]]),
      });
      const counted = shares.filter((share) => Math.abs(share - 0.5) <= near.part / 2).length / n_draws;
      view.numbers({ sd: draw.number(sd, 2), within2: draw.percent(within), counted: draw.percent(counted) });
    },
  });
}
