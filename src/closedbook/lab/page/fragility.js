"use strict";
{
  const plane = draw.plane(62, [122, 200]);
  const n_draws = 2000;
  const maxEps = 0.2;
  const end = 0.05;

  // The challenge: both ends at the same beta, with small eps alone.
  const remember = ({ beta, eps }, memory) => {
    if (memory.beta !== beta) Object.assign(memory, { beta, a: false, b: false });
    const share = lab.sigmoid(beta * eps);
    if (Math.abs(eps) <= maxEps + 1e-9) Object.assign(memory, { a: memory.a || share >= 1 - end, b: memory.b || share <= end });
    return memory;
  };

  experiment("fragility", {
    handles: [{
      svg: "keys",
      name: "key a, along its direction",
      at: (state) => plane.at([1 + state.eps, 0]),
      drag: (_, pixels) => ({ eps: plane.from(pixels)[0] - 1 }),
      keys: (state, right, up) => ({ eps: state.eps + 0.05 * (right + up) }),
      say: (state) => `epsilon ${state.eps}`,
      range: (state) => [-2, 2, state.eps],
    }],
    solved(state, memory) {
      const { a, b } = remember(state, memory);
      return a && b;
    },
    draw(state, view) {
      const { beta, eps } = state;
      const { sd, share, variance, within, ends } = lab.fragility(state);
      const epsilons = lab.normals(n_draws, state.seed).map((z) => z * Math.SQRT1_2);
      const shares = epsilons.map((one) => lab.sigmoid(beta * one));
      const [ox, oy] = plane.at([0, 0]);
      const length = beta / 12;
      const dots = epsilons.slice(0, 160).filter((one) => Math.abs(one) < 2.05);
      const cloud = draw.cloud(dots.map((one, i) => [ox + 62 * (1 + one), oy + ((i % 7) - 3) * 1.6]), 5, "a");
      view.layer("keys", draw.line(10, oy, 316, oy, "axis") + draw.line(ox, 262, ox, 60, "axis") + cloud +
        draw.dot(...plane.at([0, 1]), 6, "fill b") + draw.text(ox - 24, oy - 58, draw.sub("k", "b"), "name b") +
        draw.arrow(ox, oy, ...plane.at([length, length]), "q") +
        draw.text(...plane.at([length + 0.16, length - 0.06]), "q", "name m q haloed") +
        draw.dot(...plane.at([1 + eps, 0]), 6, "fill a") + draw.text(ox + 62 * (1 + eps), oy + 34, draw.sub("k", "a"), "name a haloed"));

      const chart = draw.chart({ x: [-2, 2], y: [0, 1], height: 280, top: 14 });
      const bell = draw.sampled(-2, 2, 60, (x) => 0.4 * Math.exp(-x * x)).map(([x, y]) => [chart.X(x), chart.Y(y)]);
      view.layer("curve", draw.shape([[chart.left, chart.bottom], ...bell, [chart.right, chart.bottom]], "bell") +
        draw.box(chart.X(-maxEps), chart.top, chart.X(maxEps) - chart.X(-maxEps), chart.bottom - chart.top, "band") + chart.axes({
        xTicks: [-2, -1, 0, 1, 2], yTicks: [0, 0.5, 1], xTitle: "ε (tinted: at most 0.2)",
        format: (tick) => `${100 * tick}%`,
      }) + draw.curve(draw.sampled(-2, 2, 100, (x) => lab.sigmoid(beta * x)).map(([x, y]) => [chart.X(x), chart.Y(y)]), "line theory") +
        draw.line(chart.X(eps), chart.bottom, chart.X(eps), chart.Y(share), "drop") + draw.dot(chart.X(eps), chart.Y(share), 6, "fill c"));
      view.layer("shares", draw.histogram({ shares, cdf: (x) => lab.shareCdf(x, sd), share, title: "share of a", band: 0.05 }));

      const { a, b } = remember(state, view.memory);
      const counted = shares.filter((one) => Math.abs(one - 0.5) <= 0.05).length / n_draws;
      view.numbers({
        share: draw.percent(share), within: draw.percent(within), counted: draw.percent(counted), ends: draw.percent(ends),
        variance: draw.number(variance, 3), seen: a && b ? "both" : a ? "near a" : b ? "near b" : "neither",
      });
    },
  });
}
