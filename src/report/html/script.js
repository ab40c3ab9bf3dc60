"use strict";
// Zoom, cross-hair and the selection of failed requests. The page says everything without it.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const timeline = document.getElementById("timeline");
  const readout = document.getElementById("readout");
  const selected = document.getElementById("selected");
  const axis = document.getElementById("axis");
  const svgs = [...timeline.querySelectorAll("svg")];
  const heights = svgs.map((svg) => svg.viewBox.baseVal.height);
  const shortest = 200;
  let view = { from: data.from, span: data.length };
  let chosen = -1;
  document.documentElement.classList.add("js");

  const seconds = (millis, digits) => (millis / 1000).toFixed(digits);
  const label = (millis) => {
    const secs = millis / 1000;
    if (secs < 60) return `${+secs.toFixed(2)} s`;
    const rest = secs % 60;
    return `${Math.floor(secs / 60)}m ${rest < 10 ? "0" : ""}${+rest.toFixed(1)}s`;
  };
  const count = (number) => number.toLocaleString("en");

  function show() {
    const { from, span } = view;
    timeline.style.setProperty("--from", from);
    timeline.style.setProperty("--span", span);
    svgs.forEach((svg, i) => svg.setAttribute("viewBox", `${from} 0 ${span} ${heights[i]}`));
    const room = Math.max(2, Math.floor(axis.clientWidth / 80));
    const steps = [10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 2e4, 3e4, 6e4, 12e4, 3e5, 6e5, 18e5, 36e5];
    const step = steps.find((step) => span / step <= room) || 72e5;
    axis.textContent = "";
    let grid = "";
    for (let at = Math.ceil(from / step) * step; at <= from + span; at += step) {
      grid += `M${at} 0V999`;
      const tick = document.createElement("span");
      tick.className = "tick";
      tick.style.setProperty("--t", at);
      tick.textContent = label(at);
      axis.append(tick);
    }
    for (const path of timeline.querySelectorAll(".grid")) path.setAttribute("d", grid);
  }

  function zoom(from, span) {
    span = Math.min(data.length, Math.max(shortest, span));
    from = Math.min(data.from + data.length - span, Math.max(data.from, from));
    view = { from: Math.round(from), span: Math.round(span) };
    show();
  }
  const around = (factor, middle = view.from + view.span / 2) =>
    zoom(middle - (middle - view.from) * factor, view.span * factor);
  const pan = (share) => zoom(view.from + view.span * share, view.span);

  const box = () => axis.getBoundingClientRect();
  const timeAt = (x) => view.from + ((x - box().left) / box().width) * view.span;

  function read(at) {
    const parts = [`${seconds(at, 2)} s`];
    const { bins } = data;
    const i = Math.floor((at - bins.from) / bins.length);
    if (i >= 0 && i < bins.sent.length && bins.sent[i]) {
      parts.push(`${count(bins.sent[i])} sent in ${label(bins.length)}`, `${count(bins.failed[i])} failed`);
      if (bins.median[i] !== null) parts.push(`median ${bins.median[i]} ms`, `p99 ${bins.p99[i]} ms`);
    }
    readout.textContent = parts.join(" · ");
  }

  function paragraph(text) {
    const p = document.createElement("p");
    p.textContent = text;
    selected.append(p);
    return p;
  }

  function choose(index) {
    for (const path of timeline.querySelectorAll(".hit")) path.classList.remove("hit");
    chosen = index;
    selected.textContent = "";
    if (index < 0) return timeline.style.removeProperty("--sel");
    const [at, stream, outcome, cause, task, status, latency] = data.failed[index];
    timeline.style.setProperty("--sel", at);
    if (at < view.from || at > view.from + view.span) zoom(at - view.span / 2, view.span);
    const of = data.failed.length === data.failed_in_all
      ? count(data.failed.length)
      : `${count(data.failed.length)} (every ${Math.ceil(data.failed_in_all / data.failed.length)}th of ${count(data.failed_in_all)} can be selected)`;
    const title = document.createElement("strong");
    title.textContent = `Failed request ${count(index + 1)} of ${of}`;
    paragraph("").append(title);
    const how = [data.classes[outcome]];
    if (status) how.push(`status ${status}`);
    if (latency >= 0) how.push(`after ${latency} ms`);
    paragraph(`${data.streams[stream]}, due at ${seconds(at, 3)} s: ${how.join(", ")}`);
    paragraph(`Cause: ${data.causes[cause] ? data.causes[cause].text : "not known"}`);
    if (task >= 0) {
      paragraph(`Task: ${data.tasks[task].name}`);
      for (const path of timeline.querySelectorAll(`[data-task="${data.tasks[task].id}"]`)) path.classList.add("hit");
    } else {
      paragraph("Task: it is about no single task of the service");
    }
  }

  function nearest(at, within) {
    let best = -1;
    let distance = within;
    data.failed.forEach((one, i) => {
      const d = Math.abs(one[0] - at);
      if (d <= distance && (best < 0 || d < distance)) [best, distance] = [i, d];
    });
    return best;
  }
  function step(by) {
    if (!data.failed.length) return;
    const first = by > 0 ? -1 : data.failed.length;
    const next = (chosen < 0 ? first : chosen) + by;
    choose(Math.min(data.failed.length - 1, Math.max(0, next)));
  }

  const actions = {
    in: () => around(0.5),
    out: () => around(2),
    all: () => zoom(data.from, data.length),
    next: () => step(1),
    previous: () => step(-1),
  };
  document.querySelector(".tools").addEventListener("click", (event) => {
    const action = event.target.closest("[data-do]");
    if (action) actions[action.dataset.do]();
  });
  timeline.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const keys = {
      "+": actions.in, "=": actions.in, "-": actions.out, 0: actions.all,
      ArrowLeft: () => pan(-0.2), ArrowRight: () => pan(0.2),
      n: actions.next, p: actions.previous, Escape: () => choose(-1),
    };
    if (keys[event.key]) {
      event.preventDefault();
      keys[event.key]();
    }
  });

  let drag = null;
  const inside = (event) => event.clientX >= box().left && event.clientX <= box().right;
  timeline.addEventListener("pointermove", (event) => {
    if (!inside(event)) return timeline.style.removeProperty("--shown");
    timeline.style.setProperty("--shown", "visible");
    timeline.style.setProperty("--x", (event.clientX - box().left) / box().width);
    const mark = event.target.closest(".mark");
    if (mark) readout.textContent = mark.title;
    else read(timeAt(event.clientX));
    if (drag && Math.abs(event.clientX - drag.x) > 6) {
      if (!drag.shade) {
        drag.shade = document.createElement("div");
        drag.shade.className = "drag";
        timeline.append(drag.shade);
      }
      const outer = timeline.getBoundingClientRect();
      drag.shade.style.left = `${Math.min(event.clientX, drag.x) - outer.left}px`;
      drag.shade.style.width = `${Math.abs(event.clientX - drag.x)}px`;
    }
  });
  timeline.addEventListener("pointerleave", () => timeline.style.removeProperty("--shown"));
  timeline.addEventListener("pointerdown", (event) => {
    if (event.button === 0 && event.pointerType !== "touch" && inside(event) && !event.target.closest(".mark")) {
      event.preventDefault();
      timeline.focus({ preventScroll: true });
      drag = { x: event.clientX, at: timeAt(event.clientX), shade: null };
    }
  });
  window.addEventListener("pointerup", (event) => {
    if (!drag) return;
    const { at, shade } = drag;
    drag = null;
    if (!shade) return;
    shade.remove();
    const end = timeAt(Math.min(box().right, Math.max(box().left, event.clientX)));
    zoom(Math.min(at, end), Math.abs(end - at));
    suppress = true;
  });
  let suppress = false;
  timeline.addEventListener("click", (event) => {
    if (suppress) return void (suppress = false);
    if (event.target.closest(".mark")) return void (readout.textContent = event.target.title);
    if (!inside(event) || !event.target.closest(".plot")) return;
    choose(nearest(timeAt(event.clientX), (12 / box().width) * view.span));
  });
  timeline.addEventListener("focusin", (event) => {
    if (event.target.matches(".mark")) readout.textContent = event.target.title;
  });
  timeline.addEventListener("dblclick", actions.all);
  timeline.addEventListener("wheel", (event) => {
    if (!event.ctrlKey || !inside(event)) return;
    event.preventDefault();
    around(event.deltaY > 0 ? 1.25 : 0.8, timeAt(event.clientX));
  }, { passive: false });

  for (const button of document.querySelectorAll(".copy")) {
    button.addEventListener("click", async () => {
      const pre = button.parentElement.querySelector("pre");
      try {
        await navigator.clipboard.writeText(pre.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(pre);
        button.textContent = "Selected";
      }
    });
  }
  new ResizeObserver(show).observe(axis);
  show();
})();
