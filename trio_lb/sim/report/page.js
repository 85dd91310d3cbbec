// The crosshair over all plots, and the lives of requests. Nothing here is needed to read the page.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const plots = document.getElementById("plots");
  const said = document.getElementById("said");
  const dialog = document.getElementById("dialog");
  if (!plots) return;
  const svgs = [...plots.querySelectorAll("svg.panel")];
  const span = data.right - data.left;
  const last = Math.max(0, Math.round(data.end / data.step) - 1);
  let bucket = -1;

  // ---------------------------------------------------------------- numbers

  const three = (value) => Number(value.toPrecision(3)).toLocaleString("en");
  const duration = (ns) =>
    ns >= 1e9 ? `${three(ns / 1e9)} s` : ns >= 1e6 ? `${three(ns / 1e6)} ms` : ns >= 1e3 ? `${three(ns / 1e3)} µs` : ns ? `${three(ns)} ns` : "0";
  const written = (value, unit) => {
    if (value === null || value === undefined) return "–";
    if (unit === "ns") return duration(value);
    if (unit === "x") return `×${three(value)}`;
    return three(value) + unit;
  };
  const clock = (at) => `${Number(at.toFixed(at < 60 ? 3 : 1))} s`;

  // ---------------------------------------------------------------- crosshair

  function point(at, loud) {
    bucket = Math.min(last, Math.max(0, Math.floor(at / data.step + 1e-9)));
    const x = data.left + (Math.min(data.end, Math.max(0, at)) / data.end) * span;
    plots.classList.add("on");
    const words = [];
    for (const svg of svgs) {
      const cross = svg.querySelector(".cross");
      cross.setAttribute("x1", x);
      cross.setAttribute("x2", x);
      for (const read of svg.querySelectorAll(".read")) {
        const series = data.panels[svg.id][read.dataset.series];
        read.textContent = written(series.values[bucket], series.unit);
        words.push(`${series.label} ${read.textContent}`);
      }
    }
    said.setAttribute("aria-live", loud ? "polite" : "off");
    said.textContent = clock(at);
    if (loud) said.title = words.join(", ");
    if (loud) plots.setAttribute("aria-description", `${clock(at)}: ${words.join(", ")}`);
  }

  function clear() {
    plots.classList.remove("on");
    said.textContent = "";
    for (const read of plots.querySelectorAll(".read")) read.textContent = "";
  }

  const instantAt = (event) => {
    const box = svgs[0].getBoundingClientRect();
    const scale = box.width / svgs[0].viewBox.baseVal.width;
    return (((event.clientX - box.left) / scale - data.left) / span) * data.end;
  };
  plots.addEventListener("pointermove", (event) => {
    const at = instantAt(event);
    if (at >= 0 && at <= data.end) point(at, false);
    else clear();
  });
  plots.addEventListener("pointerleave", clear);

  plots.addEventListener("keydown", (event) => {
    const by = event.shiftKey ? 10 : 1;
    const moves = { ArrowRight: bucket + by, ArrowLeft: bucket - by, Home: 0, End: last };
    if (event.key in moves) {
      point((Math.min(last, Math.max(0, moves[event.key])) + 0.5) * data.step, true);
    } else if (event.key === "Enter") {
      openNearest();
    } else if (event.key === "Escape") {
      clear();
    } else return;
    event.preventDefault();
  });

  function openNearest() {
    const at = (Math.max(0, bucket) + 0.5) * data.step;
    const over = data.lives.filter((life) => life.over);
    over.sort((a, b) => Math.abs(a.end - at) - Math.abs(b.end - at));
    if (over.length) open(over[0].req);
  }

  // ---------------------------------------------------------------- lives

  const svgNode = (name, attributes, text) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const htmlNode = (name, text, class_) => {
    const node = document.createElement(name);
    if (text !== undefined) node.textContent = text;
    if (class_) node.className = class_;
    return node;
  };
  const order = ["client", "balancer", "server", "world"];

  function lanes(life) {
    const found = new Map();
    for (const [, who, role] of life.steps) if (!found.has(who)) found.set(who, role);
    return [...found].sort((a, b) => order.indexOf(a[1]) - order.indexOf(b[1]));
  }

  function drawn(life) {
    const rows = lanes(life);
    const height = 26 * rows.length + 24;
    const svg = svgNode("svg", { viewBox: `0 0 900 ${height}`, role: "img", "aria-label": "the steps of this request on an axis of time" });
    const longest = Math.max(1, ...life.steps.map((step) => step[0]));
    const x = (us) => 130 + (us / longest) * 740;
    const y = (who) => 18 + 26 * rows.findIndex((row) => row[0] === who);
    for (const [who] of rows) {
      svg.append(svgNode("line", { x1: 130, x2: 870, y1: y(who), y2: y(who), class: "lane" }));
      svg.append(svgNode("text", { x: 118, y: y(who) + 4, "text-anchor": "end" }, who.slice(0, 20)));
    }
    const way = life.steps.map(([us, who]) => `${x(us).toFixed(1)} ${y(who)}`).join("L");
    svg.append(svgNode("path", { d: `M${way}`, class: "way" }));
    for (const [us, who, role, what] of life.steps) {
      const dot = svgNode("circle", { cx: x(us), cy: y(who), r: 4, class: `r-${role}` });
      dot.append(svgNode("title", {}, `${duration(us * 1e3)} ${what}`));
      svg.append(dot);
    }
    for (const share of [0, 0.5, 1])
      svg.append(svgNode("text", { x: x(share * longest), y: height - 2, "text-anchor": "middle" }, duration(share * longest * 1e3)));
    return svg;
  }

  function listed(life) {
    const table = htmlNode("table");
    for (const [us, who, role, what] of life.steps) {
      const row = table.insertRow();
      row.append(htmlNode("td", `+${duration(us * 1e3)}`, "when"), htmlNode("td", who, `r-${role}`), htmlNode("td", what));
    }
    return table;
  }

  function open(req) {
    const life = data.lives.find((each) => each.req === req);
    if (!life) return;
    const how = life.over ? (life.ok ? "good" : life.reason) : "not over";
    document.getElementById("life-title").textContent = `Request ${req}: ${how}, from ${clock(life.at)}`;
    const during = htmlNode("p", life.faults.length ? `during ${life.faults.join(", ")}` : "", "note");
    document.getElementById("life").replaceChildren(during, drawn(life), listed(life));
    if (!dialog.open) dialog.showModal();
  }

  document.addEventListener("click", (event) => {
    const asked = event.target.closest("[data-req]");
    if (asked) open(Number(asked.dataset.req));
    const instant = event.target.closest("[data-at]");
    if (instant) {
      event.preventDefault();
      plots.scrollIntoView({ block: "start" });
      plots.focus({ preventScroll: true });
      point(Number(instant.dataset.at), true);
    }
  });
  document.getElementById("close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  document.documentElement.dataset.script = "ran";
})();
