"use strict";
// Pieces of SVG as text. Colours are CSS classes, so that the style sheet handles light and dark.

const draw = {
  names: "abdefghijlmoprstuwyz", // of keys; c is the output, k a key, n their number, q a query, v a value
  hue: (i) => (i === 0 ? "a" : i === 1 ? "b" : "rest"),
  fixed: (x) => x.toFixed(2),
  line: (x1, y1, x2, y2, style) =>
    `<line x1="${draw.fixed(x1)}" y1="${draw.fixed(y1)}" x2="${draw.fixed(x2)}" y2="${draw.fixed(y2)}" class="${style}"/>`,
  dot: (x, y, r, style) => `<circle cx="${draw.fixed(x)}" cy="${draw.fixed(y)}" r="${draw.fixed(r)}" class="${style}"/>`,
  box: (x, y, width, height, style) =>
    `<rect x="${draw.fixed(x)}" y="${draw.fixed(y)}" width="${draw.fixed(Math.max(0, width))}" ` +
    `height="${draw.fixed(Math.max(0, height))}" class="${style}"/>`,
  text: (x, y, content, style = "", anchor = "middle") =>
    `<text x="${draw.fixed(x)}" y="${draw.fixed(y)}" class="${anchor === "middle" ? style : `${style} ${anchor}`}">${content}</text>`,
  // a letter with an index below it
  sub: (letter, index) => `<tspan class="m">${letter}</tspan><tspan class="index" dy="4">${index}</tspan>`,
  points: (points) => points.map(([x, y]) => `${draw.fixed(x)},${draw.fixed(y)}`).join(" "),
  curve: (points, style) => `<polyline points="${draw.points(points)}" class="${style}"/>`,
  shape: (points, style) => `<polygon points="${draw.points(points)}" class="${style}"/>`,
  arrow(x1, y1, x2, y2, style) {
    const length = Math.hypot(x2 - x1, y2 - y1);
    if (length < 1) return "";
    const [ux, uy] = [(x2 - x1) / length, (y2 - y1) / length];
    const tip = Math.min(9, length);
    const [bx, by] = [x2 - ux * tip, y2 - uy * tip];
    const head = [[x2, y2], [bx - uy * tip * 0.45, by + ux * tip * 0.45], [bx + uy * tip * 0.45, by - ux * tip * 0.45]];
    return draw.line(x1, y1, bx, by, `line ${style}`) + draw.shape(head, `fill ${style}`);
  },

  // A chart of 320 by `height` pixels: x and y are [from, to]; log makes y logarithmic. X and Y convert values to pixels.
  chart({ x, y, height = 320, left = 46, right = 12, top = 28, bottom = 40, log = false }) {
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
  },
  // The points of a curve that lie inside the chart, in pixels
  within: ({ X, Y, top, bottom }, points) =>
    points.map(([x, y]) => [X(x), Y(y)]).filter(([, y]) => y >= top - 0.5 && y <= bottom + 0.5),
  sampled: (from, to, n, f) => Array.from({ length: n + 1 }, (_, i) => {
    const x = from + ((to - from) * i) / n;
    return [x, f(x)];
  }),

  // A plane with its origin at pixel [x, y] and `unit` pixels per unit
  plane: (unit, [x, y] = [160, 160]) => ({
    unit,
    at: ([vx, vy]) => [x + unit * vx, y - unit * vy],
    from: ([px, py]) => [(px - x) / unit, (y - py) / unit],
  }),
  // Values as lettered dots on the circle, and their hull, in which c must lie
  values(plane, values, wanted = 1) {
    const order = values.map((value, i) => [Math.atan2(value[1], value[0]), i]).sort((one, two) => one[0] - two[0]);
    const hull = draw.shape(order.map(([, i]) => plane.at(values[i])), "hull");
    return hull + values.map((value, i) => {
      const [x, y] = plane.at(value);
      const [lx, ly] = plane.at(value.map((part) => part * 1.2));
      const style = i < Math.max(2, wanted) ? draw.hue(Math.min(i, 1)) : "rest";
      return draw.dot(x, y, i < 2 ? 6 : 4.5, `fill ${style}`) +
        (values.length > 12 && i > 1 ? "" : draw.text(lx, ly + 5, draw.sub("v", draw.names[i]), `name ${style}`));
    }).join("");
  },
  output: ([x, y], side = 1) => draw.dot(x, y, 8, "halo") + draw.dot(x, y, 6.5, "fill c") +
    draw.text(x + 13 * side, y + 5, "c", "name m c haloed", side > 0 ? "start" : "end"),

  // Shares from 0 to 1: bars for the draws, steps for the formula, and above them c on the line from v_b to v_a.
  // Without `share` c is left out; `band` is half the width of the interval that counts as near the middle.
  histogram({ shares, cdf, share = null, names = ["b", "a"], title, top = 64, height = 280, bins = 25, band = 0 }) {
    const counts = lab.counts(shares, bins).map((count) => count / shares.length);
    const theory = counts.map((_, i) => cdf((i + 1) / bins) - cdf(i / bins));
    const highest = Math.max(0.16, ...counts, ...theory) * 1.06;
    const chart = draw.chart({ x: [0, 1], y: [0, highest], left: 24, right: 24, top, height });
    const { X, Y } = chart;
    const steps = theory.flatMap((value, i) => [[X(i / bins), Y(value)], [X((i + 1) / bins), Y(value)]]);
    const line = share === null ? "" : draw.line(X(0), 30, X(1), 30, "rail") +
      draw.dot(X(0), 30, 6, "fill b") + draw.dot(X(1), 30, 6, "fill a") +
      draw.text(X(0), 15, draw.sub("v", names[0]), "name b") + draw.text(X(1), 15, draw.sub("v", names[1]), "name a") +
      draw.line(X(0.5), 24, X(0.5), 36, "rail") + draw.line(X(share), 30, X(share), chart.bottom, "drop") +
      draw.output([X(share), 30], share > 0.5 ? -1 : 1);
    return (band ? draw.box(X(0.5 - band), top - 4, X(0.5 + band) - X(0.5 - band), chart.bottom - top + 4, "band") : "") +
      draw.bars(counts.map((value, i) => [X(i / bins) + 0.6, Y(value), X(1 / bins) - X(0) - 1.2]), chart.bottom, "bar") +
      draw.curve(steps, "line theory") + line +
      chart.axes({ xTicks: [0, 0.25, 0.5, 0.75, 1], yTicks: [], xTitle: title });
  },
  // Many small dots as one path: round, or square where the style's line ends are
  cloud: (points, width, style) =>
    `<path d="${points.map(([x, y]) => `M${x.toFixed(1)} ${y.toFixed(1)}h0`).join("")}" class="cloud ${style}" stroke-width="${width}"/>`,
  // Bars on a common base line as one path: [x, y, width]
  bars: (bars, base, style) => `<path d="${bars.filter(([, y]) => y < base).map(([x, y, width]) =>
    `M${x.toFixed(1)} ${base.toFixed(1)}V${y.toFixed(1)}h${width.toFixed(1)}V${base.toFixed(1)}z`).join("")}" class="${style}"/>`,
  // Points as dots whose area is the number of points in a cell; each at its points' mean, so it stays where they are
  bubbles(points, style, cell = 9) {
    const cells = new Map();
    for (const [x, y] of points) {
      const key = `${Math.floor(x / cell)} ${Math.floor(y / cell)}`;
      const { n, sx, sy } = cells.get(key) || { n: 0, sx: 0, sy: 0 };
      cells.set(key, { n: n + 1, sx: sx + x, sy: sy + y });
    }
    const radius = (n) => Math.min(13, 1.2 * Math.sqrt(n));
    return [...cells.values()].map(({ n, sx, sy }) => draw.dot(sx / n, sy / n, radius(n), style)).join("");
  },
  percent(x) {
    const percent = 100 * x;
    return (percent >= 99.95 || percent === 0 ? percent.toFixed(0) : percent >= 9.995 ? percent.toFixed(1)
      : percent >= 0.01 ? percent.toPrecision(2) : "&lt;0.01") + "%";
  },
  number: (x, digits = 3) => x.toFixed(digits).replace("-", "−"),
};
