"use strict";
// Charts with axes, as pieces of SVG.

// A chart of 320 by `height` pixels: x and y are [from, to]; log makes y logarithmic. X and Y convert values to pixels.
draw.chart = ({ x, y, height = 320, left = 46, right = 12, top = 28, bottom = 40, log = false }) => {
  const scale = log ? Math.log10 : (value) => value;
  const [low, high] = y.map(scale);
  const X = (value) => left + ((value - x[0]) / (x[1] - x[0])) * (320 - left - right);
  const Y = (value) => {
    const share = (scale(log ? Math.max(value, y[0] / 10) : value) - low) / (high - low);
    return height - bottom - Math.min(1.02, Math.max(-0.02, share)) * (height - top - bottom);
  };
  const axes = ({ xTicks, yTicks, xTitle, yTitle = "", format = String }) =>
    xTicks.map((tick) => draw.text(X(tick), height - bottom + 16, String(tick).replace("-", "−"), "tick")).join("") +
    yTicks.map((tick) => draw.line(left, Y(tick), 320 - right, Y(tick), "grid") +
      draw.text(left - 6, Y(tick) + 4, format(tick), "tick", "end")).join("") +
    draw.line(left, height - bottom, 320 - right, height - bottom, "axis") +
    draw.text((left + 320 - right) / 2, height - 6, xTitle, "title") +
    (yTitle && draw.text(left - 40, top - 13, yTitle, "title", "start"));
  return { X, Y, axes, left, right: 320 - right, top, bottom: height - bottom };
};

// The points of a curve that lie inside the chart, in pixels
draw.within = ({ X, Y, top, bottom }, points) =>
  points.map(([x, y]) => [X(x), Y(y)]).filter(([, y]) => y >= top - 0.5 && y <= bottom + 0.5);

// Shares from 0 to 1: bars for the draws, steps for the formula, and above them c on the line from v_b to v_a.
// Without `share` c is left out; `band` is half the width of the interval that counts as near the middle, `ends` the
// width of those that count as near an end.
draw.histogram = ({ shares, cdf, share = null, title, top = 64, height = 280, bins = 25, band = 0, ends = 0 }) => {
  const counts = lab.counts(shares, bins).map((count) => count / Math.max(1, shares.length));
  const theory = counts.map((_, i) => cdf((i + 1) / bins) - cdf(i / bins));
  const highest = Math.max(0.16, ...counts, ...theory) * 1.06;
  const chart = draw.chart({ x: [0, 1], y: [0, highest], left: 24, right: 24, top, height });
  const { X, Y } = chart;
  const steps = theory.flatMap((value, i) => [[X(i / bins), Y(value)], [X((i + 1) / bins), Y(value)]]);
  const tinted = (from, to) =>
    (to > from ? draw.box(X(from), top - 4, X(to) - X(from), chart.bottom - top + 4, "band") : "");
  return tinted(0.5 - band, 0.5 + band) + tinted(0, ends) + tinted(1 - ends, 1) +
    draw.bars(counts.map((value, i) => [X(i / bins) + 0.6, Y(value), X(1 / bins) - X(0) - 1.2]), chart.bottom, "bar") +
    draw.curve(steps, "line theory") + (share === null ? "" : draw.shareLine(chart, share)) +
    chart.axes({ xTicks: [0, 0.25, 0.5, 0.75, 1], yTicks: [], xTitle: title });
};

draw.shareLine = ({ X, bottom }, share) => draw.line(X(0), 30, X(1), 30, "rail") +
  draw.mark(X(0), 30, "b") + draw.mark(X(1), 30, "a") +
  draw.text(X(0), 15, draw.sub("v", "b"), "name b") + draw.text(X(1), 15, draw.sub("v", "a"), "name a") +
  draw.line(X(0.5), 24, X(0.5), 36, "rail") + draw.line(X(share), 30, X(share), bottom, "drop") +
  draw.output([X(share), 30], share > 0.5 ? -1 : 1);

// What softmax does, as a table: for each key its score, e to the score, and its weight, as bars with numbers; then c.
// rows: { name, style, score, weight, times }; `times` equal keys share a row. c: HTML; caption: HTML.
draw.softmax = ({ rows, c, caption = "", scores = "score" }) => {
  const largest = Math.max(1, ...rows.map(({ score }) => Math.abs(score)));
  const highest = Math.max(...rows.map(({ score }) => score));
  const body = rows.map(({ name, style, score, weight, times = 1 }) =>
    `<tr class="${style}"><th scope="row">${times > 1 ? `each of ${times}` : name}</th>` +
    `<td>${draw.meter(score / largest, draw.number(score, 2))}</td>` +
    `<td>${draw.meter(Math.exp(score - highest), draw.anySize(Math.exp(score)))}</td>` +
    `<td>${draw.meter(weight, draw.percent(weight))}</td></tr>`);
  return `${caption && `<caption>${caption}</caption>`}<thead><tr><th>key</th><th>${scores}</th>` +
    `<th><i>e</i><sup>score</sup></th><th>weight</th></tr></thead><tbody>${body.join("")}</tbody>` +
    `<tfoot><tr class="c"><th scope="row"><i>c</i></th><td colspan="3">= ${c}</td></tr></tfoot>`;
};

// A number over a bar; negative bars are hollow
draw.meter = (part, number) =>
  `${number}<i${part < 0 ? ' class="negative"' : ""} ` +
  `style="width:${Math.round(100 * Math.min(1, Math.abs(part)))}%"></i>`;

// c as a sum: weights and names of values, those under half a percent left out
draw.sum = (terms) => terms.filter(([weight]) => weight >= 0.005)
  .map(([weight, name]) => `${(100 * weight).toFixed(0)}%&nbsp;${name}`).join(" + ");
draw.index = (letter, index) => `<i>${letter}</i><sub>${index}</sub>`;
