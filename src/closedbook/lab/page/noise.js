"use strict";
{
  const plane = draw.plane(150, [62, 262]);
  const n_draws = 2000;
  const near = { leak: 0.05, within: 0.8, part: 0.1, alpha: 3e-4 };
  // the largest sigma with which enough shares are still near: found once, by bisection
  let [low, widest] = [0, 9];
  for (let i = 0; i < 50; i++) {
    const middle = (low + widest) / 2;
    if (lab.shareWithin(near.part, middle) > near.within) low = middle;
    else widest = middle;
  }
  const chart = draw.chart({ x: [0, 12], y: [1e-5, 1], log: true, left: 62, top: 14, bottom: 54 });
  const result = (state) => lab.noise({ ...state, alpha: 10 ** state.power });
  const part = (pixels, from, to) => (pixels - from) / (to - from);

  experiment("noise", {
    handles: [{
      svg: "plane",
      name: "beta and alpha",
      at: (state) => [chart.X(state.beta), chart.Y(10 ** state.power)],
      drag: (_, [px, py]) => ({ beta: 12 * part(px, chart.left, chart.right), power: 5 * part(py, chart.bottom, chart.top) - 5 }),
      keys: (state, right, up) => ({ beta: state.beta + 0.25 * right, power: state.power + 0.1 * up }),
      say: (state) => `beta ${state.beta}, alpha ${(10 ** state.power).toPrecision(2)}`,
      range: (state) => [0, 12, state.beta],
    }],
    solved(state) {
      const { leak, within } = result(state);
      return 10 ** state.power >= near.alpha && state.n >= 5 && leak <= near.leak && within >= near.within;
    },
    draw(state, view) {
      const alpha = 10 ** state.power;
      const { sd, within, variance, leak } = result(state);
      const normals = lab.normals(4 * n_draws, state.seed);
      const shares = Array.from({ length: n_draws }, (_, i) => {
        const [a1, a2, b1, b2] = normals.slice(4 * i, 4 * i + 4);
        return lab.sigmoid(state.beta * Math.sqrt(alpha) * (a1 + a2 - b1 - b2));
      });
      const keys = Array.from({ length: 120 }, (_, i) => {
        const [a1, a2, b1, b2] = normals.slice(4 * i, 4 * i + 4).map((z) => Math.sqrt(alpha) * z);
        return draw.dot(...plane.at([1 + a1, a2]), 3, "fill a soft") + draw.dot(...plane.at([b1, 1 + b2]), 3, "fill b soft");
      });
      const [ox, oy] = plane.at([0, 0]);
      const length = 0.12 + state.beta / 10;
      view.layer("keys", draw.line(ox, oy, 310, oy, "axis") + draw.line(ox, oy, ox, 10, "axis") + keys.join("") +
        draw.dot(...plane.at([1, 0]), 4.5, "fill a ringed") + draw.dot(...plane.at([0, 1]), 4.5, "fill b ringed") +
        draw.arrow(ox, oy, ...plane.at([length, length]), "q") +
        draw.text(...plane.at([length + 0.1, length - 0.02]), "q", "name m q haloed") +
        draw.text(...plane.at([1, -0.28]), draw.sub("μ", "a"), "name a haloed") +
        draw.text(...plane.at([-0.28, 0.97]), draw.sub("μ", "b"), "name b haloed"));
      view.layer("shares", draw.histogram({
        shares, cdf: (share) => (sd === 0 ? Number(share >= 0.5) : lab.shareCdf(share, sd)), top: 14, height: 320, band: near.part / 2,
        title: "share of a",
      }));
      const least = Math.min(12, lab.betaNeeded(state.n, near.leak));
      const edge = draw.sampled(least, 12, 60, (beta) => Math.min(1, (widest / (2 * beta)) ** 2));
      const region = [[least, 1e-5], ...edge, [12, 1e-5]].map(([x, y]) => [chart.X(x), chart.Y(y)]);
      view.layer("plane", draw.shape(region, "region") + chart.axes({
        xTicks: [0, 2, 4, 6, 8, 10, 12], yTicks: [1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1], xTitle: "",
      }) + draw.text(182, 312, "β", "name m") + draw.text(10, 150, "α", "name m") +
        draw.text(chart.X(least / 2), chart.Y(3e-5), "leaks", "title") + draw.text(chart.X(8.5), chart.Y(3e-5), "survives", "title") +
        draw.text(chart.X(8), chart.Y(0.08), "varies", "title") +
        draw.dot(chart.X(state.beta), chart.Y(alpha), 5.5, "fill q"));
      const counted = shares.filter((share) => Math.abs(share - 0.5) <= near.part / 2).length / n_draws;
      view.numbers({
        sd: draw.number(sd, 2), within: draw.percent(within), counted: draw.percent(counted),
        variance: draw.number(variance, 4), leak: draw.percent(leak),
      });
    },
  });
}
