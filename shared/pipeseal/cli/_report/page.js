"use strict";
(() => {
  const form = document.getElementById("filters");
  if (!form) return;
  const items = [...document.querySelectorAll("#entries > li")].map((item) => ({
    item,
    text: item.textContent.toLowerCase(),
    data: item.dataset,
  }));
  const count = document.getElementById("count");
  const none = document.getElementById("none");
  const filter = () => {
    const words = form.elements.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const { state, kind, control } = form.elements;
    let shown = 0;
    for (const { item, text, data } of items) {
      const fits =
        (!state.value || data.state === state.value) &&
        (!kind.value || data.kind === kind.value) &&
        (!control.value || data.controls.split(" ").includes(control.value)) &&
        words.every((word) => text.includes(word));
      item.hidden = !fits;
      shown += fits;
    }
    count.textContent = `${shown} of ${items.length} shown`;
    none.hidden = shown > 0;
  };
  const all = document.getElementById("all");
  const unfold = () => {
    const shown = items.filter(({ item }) => !item.hidden).map(({ item }) => item.querySelector("details"));
    const open = shown.some((details) => !details.open);
    for (const details of shown) details.open = open;
    all.textContent = open ? "Close all" : "Open all";
  };
  const follow = () => {
    const item = document.getElementById(location.hash.slice(1));
    if (!item || !item.matches("#entries > li")) return;
    if (item.hidden) {
      form.reset();
      filter();
    }
    item.querySelector("details").open = true;
    item.scrollIntoView({ block: "start" });
  };
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("reset", () => setTimeout(filter));
  all.addEventListener("click", unfold);
  form.addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("hashchange", follow);
  filter();
  follow();
})();
