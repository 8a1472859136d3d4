"use strict";
// Many questions asked with the switches as they are, right now; the bar beside it is what PyTorch computed.
{
  const nMost = 100;
  let questions = [];
  let run = null; // { switches, right, silent, asked }: it goes on or ended last; `silent` where it does not know
  let isGoing = false;

  const rightBefore = (n) => questions.slice(0, n).filter((one) => one.predicted === one.answer).length;

  function row(name, right, asked, style) {
    const count = asked ? `${right} of ${asked}` : "not run yet";
    const share = asked ? right / questions.length : 0;
    return `<p class="trial"><span>${safe(name)}</span>${bar(share, style)}<strong>${count}</strong></p>`;
  }
  function draw() {
    const n = questions.length;
    const inWords = (switches) => explorer.switchesInWords(switches) || "nothing switched";
    by("trial-bars").innerHTML = row("all parts on", rightBefore(n), n, "usual") +
      (run ? row(inWords(run.switches), run.right, run.asked, "") : row(inWords(explorer.switches()), 0, 0, ""));
    by("trial-run").disabled = isGoing;
    by("trial-stop").disabled = !isGoing;
  }
  function say() {
    const { right, silent, asked } = run;
    by("trial-state").textContent = `${asked < questions.length ? `Stopped after ${asked}` : "Done"}: ` +
      `${right} right, ${asked - right} wrong; for ${silent} it says that it does not know. ` +
      `With all parts on, ${rightBefore(asked)} of these are right.`;
  }

  // A few questions at a time, so that the page stays responsive
  function go() {
    if (!isGoing) return;
    const until = performance.now() + 40;
    while (run.asked < questions.length && performance.now() < until) {
      const { question, answer } = questions[run.asked];
      const given = answerTo(explorer.model, question, run.switches);
      run.asked += 1;
      if (given.error || given.state !== "known") run.silent += 1;
      if (!given.error && given.text === answer) run.right += 1;
    }
    if (run.asked === questions.length) {
      end();
      return;
    }
    draw();
    setTimeout(go, 0);
  }
  function end() {
    isGoing = false;
    const hasFocus = document.activeElement === by("trial-stop");
    draw();
    say();
    if (hasFocus) by("trial-run").focus();
  }

  explorer.views.push({
    begin(book) {
      questions = book.questions.filter((one) => one.answer !== null).slice(0, nMost);
      by("trial").hidden = !questions.length;
      by("trial-what").textContent = `${counted(questions.length, "question")} inside this page, asked again with ` +
        "the switches as they are.";
      by("trial-run").addEventListener("click", () => {
        run = { switches: explorer.switches(), right: 0, silent: 0, asked: 0 };
        isGoing = true;
        by("trial-state").textContent = "Asking …";
        draw();
        by("trial-stop").focus();
        setTimeout(go, 0);
      });
      by("trial-stop").addEventListener("click", end);
    },
    clear: draw,
    show: draw,
  });
}
