"use strict";
{
  const plane = draw.plane(115, [160, 150]);
  const n_draws = 400;
  const counting = ["", "One head", "Two heads", "Three heads", "Four heads", "Five heads", "Six heads"];
  const goal = { variance: 0.03, leak: 0.1 };

  const outputs = (heads, { n, beta, wanted, epsilons }) => {
    const values = lab.arcs(n, wanted);
    const middle = lab.mixed(values.slice(0, wanted).map(() => 1 / wanted), values.slice(0, wanted));
    const points = epsilons.map((eps) => {
      const { a, b, others } = lab.headsWeights(heads, { n, beta, eps, wanted });
      return plane.at(lab.mixed(values.map((_, j) => (j === 0 ? a : j < wanted ? b : others)), values));
    });
    return draw.values(plane, values, wanted) + draw.dot(...plane.at(middle), 11, "target") +
      draw.bubbles(points, "fill c drawn");
  };
  const curves = new Map(); // cached: a curve takes milliseconds, and most sliders do not change it
  const varianceCurve = (heads, n, wanted) => {
    const key = `${heads} ${n} ${wanted}`;
    if (!curves.has(key)) curves.set(key, draw.sampled(0, 24, 48, (beta) => lab.headsVariance(heads, { n, beta, wanted, step: 0.1 })));
    return curves.get(key);
  };

  experiment("heads", {
    solved(state) {
      const { variance, leak } = lab.heads(state);
      return variance < goal.variance && leak <= goal.leak;
    },
    draw(state, view) {
      const { n, beta, heads } = state;
      const { wanted, mean, variance, whole, leak, single: singleVariance } = lab.heads({ n, beta, heads });
      const epsilons = lab.normals(n_draws, state.seed).map((z) => z * Math.SQRT1_2);
      view.layer("single", outputs(1, { n, beta, wanted, epsilons }));
      view.layer("many", outputs(heads, { n, beta, wanted, epsilons }));

      const chart = draw.chart({ x: [0, 24], y: [0, 0.26], top: 14 });
      const pixels = (points) => points.map(([x, y]) => [chart.X(x), chart.Y(y)]);
      const single = varianceCurve(1, n, wanted);
      const several = varianceCurve(heads, n, wanted);
      const label = (points, words) => draw.text(chart.right, chart.Y(Math.max(goal.variance, points[48][1])) - 7, words, "title haloed", "end");
      view.layer("curve", chart.axes({
        xTicks: [0, 4, 8, 12, 16, 20, 24], yTicks: [0, 0.05, 0.1, 0.15, 0.2, 0.25], xTitle: "β", format: (tick) => tick.toFixed(2),
      }) + draw.line(chart.left, chart.Y(goal.variance), chart.right, chart.Y(goal.variance), "goal") +
        draw.curve(pixels(single), "line bound") + label(single, "one head") +
        (heads > 1 ? draw.curve(pixels(several), "line theory") + label(several, counting[heads].toLowerCase()) : "") +
        draw.dot(chart.X(beta), chart.Y(variance), 6, "fill c"));

      const weights = epsilons.map((eps) => lab.headsWeights(heads, { n, beta, eps }).a);
      const average = weights.reduce((sum, weight) => sum + weight, 0) / n_draws;
      const drawn = weights.reduce((sum, weight) => sum + (weight - average) ** 2, 0) / (n_draws - 1);
      view.numbers({
        label: counting[heads], wanted: String(wanted), mean: draw.percent(mean), variance: draw.number(variance, 4),
        drawn: draw.number(drawn, 4), single: draw.number(singleVariance, 4), whole: draw.number(whole, 4), leak: draw.percent(leak),
      });
    },
  });
}
