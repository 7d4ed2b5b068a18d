/* Keeps the page fresh: fetches the rows again and puts in what changed. Without it the page works too.
   Cards that did not change stay the same elements, so that an open preview stays open. */
"use strict";

const PERIOD = 1500;
let tag = "";
let pressed = false; // a button that is replaced between press and release would lose the click

function ago(milliseconds) {
  const seconds = Math.floor(milliseconds / 1000);
  if (seconds < 5) return "just now";
  for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]]) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${unit} ago`;
  }
}

function tellTimes() {
  for (const time of document.querySelectorAll("time[datetime]")) {
    time.textContent = ago(Date.now() - Date.parse(time.dateTime));
  }
}

function put(fresh) {
  const old = document.getElementById(fresh.id);
  const focused = document.activeElement && document.activeElement.id;
  const known = old.querySelector(".card") !== null;
  for (const card of fresh.querySelectorAll(".card")) {
    const same = document.getElementById(card.id);
    if (same && same.dataset.version === card.dataset.version) card.replaceWith(same);
    else if (known || old.querySelector(".empty")) card.classList.add("new");
  }
  old.replaceChildren(...fresh.childNodes);
  const again = focused && document.getElementById(focused);
  if (again) again.focus({ preventScroll: true });
}

async function refresh() {
  if (!document.hidden && !pressed) {
    try {
      const answer = await fetch("/sandbox/page/rows", { headers: tag ? { "If-None-Match": tag } : {} });
      if (answer.status === 200) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        if (!pressed) {
          tag = answer.headers.get("etag") || "";
          for (const id of ["live-list", "live-faults"]) put(page.getElementById(id));
        }
      }
    } catch { /* the sandbox is gone or restarting: the next round tells */ }
    tellTimes();
  }
  setTimeout(refresh, PERIOD);
}

addEventListener("pointerdown", () => { pressed = true; });
for (const end of ["pointerup", "pointercancel", "blur"]) addEventListener(end, () => setTimeout(() => { pressed = false; }));
setTimeout(refresh, PERIOD);
