"use strict";
(() => {
  const form = document.getElementById("filters");
  if (!form) return;
  const entries = [...document.querySelectorAll("#entries > li")].map((item) => ({
    item,
    text: item.textContent.toLowerCase(),
    data: item.dataset,
  }));
  const count = document.getElementById("count");
  const noMatch = document.getElementById("no-match");
  const applyFilters = () => {
    const words = form.elements.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const { state, kind, control } = form.elements;
    let shown = 0;
    for (const { item, text, data } of entries) {
      const matches =
        (!state.value || data.state === state.value) &&
        (!kind.value || data.kind === kind.value) &&
        (!control.value || data.controls.split(" ").includes(control.value)) &&
        words.every((word) => text.includes(word));
      item.hidden = !matches;
      shown += matches;
    }
    count.textContent = `${shown} of ${entries.length} shown`;
    noMatch.hidden = shown > 0;
  };
  const toggle = document.getElementById("toggle-all");
  const toggleAll = () => {
    const shown = entries.filter(({ item }) => !item.hidden).map(({ item }) => item.querySelector("details"));
    const open = shown.some((details) => !details.open);
    for (const details of shown) details.open = open;
    toggle.textContent = open ? "Collapse all" : "Expand all";
  };
  const openLinkedEntry = () => {
    const item = document.getElementById(location.hash.slice(1));
    if (!item || !item.matches("#entries > li")) return;
    if (item.hidden) {
      form.reset();
      applyFilters();
    }
    item.querySelector("details").open = true;
    item.scrollIntoView({ block: "start" });
  };
  form.hidden = false;
  form.addEventListener("input", applyFilters);
  form.addEventListener("reset", () => setTimeout(applyFilters)); // the fields are cleared after the event
  toggle.addEventListener("click", toggleAll);
  form.addEventListener("submit", (event) => event.preventDefault());
  window.addEventListener("hashchange", openLinkedEntry);
  applyFilters();
  openLinkedEntry();
})();
