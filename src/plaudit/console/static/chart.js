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

  draw();
  new ResizeObserver(() => { if (chart && chart.width !== place.clientWidth) draw(); }).observe(place);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  document.addEventListener("plaudit:theme", draw);
})();
