"use strict";
// The next letter: its probabilities; another choice, after which the model goes on greedily; and the way back.
{
  function candidate({ text, p, isEnd, isSpecial }, written) {
    const isWritten = text === written.text && Boolean(isEnd) === Boolean(written.isEnd);
    const name = explorer.inWords({ text, isEnd });
    const inside = `<span class="sign">${isEnd ? "end" : safe(visible(text))}</span>` +
      `${bar(p, isWritten ? "chosen" : "")}<span class="share">${percent(p)}</span>`;
    if (isWritten || isEnd || isSpecial) {
      return `<li class="${isWritten ? "written" : ""}"><span class="candidate">${inside}</span>` +
        `<span class="unseen">${safe(name)}${isWritten ? ", written" : ""}</span></li>`;
    }
    return `<li><button type="button" class="candidate" data-text="${safe(text)}" ` +
      `aria-label="Write ${safe(name)} instead, ${percent(p)}">${inside}</button></li>`;
  }

  const line = (answer, nBegun) => {
    const letters = [...answer.letters.filter((one) => !one.isEnd).map((one) => one.text)];
    return `<u>${safe(letters.slice(0, nBegun).join(""))}</u>${safe(letters.slice(nBegun).join(""))}`;
  };

  function show({ letter, begun }, { plain, now }) {
    const written = now.letters[letter];
    const before = now.letters.slice(0, letter).map((one) => one.text).join("");
    const after = `After <strong dir="auto">${safe([...before].map(visible).join(""))}</strong> comes`;
    by("next-now").innerHTML = `${before ? after : "The answer begins with"}${explorer.withSwitches()}:`;
    by("candidates").innerHTML = written.top.map((one) => candidate(one, written)).join("");
    fill("own", begun
      ? `<p>With your letters: <strong dir="auto">${line(now, [...begun].length)}</strong>, ` +
        `which has ${percent(now.confidence)} in all. Its own answer: ` +
        `<strong dir="auto">${safe(plain.text)}</strong>, ${percent(plain.confidence)}.</p>`
      : `<p>All letters together: <strong dir="auto">${safe(now.text)}</strong>, ${percent(now.confidence)}.</p>`);
    by("back").disabled = !begun;
  }

  explorer.views.push({
    begin() {
      by("candidates").addEventListener("click", (event) => {
        const button = event.target.closest("button");
        if (!button) return;
        const { letter } = explorer.state;
        const before = explorer.answers.now.letters.slice(0, letter).map((one) => one.text).join("");
        explorer.set({ begun: before + button.dataset.text });
        document.querySelector("#next [role=radio][aria-checked=true]").focus();
      });
      by("back").addEventListener("click", () => {
        explorer.set({ begun: "" });
        document.querySelector("#next [role=radio][aria-checked=true]").focus();
      });
    },
    show,
  });
}
