// What every page has: local times, light and dark, the menu, copying, dialogs, and words when the server cannot be reached.
(() => {
  "use strict";
  const root = document.documentElement;

  // Times: the page says UTC, the reader sees their own zone; UTC stays in the title.
  const locale = navigator.language;
  const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  const day = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
  const date = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" });
  const words = (at, now) => {
    if (at.toDateString() === now.toDateString()) return clock.format(at);
    return (at.getFullYear() === now.getFullYear() ? day : date).format(at);
  };
  const localise = (within) => {
    const now = new Date();
    const today = now.toDateString(); // what was of today is of yesterday, once a page stays open over midnight
    for (const each of within.querySelectorAll(`:is(time[datetime], option[data-at]):not([data-local="${today}"])`)) {
      const at = new Date(each.dateTime || each.dataset.at);
      if (Number.isNaN(at.getTime())) continue;
      each.dataset.before ??= each.matches("option") ? each.textContent.replace(/[^,]*$/, " ") : "";
      each.textContent = each.dataset.before + words(at, now);
      each.dataset.local = today;
    }
  };
  setInterval(() => localise(document), 60000);

  const toast = (text) => {
    const place = document.getElementById("toast");
    if (!place) return;
    place.textContent = text;
    clearTimeout(toast.timer);
    toast.timer = setTimeout(() => { place.textContent = ""; }, 6000);
  };

  const themes = ["system", "light", "dark"];
  const themed = () => root.dataset.theme || "system";
  const sayTheme = () => {
    for (const each of document.querySelectorAll("[data-theme-button] [data-word]")) each.textContent = themed();
  };
  const nextTheme = () => {
    const next = themes[(themes.indexOf(themed()) + 1) % themes.length];
    if (next === "system") delete root.dataset.theme; else root.dataset.theme = next;
    try { localStorage.setItem("theme", next); } catch { /* it holds for this page */ }
    sayTheme();
    document.dispatchEvent(new Event("plaudit:theme"));
  };

  const copy = async (button) => {
    const from = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(from.textContent.trim());
      toast("Copied");
    } catch {
      getSelection().selectAllChildren(from);
      toast("Press Ctrl+C to copy");
    }
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if ("themeButton" in button.dataset) nextTheme();
    if (button.dataset.copy) copy(button);
    if (button.dataset.open) document.getElementById(button.dataset.open).showModal();
    if ("close" in button.dataset) button.closest("dialog").close();
    if ("menu" in button.dataset) {
      const open = button.closest(".side").classList.toggle("open");
      button.setAttribute("aria-expanded", String(open));
    }
  });
  document.addEventListener("click", (event) => {
    if (event.target.matches("dialog[open]")) event.target.close(); // its backdrop
  });
  document.addEventListener("keydown", (event) => {
    const side = document.querySelector(".side.open");
    if (event.key === "Escape" && side) side.querySelector("[data-menu]").click();
    if (event.key === "/" && !event.target.matches("input, textarea, select") && !event.ctrlKey && !event.metaKey) {
      const search = document.querySelector("main input[type=search]");
      if (search) { event.preventDefault(); search.focus(); }
    }
  });

  // Lists that are filtered where they stand: [data-filters="#list"] holds what is looked for.
  document.addEventListener("input", (event) => {
    const list = event.target.dataset.filters && document.querySelector(event.target.dataset.filters);
    if (!list) return;
    const wanted = event.target.value.trim().toLowerCase();
    let left = 0;
    for (const each of list.querySelectorAll("[data-words]")) {
      each.hidden = !each.dataset.words.toLowerCase().includes(wanted);
      left += each.hidden ? 0 : 1;
    }
    const none = list.parentElement.querySelector("[data-none]");
    if (none) none.hidden = left > 0;
  });

  document.addEventListener("change", (event) => {
    if ("submit" in event.target.dataset) event.target.form.requestSubmit();
  });

  // A part that follows by itself waits while a menu or a field in it is in use, and is put in place only where something
  // changed: so the focus, what is selected, and what a screen reader says stay. What changed has ids, by which htmx gives
  // the focus back.
  const follows = (part) => part.matches("[hx-trigger^=every]");
  const came = new Map();
  document.addEventListener("htmx:beforeRequest", (event) => {
    const part = event.detail.elt;
    if (follows(part) && part.querySelector("details.menu[open], input:focus, textarea:focus, select:focus")) event.preventDefault();
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { requestConfig, serverResponse } = event.detail;
    if (!follows(requestConfig.elt)) return;
    if (came.get(requestConfig.path) === serverResponse) event.detail.shouldSwap = false;
    came.set(requestConfig.path, serverResponse);
  });

  // The server's own words, or that it cannot be reached.
  document.addEventListener("htmx:responseError", (event) => {
    const said = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html").querySelector("[role=alert]");
    toast(said ? said.textContent.trim() : `The server answered ${event.detail.xhr.status}`);
  });
  // A stream that breaks off is asked for again; until it is there, the page says so.
  document.addEventListener("htmx:sseError", (event) => {
    const away = document.getElementById(event.target.dataset.away);
    if (away) away.waits ||= setTimeout(() => { away.textContent = "Not connected; trying again"; }, 2500);
  });
  document.addEventListener("htmx:sseOpen", (event) => {
    const away = document.getElementById(event.target.dataset.away);
    if (!away) return;
    clearTimeout(away.waits);
    away.waits = 0;
    away.textContent = "";
  });
  document.addEventListener("htmx:sendError", () => toast("The server cannot be reached"));

  document.addEventListener("htmx:load", (event) => localise(event.detail.elt.parentElement || document));
  document.addEventListener("DOMContentLoaded", () => {
    localise(document);
    sayTheme();
    document.querySelector("dialog[data-opened]")?.showModal();
    const tab = document.querySelector(".tabs [aria-current]");
    if (tab) tab.parentElement.scrollLeft = tab.offsetLeft - tab.parentElement.offsetLeft - 16;
  });
})();
