"use strict";
// Two histograms, one above the other: names it has read, names nobody wrote of. A line marks this question in both.
// Where the questions are about others than the text is, as about withheld people, the first are theirs.
{
  const first = () => (explorer.book.isOfText === false ? "names of these questions" : "names it has read");
  const rows = () => [["known", first()], ["strangers", "names nobody wrote of"]];

  function histogram(counts, name, style) {
    const n = counts.reduce((sum, count) => sum + count, 0);
    const most = Math.max(1, ...counts);
    const columns = counts.map((count) => `<span class="column">${count ? `<b>${count}</b>` : ""}` +
      `<i class="${style}" style="height:${((100 * count) / most).toFixed(2)}%"></i></span>`);
    return `<div class="histogram"><p>${grouped(n)} ${name}</p>` +
      `<div class="columns" aria-hidden="true">${columns.join("")}</div></div>`;
  }

  function said({ edges, known, strangers }, mark) {
    const at = Math.max(0, edges.findLastIndex((edge) => edge <= mark));
    const bin = Math.min(at, known.length - 1);
    const some = (count) => (count ? grouped(count) : "none");
    return `${some(known[bin])} of the ${first()} and ${some(strangers[bin])} of those that nobody wrote of ` +
      `are there too, between ${percent(edges[bin])} and ${percent(edges[bin + 1])}.`;
  }

  function show(_, { plain, now }) {
    const { histograms, calibration } = explorer.book;
    const drawn = rows().filter(([key]) => histograms[key].some((count) => count));
    by("histograms").hidden = !drawn.length;
    if (!drawn.length) return;
    const mark = now ? plain.mark : null;
    const of = calibration ? "probability that the answer is right" : "the model's own probability of its answer";
    const all = drawn.map(([key, name]) => histogram(histograms[key], name, key)).join("");
    fill("histograms", `<div class="stacked">${all}` +
      (mark === null ? "" : `<span class="mark" style="left:${(100 * mark).toFixed(2)}%"></span>`) + "</div>" +
      `<div class="scale" aria-hidden="true"><span>0%</span><span>50%</span><span>100%</span></div>` +
      `<figcaption>Across: ${of}. ${mark === null ? "The line that marks your question comes with the answer."
        : `The line marks this question, at ${percent(mark)}; ${said(histograms, mark)}`}</figcaption>`);
  }

  explorer.views.push({ clear: show, show });
}
