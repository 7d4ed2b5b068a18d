// The list of events: it can be paused, holds so many rows and each once, and marks the one that is shown.
(() => {
  "use strict";
  const MOST = 300;
  document.addEventListener("click", (event) => {
    const view = event.target.closest("[data-view]");
    if (!view) return;
    for (const each of view.parentElement.children) each.setAttribute("aria-pressed", String(each === view));
    for (const each of document.querySelectorAll("[data-shows]")) each.hidden = each.dataset.shows !== view.dataset.view;
  });

  const list = document.getElementById("events");
  if (!list) return;
  const button = document.querySelector("[data-pause]");
  const none = list.parentElement.querySelector("[data-none]");
  const held = [];
  let paused = false;

  const say = () => {
    button.setAttribute("aria-pressed", String(paused));
    button.textContent = paused ? `Go on${held.length ? ` (${held.length} new)` : ""}` : "Pause";
  };
  const tidy = () => {
    const ids = new Set();
    for (const row of [...list.children]) {
      if (ids.has(row.id) || ids.size >= MOST) row.remove();
      ids.add(row.id);
    }
    none.hidden = list.children.length > 0;
    const search = document.querySelector('[data-filters="#events"]');
    if (search.value) search.dispatchEvent(new Event("input", { bubbles: true }));
  };

  if (button) button.addEventListener("click", () => {
    paused = !paused;
    if (!paused) {
      for (const html of held.splice(0)) htmx.swap(list, html, { swapStyle: "afterbegin" });
      tidy();
    }
    say();
  });
  list.addEventListener("htmx:sseBeforeMessage", (event) => {
    if (!paused) return;
    event.preventDefault();
    held.push(event.detail.data);
    if (held.length > MOST) held.shift();
    say();
  });
  list.addEventListener("htmx:sseMessage", tidy);
  list.addEventListener("click", (event) => {
    const chosen = event.target.closest("button");
    if (!chosen) return;
    for (const each of list.querySelectorAll("[aria-pressed=true]")) each.setAttribute("aria-pressed", "false");
    chosen.setAttribute("aria-pressed", "true");
  });
  const detail = document.getElementById("event-detail");
  detail.addEventListener("htmx:afterSwap", (event) => {
    event.currentTarget.focus({ preventScroll: true });
    if (matchMedia("(max-width: 44rem)").matches) event.currentTarget.scrollIntoView({ block: "start" });
  });
  detail.addEventListener("keydown", (event) => {
    if (event.key === "Escape") list.querySelector("[aria-pressed=true]")?.focus();
  });
})();
