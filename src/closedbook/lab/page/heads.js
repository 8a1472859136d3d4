"use strict";
{
  const plane = draw.plane(62, [90, 230]);
  const values = draw.plane(115, [160, 150]);
  const n = 8;
  const n_draws = 400;
  const shrunk = 1 / 12; // of the queries
  const goal = { variance: 0.03, leak: 0.1 };
  const arcs = lab.arcs(n, 2);
  const middle = lab.mixed([0.5, 0.5], arcs.slice(0, 2));
  const queriesOf = ({ x1, y1, x2, y2 }) => [[x1, y1], [x2, y2]];
  let last = ["", null];
  const result = (state) => {
    const key = queriesOf(state).join();
    if (last[0] !== key) last = [key, lab.heads({ n, queries: queriesOf(state) })];
    return last[1];
  };
  const limited = (x) => Math.max(0, Math.min(16, x));

  const outputs = (queries, epsilons) => {
    const points = epsilons.map((eps) => {
      const { a, b, others } = lab.headsWeights(queries, { n, eps });
      return values.at(lab.mixed(arcs.map((_, j) => (j === 0 ? a : j === 1 ? b : others)), arcs));
    });
    return draw.values(values, arcs) + draw.bubbles(points, "fill c drawn") +
      draw.dot(...values.at(middle), 13, "target");
  };
  const drawKeys = (state, view, epsilons) => {
    const [ox, oy] = plane.at([0, 0]);
    const dots = epsilons.slice(0, 40).filter((one) => Math.abs(one) < 2.2);
    const beside = dots.map((one, i) => [ox + 62 * (1 + one), oy + ((i % 7) - 3) * 1.6])
      .filter(([x]) => x > 4 && x < 316);
    const arrows = queriesOf(state).map(([x, y], i) => {
      const [px, py] = plane.at([x * shrunk, y * shrunk]);
      return draw.arrow(ox, oy, px, py, i ? "q second" : "q") +
        draw.text(px + (i ? -20 : 20), py - 8, draw.sub("q", i + 1), "name q haloed");
    });
    view.layer("keys", draw.line(6, oy, 314, oy, "axis") + draw.line(ox, 300, ox, 60, "axis") +
      draw.cloud(beside, 5, "a") +
      draw.mark(...plane.at([0, 1]), "b") + draw.mark(...plane.at([1, 0]), "a") +
      draw.text(ox - 30, oy - 58, draw.sub("k", "b"), "name b") +
        draw.text(...plane.at([1, -0.62]), draw.sub("k", "a"), "name a haloed") +
      arrows.join(""),
    `q 1 is ${state.x1} times mu a plus ${state.y1} times mu b, ` +
      `q 2 is ${state.x2} times mu a plus ${state.y2} times mu b`);
  };
  const drawTable = (view, eps, { scores, weights: [a, b, others] }, i) => {
    view.table(`row${i + 1}`, {
      caption: `head ${i + 1}${i ? "" : `, key a ${draw.number(1 + eps, 2)} times as long as its mean`}`,
      rows: [
        { name: draw.index("k", "a"), style: "a", score: scores[0], weight: a },
        { name: draw.index("k", "b"), style: "b", score: scores[1], weight: b },
        { name: "others", style: "rest", score: 0, weight: others / (n - 2), times: n - 2 },
      ],
      c: draw.sum([[a, draw.index("v", "a")], [b, draw.index("v", "b")], [others, "others"]]),
    });
  };

  const curves = [["one head", lab.oneHead], ["two heads", lab.twoHeads]].map(([name, queries]) => ({
    name, points: () => draw.sampled(0, 24, 48, (beta) => lab.heads({ n, queries: queries(beta), step: 0.1 }).variance),
  }));
  let curved = null; // the two curves never change
  const drawCurve = (view, variance) => {
    const chart = draw.chart({ x: [0, 24], y: [0, 0.26], top: 14 });
    curved ??= curves.map(({ name, points }) => [name, points().map(([x, y]) => [chart.X(x), chart.Y(y)])]);
    const lines = curved.map(([name, points], i) => draw.curve(points, i ? "line theory" : "line bound dashed") +
      draw.text(chart.right, (i ? chart.Y(goal.variance) : points[48][1]) - 8, name, "title haloed", "end"));
    view.layer("curve", chart.axes({
      xTicks: [0, 4, 8, 12, 16, 20, 24], yTicks: [0, 0.05, 0.1, 0.15, 0.2, 0.25], xTitle: "β",
      format: (tick) => tick.toFixed(2),
    }) + draw.line(chart.left, chart.Y(goal.variance), chart.right, chart.Y(goal.variance), "goal") + lines.join(""),
    "With one head the variance rises to a quarter, with two heads it stays near 0.02; " +
      `yours is ${draw.number(variance, 3)}`);
  };

  const handle = (i, [x, y]) => ({
    svg: "keys",
    name: `query q ${i}`,
    at: (state) => plane.at([state[x] * shrunk, state[y] * shrunk]),
    drag(_, pixels) {
      const [px, py] = plane.from(pixels);
      return { [x]: limited(px / shrunk), [y]: limited(py / shrunk) };
    },
    keys: (state, right, up) => ({ [x]: limited(state[x] + 0.5 * right), [y]: limited(state[y] + 0.5 * up) }),
    say: (state) => `${state[x]} along mu a, ${state[y]} along mu b`,
    range: (state) => [0, 16, state[x]],
  });

  experiment("heads", {
    texts: { seed: /^[1-9]\d{0,2}$/ },
    handles: [handle(1, ["x1", "y1"]), handle(2, ["x2", "y2"])],
    played: { to: {}, seconds: 5 },
    goal(state) {
      const { variance, leak } = result(state);
      const solved = variance < goal.variance && leak <= goal.leak;
      return { now: { variance: draw.number(variance, 3), leak: draw.percent(leak) }, solved };
    },
    draw(state, view) {
      const { variance } = result(state);
      const epsilons = lab.normals(n_draws, Number(state.seed || 1)).map((z) => z * Math.SQRT1_2);
      const latest = epsilons.slice(0, Math.max(1, Math.round(n_draws * view.progress)));
      view.layer("single", outputs(lab.oneHead(12), latest), "One head: c lies at v a or at v b in most draws");
      view.layer("best", outputs(lab.twoHeads(12), latest),
        "Two heads: c lies at the average in most draws, and below it in a few");
      drawKeys(state, view, epsilons);
      view.layer("yours", outputs(queriesOf(state), epsilons),
        `Your two heads: the variance of the weight of v a is ${draw.number(variance, 3)}`);
      const heads = lab.headsScores(queriesOf(state), { n, eps: epsilons[0] });
      heads.forEach((head, i) => drawTable(view, epsilons[0], head, i));
      drawCurve(view, variance);
      const weights = epsilons.map((eps) => lab.headsWeights(queriesOf(state), { n, eps }).a);
      const mean = weights.reduce((sum, weight) => sum + weight, 0) / n_draws;
      const drawn = weights.reduce((sum, weight) => sum + (weight - mean) ** 2, 0) / (n_draws - 1);
      view.numbers({ variance2: draw.number(variance, 3), drawn: draw.number(drawn, 3) });
    },
  });
}
