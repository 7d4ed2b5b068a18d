// The overview's chart. Its numbers stand in the page; colours follow light and dark.
(() => {
  "use strict";
  const place = document.getElementById("chart");
  if (!place) return;
  const series = JSON.parse(place.dataset.series);
  const names = JSON.parse(place.dataset.names);
  const daily = Number(place.dataset.step) >= 86400000;
  let chart = null;

  const draw = () => {
    if (chart) chart.destroy();
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    const at = series[0];
    const soft = (dash) => ({ stroke: colour("--soft"), width: 1.5, dash });
    const strong = { stroke: colour("--accent"), width: 2, fill: colour("--accent-soft") };
    const looks = { Events: soft([2, 4]), Accepted: strong };
    const day = new Intl.DateTimeFormat(navigator.language, { day: "numeric", month: "short" });
    const hour = new Intl.DateTimeFormat(navigator.language, { hour: "2-digit", minute: "2-digit" });
    const short = at[at.length - 1] - at[0] <= 90000 && !daily;
    chart = new uPlot({
      width: place.clientWidth,
      height: place.clientHeight,
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, points: { size: 7 } },
      scales: { y: { range: (_, least, most) => [0, Math.max(most * 1.08, 4)] } },
      axes: [
        { ...axis, space: 70, size: 32, values: (_, ticks) => ticks.map((t) => (short ? hour : day).format(new Date(t * 1000))) },
        { ...axis, size: 58, values: (_, ticks) => ticks.map((t) => (Number.isInteger(t) ? t.toLocaleString() : "")) },
      ],
      series: [
        {},
        ...names.map((label) => ({ label, ...(looks[label] ?? soft([7, 4])), points: { show: false } })),
      ],
    }, series, place);
  };

  // What a chart cannot say to those who do not see it, or do not point at it.
  const add = (to, tag, text = "", more = {}) => {
    const made = Object.assign(document.createElement(tag), { textContent: text, ...more });
    to.append(made);
    return made;
  };
  const list = () => {
    const whole = document.createElement("details");
    add(whole, "summary", "The numbers");
    add(whole, "p", "Times at which nothing came are left out.", { className: "hint" });
    const around = add(whole, "div", "", { className: "table-wrap flat numbers", tabIndex: 0, role: "region", ariaLabel: "The numbers over time" });
    const table = add(around, "table", "", { className: "rows runs" });
    const head = add(add(table, "thead"), "tr");
    for (const word of ["From", ...names]) add(head, "th", word, { scope: "col", className: word === "From" ? "" : "number" });
    const body = add(table, "tbody");
    const when = new Intl.DateTimeFormat(navigator.language, daily ? { day: "numeric", month: "short" } : { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
    const [at, ...numbers] = series;
    for (const [n, from] of at.entries()) {
      if (!numbers.some((each) => each[n])) continue;
      const row = add(body, "tr");
      add(row, "td", when.format(new Date(from * 1000)), { className: "when" });
      for (const each of numbers) add(row, "td", (each[n] || 0).toLocaleString(), { className: "number" });
    }
    place.parentElement.after(whole);
  };

  list();
  draw();
  new ResizeObserver(() => { if (chart && chart.width !== place.clientWidth) draw(); }).observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  document.addEventListener("plaudit:theme", draw);
})();
