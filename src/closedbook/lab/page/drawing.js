"use strict";
// Pieces of SVG and HTML as text. Colours are CSS classes, so that the style sheet handles light and dark. What
// belongs to a is round and what belongs to b is square, whatever the colours.

const draw = {
  names: "abdefghijlmoprstuwyz", // of keys; c is the output, k a key, n their number, q a query, v a value
  hue: (i) => (i === 0 ? "a" : i === 1 ? "b" : "rest"),
  fixed: (x) => x.toFixed(2),
  lengths: (all) => Object.entries(all).map(([name, value]) => `${name}="${draw.fixed(value)}"`).join(" "),
  line: (x1, y1, x2, y2, style) =>
    `<line ${draw.lengths({ x1, y1, x2, y2 })} class="${style}"/>`,
  dot: (cx, cy, r, style) => `<circle ${draw.lengths({ cx, cy, r })} class="${style}"/>`,
  box: (x, y, width, height, style) =>
    `<rect ${draw.lengths({ x, y, width: Math.max(0, width), height: Math.max(0, height) })} class="${style}"/>`,
  // What belongs to a: a disc; to b: a square; to another key: a small ring
  mark(x, y, style, r = 6) {
    if (style === "b") return draw.box(x - r * 0.95, y - r * 0.95, 1.9 * r, 1.9 * r, "fill b");
    return style === "a" ? draw.dot(x, y, r, "fill a") : draw.dot(x, y, 0.72 * r, "hollow rest");
  },
  text: (x, y, content, style = "", anchor = "middle") =>
    `<text ${draw.lengths({ x, y })} class="${anchor === "middle" ? style : `${style} ${anchor}`}">${content}</text>`,
  // a letter with an index below it
  sub: (letter, index) => `${letter}<tspan class="index" dy="4">${index}</tspan>`,
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

  // Many small marks as one path: round for a and c, square for b
  cloud(points, width, style) {
    const marks = points.map(([x, y]) => `M${x.toFixed(1)} ${y.toFixed(1)}h0`);
    return `<path d="${marks.join("")}" class="cloud ${style}" stroke-width="${width}"/>`;
  },
  // Bars on a common base line as one path: [x, y, width]
  bars(bars, base, style) {
    const foot = base.toFixed(1);
    const outlines = bars.filter(([, y]) => y < base).map(([x, y, width]) =>
      `M${x.toFixed(1)} ${foot}V${y.toFixed(1)}h${width.toFixed(1)}V${foot}z`);
    return `<path d="${outlines.join("")}" class="${style}"/>`;
  },
  // Points as dots whose area is the number of points in a cell; each at its points' mean, so it stays where they are
  bubbles(points, style, cell = 14) {
    const cells = new Map();
    for (const [x, y] of points) {
      const key = `${Math.floor(x / cell)} ${Math.floor(y / cell)}`;
      const { n, sx, sy } = cells.get(key) || { n: 0, sx: 0, sy: 0 };
      cells.set(key, { n: n + 1, sx: sx + x, sy: sy + y });
    }
    const radius = (n) => Math.max(1.2, 16 * Math.sqrt(n / points.length));
    const dots = [...cells.values()].map(({ n, sx, sy }) =>
      `<circle ${draw.lengths({ cx: sx / n, cy: sy / n, r: radius(n) })}/>`);
    return `<g class="${style}">${dots.join("")}</g>`;
  },

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
  // Values as lettered marks on the circle, and their hull, in which c must lie
  values(plane, values) {
    const order = values.map((value, i) => [Math.atan2(value[1], value[0]), i]).sort((one, two) => one[0] - two[0]);
    const hull = draw.shape(order.map(([, i]) => plane.at(values[i])), "hull");
    return hull + values.map((value, i) => {
      const [lx, ly] = plane.at(value.map((part) => part * 1.2));
      return draw.mark(...plane.at(value), draw.hue(i)) +
        (values.length > 12 && i > 1 ? "" : draw.text(lx, ly + 5, draw.sub("v", draw.names[i]), `name ${draw.hue(i)}`));
    }).join("");
  },
  output: ([x, y], side = 1) => draw.dot(x, y, 8, "halo") + draw.dot(x, y, 6.5, "fill c") +
    draw.text(x + 13 * side, y + 5, "c", "name m c haloed", side > 0 ? "start" : "end"),

  percent(x) {
    const percent = 100 * x;
    return (percent >= 99.95 || percent === 0 ? percent.toFixed(0) : percent >= 9.995 ? percent.toFixed(1)
      : percent >= 0.01 ? percent.toPrecision(2) : "&lt;0.01") + "%";
  },
  number: (x, digits = 3) => x.toFixed(digits).replace("-", "−"),
  // A positive number of any size: <0.001, 0.018, 7.4, 2,981, 2.6·10¹⁰
  anySize(x) {
    if (x < 1e-3) return "&lt;0.001";
    if (x < 1e6) return x >= 100 ? Math.round(x).toLocaleString("en") : x.toPrecision(2);
    const [digits, power] = x.toExponential(1).split("e+");
    return `${digits}·10<sup>${power}</sup>`;
  },
};
