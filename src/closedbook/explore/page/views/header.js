"use strict";
// What the model is: what it was trained on, how large it is, how well it answers, and what others can read in it.
{
  const share = (part, whole) => `${Math.round((100 * part) / whole)}%`;

  function size({ parameters: { total, tables } }) {
    const inTables = tables ? `${share(tables, total)} of them in lookup tables of words and names`
      : "none in a lookup table";
    return `${grouped(total)} parameters, ${inTables}`;
  }
  function trainedOn({ counts }) {
    const parts = [
      counts?.documents && counted(counts.documents, "document"),
      counts?.pairs && counted(counts.pairs, "question with its answer", "questions with their answers"),
    ].filter(Boolean);
    const edited = counts?.edits ? `; then ${counted(counts.edits, "edit")} changed what it says` : "";
    return `was trained on ${parts.join(" and ") || "one text"}${edited}`;
  }
  function accuracy({ questions, questionsFrom }) {
    const asked = questions.filter((one) => one.answer !== null);
    const right = asked.filter((one) => one.predicted === one.answer).length;
    if (!asked.length) return "";
    return `<strong>It answers ${right} of the ${counted(asked.length, "question")} inside this page rightly ` +
      `(${share(right, asked.length)})</strong>: ${safe(questionsFrom)}. `;
  }
  const built = ({ recipe, nBlocks, nHeads, config }) => `Recipe: ${recipe}. The model has ` +
    `${counted(nBlocks, "block")} of ${counted(nHeads, "attention head")}, ${config.nEmbd} channels wide.`;

  explorer.views.push({
    begin(book) {
      document.title = `${book.name}: a model that read one text`;
      by("name").textContent = `· ${book.name}`;
      const what = book.variant === "perceiver" ? "Perceiver" : "transformer";
      by("model").textContent = `A ${what} of ${size(book)}, ${trainedOn(book)}.`;
      by("accuracy").innerHTML = `${accuracy(book)}Its setting is ${safe(book.setting)}.`;
      by("warning").textContent = `It can make things up. ${book.warning}`;
      by("footer").innerHTML = `<p>${safe(built(book))} Made on ${safe(book.date)} by ` +
        `<code>${safe(book.command)}</code>. ` + "It is one file that needs no network and no installation.</p>";
    },
  });
}
