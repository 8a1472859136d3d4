"use strict";
{
  const n_draws = 2000;
  const near = { leak: 0.05, within: 0.8, part: 0.1, noise: 3e-4 };
  // the largest sigma with which enough shares are still near: found once, by bisection
  let [low, widest] = [0, 9];
  for (let i = 0; i < 50; i++) {
    const middle = (low + widest) / 2;
    if (lab.shareWithin(near.part, middle) > near.within) low = middle;
    else widest = middle;
  }
  const chart = draw.chart({ x: [0, 12], y: [1e-5, 1], log: true, left: 62, top: 14, bottom: 54 });
  const result = (state) => lab.noise({ ...state, noise: 10 ** state.power });
  const part = (pixels, from, to) => (pixels - from) / (to - from);
  // The keys' plane: the more noise, the smaller its unit, so that 99% of the keys lie within the picture
  const planeFor = (sigma) => {
    const unit = Math.min(150, 300 / (1 + 5.2 * sigma));
    const low = Math.max(62, 10 + 2.6 * sigma * unit);
    return draw.plane(unit, [low, 324 - low]);
  };
  const inPicture = ([x, y]) => Math.min(x, y, 320 - x, 320 - y) > 4;
  // The least beta at which the others' weight is small enough, for each noise up to the widest; kept by n
  const leastBetas = new Map();
  const leastBeta = (n, noise) => {
    let [low, high] = [0, 12];
    for (let i = 0; i < 12; i++) {
      const middle = (low + high) / 2;
      if (lab.noiseLeak(n, noise, middle) > near.leak) low = middle;
      else high = middle;
    }
    return high;
  };
  const region = (n) => {
    if (!leastBetas.has(n)) {
      const powers = Array.from({ length: 13 }, (_, i) => -5 + i / 6);
      leastBetas.set(n, powers.map((power) => [leastBeta(n, 10 ** power), 10 ** power]));
    }
    const most = (noise) => widest / (2 * Math.sqrt(noise));
    const left = leastBetas.get(n).filter(([beta, noise]) => beta <= most(noise));
    if (!left.length) return [];
    const right = draw.sampled(left[left.length - 1][0], 12, 60, (beta) => Math.min(1, (widest / (2 * beta)) ** 2));
    return [...left, ...right, [12, 1e-5]];
  };

  experiment("noise", {
    handles: [{
      svg: "plane",
      name: "beta and noise",
      at: (state) => [chart.X(state.beta), chart.Y(10 ** state.power)],
      drag: (_, [px, py]) => ({ beta: 12 * part(px, chart.left, chart.right), power: 5 * part(py, chart.bottom, chart.top) - 5 }),
      keys: (state, right, up) => ({ beta: state.beta + 0.25 * right, power: state.power + 0.1 * up }),
      say: (state) => `beta ${state.beta}, noise ${(10 ** state.power).toPrecision(2)}`,
      range: (state) => [0, 12, state.beta],
    }],
    solved(state) {
      const { leak, within } = result(state);
      return 10 ** state.power >= near.noise && state.n >= 5 && leak <= near.leak && within >= near.within;
    },
    draw(state, view) {
      const noise = 10 ** state.power;
      const sigma = Math.sqrt(noise);
      const plane = planeFor(sigma);
      const { sd, within, variance, leak } = result(state);
      const normals = lab.normals(4 * n_draws, state.seed);
      const shares = Array.from({ length: n_draws }, (_, i) => {
        const [a1, a2, b1, b2] = normals.slice(4 * i, 4 * i + 4);
        return lab.sigmoid(state.beta * sigma * (a1 + a2 - b1 - b2));
      });
      const shown = Array.from({ length: 120 }, (_, i) => normals.slice(4 * i, 4 * i + 4).map((z) => sigma * z));
      const keys = draw.cloud(shown.map(([a1, a2]) => plane.at([1 + a1, a2])).filter(inPicture), 6, "a") +
        draw.cloud(shown.map(([, , b1, b2]) => plane.at([b1, 1 + b2])).filter(inPicture), 6, "b");
      const [ox, oy] = plane.at([0, 0]);
      const length = state.beta / 10;
      view.layer("keys", draw.line(10, oy, 310, oy, "axis") + draw.line(ox, 310, ox, 10, "axis") + keys +
        draw.dot(...plane.at([1, 0]), 4.5, "fill a ringed") + draw.dot(...plane.at([0, 1]), 4.5, "fill b ringed") +
        draw.arrow(ox, oy, ...plane.at([length, length]), "q") +
        draw.text(plane.at([length, 0])[0] + 15, plane.at([0, length])[1] + 3, "q", "name m q haloed") +
        draw.text(plane.at([1, 0])[0], oy + 42, draw.sub("μ", "a"), "name a haloed") +
        draw.text(ox - 42, plane.at([0, 1])[1] + 5, draw.sub("μ", "b"), "name b haloed"));
      view.layer("shares", draw.histogram({
        shares, cdf: (share) => (sd === 0 ? Number(share >= 0.5) : lab.shareCdf(share, sd)), top: 14, height: 320, band: near.part / 2,
        title: "share of a",
      }));
      const least = leastBeta(state.n, 1e-5);
      const tinted = region(state.n).map(([x, y]) => [chart.X(x), chart.Y(y)]);
      view.layer("plane", draw.shape(tinted, "region") + chart.axes({
        xTicks: [0, 2, 4, 6, 8, 10, 12], yTicks: [1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1], xTitle: "",
      }) + draw.text(182, 312, "β", "name m") + draw.text(12, 152, '<tspan class="m">σ</tspan><tspan dy="-6" class="index">2</tspan>', "name") +
        draw.text(chart.X(least / 2), chart.Y(3e-5), "leaks", "title") + draw.text(chart.X(8.5), chart.Y(3e-5), "survives", "title") +
        draw.text(chart.X(8), chart.Y(0.08), "varies", "title") +
        draw.dot(chart.X(state.beta), chart.Y(noise), 5.5, "fill q"));
      const counted = shares.filter((share) => Math.abs(share - 0.5) <= near.part / 2).length / n_draws;
      view.numbers({
        sd: draw.number(sd, 2), within: draw.percent(within), counted: draw.percent(counted),
        variance: draw.number(variance, 4), leak: draw.percent(leak),
      });
    },
  });
}
