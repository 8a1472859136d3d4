"use strict";
{
  const plane = draw.plane(62, [122, 200]);
  const n_draws = 2000;
  const maxEps = 0.2;
  const end = 0.05;
  const shrunk = 1 / 12;

  // The goal: both ends at the same beta, with small eps alone
  const remember = ({ beta, eps }, memory) => {
    if (memory.beta !== beta) Object.assign(memory, { beta, a: false, b: false });
    const share = lab.sigmoid(beta * eps);
    if (Math.abs(eps) > maxEps + 1e-9) return memory;
    memory.a ||= share >= 1 - end;
    memory.b ||= share <= end;
    return memory;
  };
  const drawKeys = ({ beta, eps }, view, epsilons) => {
    const [ox, oy] = plane.at([0, 0]);
    const length = beta * shrunk;
    const dots = epsilons.slice(0, 40).filter((one) => Math.abs(one) < 2.05);
    const cloud = draw.cloud(dots.map((one, i) => [ox + 62 * (1 + one), oy + ((i % 7) - 3) * 1.6]), 5, "a");
    view.layer("keys", draw.line(10, oy, 316, oy, "axis") + draw.line(ox, 262, ox, 60, "axis") + cloud +
      draw.mark(...plane.at([0, 1]), "b") + draw.text(ox - 24, oy - 58, draw.sub("k", "b"), "name b") +
      draw.arrow(ox, oy, ...plane.at([length, length]), "q") +
      draw.text(...plane.at([length + 0.16, length - 0.06]), "q", "name m q haloed") +
      draw.mark(...plane.at([1 + eps, 0]), "a") +
      draw.text(ox + 62 * (1 + eps), oy + 34, draw.sub("k", "a"), "name a haloed"),
    `Key a is ${draw.number(1 + eps, 2)} times as long as its mean, along its direction; key b is fixed`);
  };
  const drawCurve = ({ beta, eps }, view, share) => {
    const chart = draw.chart({ x: [-2, 2], y: [0, 1], height: 280, top: 14 });
    const pixels = (points) => points.map(([x, y]) => [chart.X(x), chart.Y(y)]);
    const bell = pixels(draw.sampled(-2, 2, 60, (x) => 0.4 * Math.exp(-x * x)));
    view.layer("curve", draw.shape([[chart.left, chart.bottom], ...bell, [chart.right, chart.bottom]], "bell") +
      draw.box(chart.X(-maxEps), chart.top, chart.X(maxEps) - chart.X(-maxEps), chart.bottom - chart.top, "band") +
        chart.axes({
      xTicks: [-2, -1, 0, 1, 2], yTicks: [0, 0.5, 1], xTitle: "ε (tinted: −0.2 to 0.2)",
      format: (tick) => `${100 * tick}%`,
    }) + draw.curve(pixels(draw.sampled(-2, 2, 160, (x) => lab.sigmoid(beta * x))), "line theory") +
      draw.line(chart.X(eps), chart.bottom, chart.X(eps), chart.Y(share), "drop") +
        draw.dot(chart.X(eps), chart.Y(share), 6, "fill c"),
    "The share against epsilon is a sigmoid, the steeper the larger beta is; " +
      `at ${draw.number(eps, 2)} it is ${draw.percent(share)}`);
  };

  experiment("fragility", {
    texts: { seed: /^[1-9]\d{0,2}$/ },
    handles: [{
      svg: "keys",
      name: "key a, along its direction",
      at: (state) => plane.at([1 + state.eps, 0]),
      drag: (_, pixels) => ({ eps: plane.from(pixels)[0] - 1 }),
      keys: (state, right, up) => ({ eps: state.eps + 0.05 * (right + up) }),
      say: (state) => `epsilon ${state.eps}`,
      range: (state) => [-2, 2, state.eps],
    }],
    played: { to: { beta: 16 }, seconds: 6 },
    goal(state, view) {
      const { a, b } = view.phase === "turn" ? remember(state, view.memory) : {};
      const seen = a && b ? "both" : a ? "a" : b ? "b" : "neither";
      return { now: { seen, share: draw.percent(lab.sigmoid(state.beta * state.eps)) }, solved: a && b };
    },
    draw({ ...state }, view) {
      // While the prediction is played the draws come one by one, and the latest is shown as c
      const drawn = lab.normals(n_draws, Number(state.seed || 1)).map((z) => z * Math.SQRT1_2);
      const epsilons = drawn.slice(0, Math.max(1, Math.round(n_draws * view.progress ** 2)));
      if (view.phase === "shown") state.eps = Math.max(-2, Math.min(2, epsilons[epsilons.length - 1]));
      const { sd, share, variance, within } = lab.fragility(state);
      const shares = epsilons.map((one) => lab.sigmoid(state.beta * one));
      drawKeys(state, view, epsilons);
      drawCurve(state, view, share);
      const cdf = (x) => lab.shareCdf(x, sd);
      view.layer("shares", draw.histogram({ shares, cdf, share, title: "share of a", ends: end }),
        `c is at a share of ${draw.percent(share)}; histogram of ${shares.length} shares of a`);
      view.table("row", {
        rows: [
          { name: draw.index("k", "a"), style: "a", score: state.beta * (1 + state.eps), weight: share },
          { name: draw.index("k", "b"), style: "b", score: state.beta, weight: 1 - share },
        ],
        c: draw.sum([[share, draw.index("v", "a")], [1 - share, draw.index("v", "b")]]),
      });
      const counted = shares.filter((one) => Math.abs(one - 0.5) <= 0.05).length / shares.length;
      view.numbers({
        within: draw.percent(within), counted: draw.percent(counted), variance: draw.number(variance, 3),
      });
    },
  });
}
