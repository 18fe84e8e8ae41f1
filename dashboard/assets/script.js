// Makes the pages smooth. They are complete without it.
"use strict";

const make = (tag, properties = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
};

// Times: relative ones stay true while the page is open, exact ones are local.

const units = [["day", 86400, 172800], ["hour", 3600, 3600], ["minute", 60, 60], ["second", 1, 30]];
const wording = new Intl.RelativeTimeFormat("en", {numeric: "always"});

function relative(when) {
  const seconds = (when - Date.now()) / 1000;
  const unit = units.find(([, , from]) => Math.abs(seconds) >= from);
  return unit ? wording.format(Math.round(seconds / unit[1]), unit[0]) : "just now";
}

function showTimes() {
  for (const time of document.querySelectorAll("time[datetime]")) {
    const when = new Date(time.dateTime);
    time.textContent = relative(when);
    time.title = when.toLocaleString(undefined, {dateStyle: "long", timeStyle: "short"});
  }
}

// Questions: a dialog in place of the page that the server would ask on.

function ask({title, confirm, button}) {
  return new Promise((answer) => {
    const go = make("button", {className: "danger solid", value: "yes", textContent: button});
    const stay = make("button", {textContent: "Cancel", autofocus: true});
    const heading = make("h2", {id: "ask-title", textContent: title});
    const dialog = make("dialog", {}, make("form", {method: "dialog"},
      heading, make("p", {textContent: confirm}), make("div", {className: "actions"}, stay, go)));
    dialog.setAttribute("aria-labelledby", heading.id);
    dialog.addEventListener("close", () => {
      answer(dialog.returnValue === "yes");
      dialog.remove();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}

document.addEventListener("submit", async (event) => {
  const form = event.target, button = event.submitter;
  const question = button?.dataset.confirm ? button.dataset : form.dataset;
  if (!question.confirm || form.elements.sure) return;
  event.preventDefault();
  if (!await ask(question)) return;
  form.append(make("input", {type: "hidden", name: "sure", value: "yes"}));
  form.requestSubmit(button);
});

// A page that comes back from the browser's cache asks again.
addEventListener("pageshow", (event) => {
  if (event.persisted) document.querySelectorAll("form[data-confirm] input[name=sure], .more input[name=sure]").forEach((input) => input.remove());
});

// Lists: select all, and say how many are.

function showTicks() {
  for (const form of document.querySelectorAll("form[data-bulk]")) {
    const boxes = [...form.querySelectorAll("tbody input[type=checkbox]")];
    const head = form.querySelector("thead .tick");
    const all = head.querySelector("input") ?? make("input", {type: "checkbox", ariaLabel: "Select all on this page"});
    if (!all.isConnected) head.replaceChildren(all);
    const button = form.querySelector("[data-count]");
    const update = () => {
      const n = boxes.filter((box) => box.checked).length;
      all.checked = n === boxes.length;
      all.indeterminate = n > 0 && n < boxes.length;
      button.disabled = n === 0;
      button.textContent = n ? `${button.dataset.count} (${n})` : button.dataset.count;
    };
    form.onchange = (event) => {
      if (event.target === all) boxes.forEach((box) => { box.checked = all.checked; });
      update();
    };
    update();
  }
}

// Search as you type. The last answer that was asked for is the one shown.

for (const form of document.querySelectorAll("form[data-live]")) {
  let waiting, asking;
  const search = async () => {
    asking?.abort();
    asking = new AbortController();
    const url = `${form.getAttribute("action")}?${new URLSearchParams(new FormData(form))}`;
    try {
      const response = await fetch(url, {signal: asking.signal});
      if (!response.ok || response.redirected) return location.assign(url);
      const page = new DOMParser().parseFromString(await response.text(), "text/html");
      document.getElementById(form.dataset.live).replaceChildren(...page.getElementById(form.dataset.live).childNodes);
      history.replaceState(null, "", url);
      showTimes();
      showTicks();
    } catch (error) {
      if (error.name !== "AbortError") location.assign(url);
    }
  };
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(search, 250);
  });
}

// Menus close when the attention is elsewhere.

addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.more[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("details.more[open]");
  if (menu && !document.querySelector("dialog[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// A one-time password can be copied.

const secret = document.getElementById("one-time-password");
if (secret && navigator.clipboard) {
  const copy = make("button", {type: "button", textContent: "Copy"});
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(secret.textContent);
    copy.textContent = "Copied";
  });
  secret.after(copy);
}

// The plot: what was measured where the pointer is.

for (const plot of document.querySelectorAll("svg[data-readings]")) {
  const readings = plot.dataset.readings.split(";").filter(Boolean).map((text) => text.split(",").map(Number));
  const summary = plot.closest("section").querySelector(".summary"), words = summary.textContent;
  const draw = (tag, attributes) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    plot.append(element);
    return element;
  };
  let marks = [];
  const clear = () => { marks.forEach((mark) => mark.remove()); marks = []; };
  plot.addEventListener("pointermove", (event) => {
    const box = plot.getBoundingClientRect(), view = plot.viewBox.baseVal;
    const at = (event.clientX - box.left) / box.width * view.width;
    const [x, y, value, seconds] = readings.reduce((best, next) => Math.abs(next[0] - at) < Math.abs(best[0] - at) ? next : best);
    clear();
    marks = [draw("line", {class: "cursor", x1: x, x2: x, y1: 14, y2: view.height - 30}), draw("circle", {class: "cursor-dot", cx: x, cy: y, r: 5})];
    const when = new Date(seconds * 1000).toLocaleString(undefined, {dateStyle: "medium", timeStyle: "short"});
    summary.textContent = `${value.toLocaleString("en")} live on ${when}`;
  });
  plot.addEventListener("pointerleave", () => { clear(); summary.textContent = words; });
}

showTimes();
showTicks();
setInterval(showTimes, 30000);
