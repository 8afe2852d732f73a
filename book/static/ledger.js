/* Makes buttons of the counts above the ledger. A claim is shown if it has one of the pressed
   verdicts and stands in one of the pressed sections; where none is pressed, all count. */
document.addEventListener("DOMContentLoaded", () => {
  const unfold = () => {
    const claim = document.getElementById(location.hash.slice(1));
    if (claim?.matches(".ledger li")) claim.querySelector("details").open = true;
  };
  addEventListener("hashchange", unfold);
  unfold();

  const counts = document.querySelectorAll(".ledger .counts > span");
  if (!counts.length) return;
  const claims = Array.from(document.querySelectorAll(".ledger li[id]"));
  const pressed = { verdict: new Set(), section: new Set() };
  const element = (name, text) => Object.assign(document.createElement(name), { textContent: text });
  const said = element("p", ""), all = element("button", "show all");
  said.setAttribute("role", "status");

  const show = () => {
    for (const claim of claims) {
      claim.hidden = !Object.entries(pressed).every(([kind, values]) =>
        !values.size || claim.dataset[kind].split("; ").some((value) => values.has(value)));
    }
    const shown = claims.filter((claim) => !claim.hidden).length;
    said.textContent = `${shown} of ${claims.length} claims are shown.`;
    all.hidden = shown === claims.length;
  };
  const buttons = Array.from(counts, (count) => {
    const button = element("button", "");
    const [[kind, value]] = Object.entries(count.dataset);
    button.append(...count.childNodes);
    button.dataset[kind] = value;
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => {
      const on = !pressed[kind].delete(value);
      if (on) pressed[kind].add(value);
      button.setAttribute("aria-pressed", on);
      show();
    });
    count.replaceWith(button);
    return button;
  });
  all.addEventListener("click", () => {
    Object.values(pressed).forEach((values) => values.clear());
    buttons.forEach((button) => button.setAttribute("aria-pressed", "false"));
    show();
    buttons[0].focus();
  });
  document.querySelector(".ledger section").before(said, all);
  show();
});
