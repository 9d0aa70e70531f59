// The calendar page, made quicker: it follows the calendar by itself, and events can be dragged.
// Everything here also works by plain links and forms; times are wall times of the shown zone throughout.

const POLL = 3000; // milliseconds
const SNAP = 15; // minutes
const LONG_PRESS = 350; // milliseconds until a finger lifts an event
const SLACK = 4; // pixels a click may wander
const DAY = 24 * 60;

const stage = document.querySelector("#stage");
const dialog = document.querySelector("#dialog");
const toast = document.querySelector("#toast");
const trouble = document.querySelector("#trouble");
const week = () => document.querySelector("#week");
const scroller = () => stage.querySelector(".scroll");

document.documentElement.classList.add("scripted");

// --- talking to the server

const where = () => {
  const { account, calendar, zone, day } = week().dataset;
  return { account, calendar, zone, day };
};
const address = (path, more = {}) => `${path}?${new URLSearchParams({ ...where(), ...more })}`;
const json = { Accept: "application/json" };

async function post(path, body) {
  try {
    const answer = await fetch(path, { method: "POST", body, headers: json });
    return await answer.json();
  } catch {
    return {
      error: {
        what: "The demo calendar does not answer.",
        meaning: "The change was not saved, as far as this page knows.",
        action: "Check that it is still running; the page tries again by itself.",
      },
    };
  }
}

let hiding;
function say(text) {
  clearTimeout(hiding);
  toast.textContent = text;
  toast.hidden = false;
  hiding = setTimeout(() => (toast.hidden = true), 6000);
}
const sayError = ({ what, meaning, action }) => say([what, meaning, action].join(" "));

function problem({ what, meaning, action }) {
  const box = document.createElement("div");
  box.className = "problem";
  box.setAttribute("role", "alert");
  const first = document.createElement("strong");
  first.textContent = what;
  box.append(first, ` ${meaning} ${action}`);
  return box;
}

// --- following the calendar

const seen = () => new Set([...stage.querySelectorAll(".event")].map((one) => one.value + one.dataset.etag));

async function refresh() {
  const answer = await fetch(address("/week"));
  if (!answer.ok) throw new Error(answer.status);
  const text = await answer.text();
  if (drag) return;
  const { scrollTop } = scroller();
  const focused = stage.contains(document.activeElement) ? document.activeElement.value || "" : null;
  const before = seen();
  stage.innerHTML = text;
  scroller().scrollTop = scrollTop;
  for (const one of stage.querySelectorAll(".event")) {
    if (!before.has(one.value + one.dataset.etag)) one.classList.add("is-fresh");
    if (focused && one.value === focused) one.focus({ preventScroll: true });
  }
}

let polling = false;
async function poll() {
  if (!week() || drag || document.hidden || polling) return;
  polling = true;
  try {
    const answer = await fetch(address("/version.json"), { headers: json });
    const found = await answer.json();
    if (found.error) throw new Error(`${found.error.what} ${found.error.action}`);
    if (found.version !== week().dataset.version) await refresh();
    trouble.hidden = true;
  } catch (error) {
    trouble.textContent = error instanceof TypeError ? "The demo calendar does not answer. This page tries again by itself." : error.message;
    trouble.hidden = false;
  } finally {
    polling = false;
  }
}

function drawNow() {
  const line = stage.querySelector(".now");
  if (!line) return;
  const parts = new Intl.DateTimeFormat("en-GB", { timeZone: week().dataset.zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format();
  const [hours, minutes] = parts.split(":").map(Number);
  line.style.setProperty("--top", hours * 60 + minutes);
}

// --- wall times, as text: 2026-11-24T10:15, or 2026-11-24 for a day

const isDay = (wall) => wall.length === 10;
const toMinutes = (wall) => Date.parse(`${isDay(wall) ? `${wall}T00:00` : wall}Z`) / 60000;
const toWall = (minutes, day = false) => new Date(minutes * 60000).toISOString().slice(0, day ? 10 : 16);
const clock = (minutes) => toWall(minutes).slice(11);
const snapped = (minutes) => Math.round(minutes / SNAP) * SNAP;

// --- dragging

let drag = null;
let swallowClick = false;

const perMinute = () => stage.querySelector(".hours").offsetHeight / DAY;
const days = () => [...stage.querySelectorAll(".day")].filter((day) => day.offsetWidth);
const dayAt = (x) => days().find((day) => x < day.getBoundingClientRect().right) ?? days().at(-1);
const minuteIn = (day, y) => (y - day.getBoundingClientRect().top) / perMinute();

function begin(event, target) {
  const button = target.closest(".event");
  const day = target.closest(".day");
  if (!button && !day) return null;
  const mode = !button ? "create" : target.closest(".grip") ? "resize" : button.classList.contains("band") ? "band" : "move";
  return { mode, button, day, x: event.clientX, y: event.clientY, scroll: scroller().scrollTop, id: event.pointerId, lifted: false, ghost: null, start: 0, end: 0 };
}

function lift() {
  drag.lifted = true;
  drag.button?.classList.add("is-lifted");
  document.body.classList.add(drag.mode === "resize" ? "is-resizing" : "is-dragging");
  stage.setPointerCapture?.(drag.id);
  if (drag.mode !== "band") {
    drag.ghost = document.createElement("li");
    drag.ghost.className = "ghost";
    drag.ghost.append(document.createElement("div"));
  }
}

function follow(event) {
  const dy = (event.clientY - drag.y + scroller().scrollTop - drag.scroll) / perMinute();
  if (drag.mode === "create") {
    const from = Math.floor(minuteIn(drag.day, drag.y + drag.scroll - scroller().scrollTop) / SNAP) * SNAP;
    const to = snapped(from + dy);
    const midnight = toMinutes(drag.day.dataset.day);
    drag.start = midnight + Math.max(0, Math.min(from, to));
    drag.end = midnight + Math.min(DAY, Math.max(from + SNAP, to));
    return place(drag.day, "New event");
  }
  const start = toMinutes(drag.button.dataset.start);
  const end = toMinutes(drag.button.dataset.end);
  if (drag.mode === "resize") {
    drag.start = start;
    drag.end = Math.max(snapped(end + dy), start + SNAP);
    return place(drag.button.closest(".day"), drag.button.querySelector("b").textContent);
  }
  const over = dayAt(event.clientX);
  const across = drag.button.closest(".day") ?? dayAt(drag.x);
  const by = toMinutes(over.dataset.day) - toMinutes(across.dataset.day);
  if (drag.mode === "band") {
    drag.start = start + by;
    drag.end = end + by;
    drag.button.style.translate = `${over.offsetLeft - across.offsetLeft}px`;
    return undefined;
  }
  drag.start = start + by + (snapped(start + dy) - start);
  drag.end = drag.start + (end - start);
  return place(over, drag.button.querySelector("b").textContent);
}

function place(day, title) {
  const midnight = toMinutes(day.dataset.day);
  const top = Math.max(0, drag.start - midnight);
  const values = { "--top": top, "--len": Math.max(SNAP, Math.min(DAY, drag.end - midnight) - top), "--left": 0, "--width": 1 };
  for (const [name, value] of Object.entries(values)) drag.ghost.style.setProperty(name, value);
  drag.ghost.firstChild.textContent = `${clock(drag.start)}–${clock(drag.end)} ${title}`;
  if (drag.ghost.parentElement !== day) day.append(drag.ghost);
}

function drop() {
  document.body.classList.remove("is-dragging", "is-resizing");
  drag.button?.classList.remove("is-lifted");
  if (drag.button) drag.button.style.translate = "";
  drag.ghost?.remove();
  drag = null;
}

async function finish() {
  const { mode, button, start, end } = drag;
  if (mode === "create") {
    drop();
    return openForm(address("/events/new", { start: toWall(start), end: toWall(end) }));
  }
  const day = mode === "band";
  const from = { start: button.dataset.start, end: button.dataset.end };
  const to = { start: toWall(start, day), end: toWall(end, day) };
  const changed = mode === "resize" ? to.end !== from.end : to.start !== from.start;
  if (!changed) return drop();
  document.body.classList.remove("is-dragging", "is-resizing");
  await send(button, mode === "resize" ? { end: to.end } : { start: to.start });
  if (drag) drop();
  return refresh().catch(() => {});
}

async function send(button, times) {
  const [occurrence, href] = split(button.value);
  const body = new URLSearchParams({ ...where(), href, occurrence, etag: button.dataset.etag, ...times });
  const answer = await post("/events/move", body);
  if (answer.error) sayError(answer.error);
  else say(answer.said);
  return answer;
}

const split = (value) => {
  const bar = value.indexOf("|");
  return [value.slice(0, bar), value.slice(bar + 1)];
};

const writable = () => week() && "writable" in week().dataset;

let pressing;
stage?.addEventListener("pointerdown", (event) => {
  swallowClick = false;
  if (!writable() || event.button !== 0 || drag) return;
  const candidate = begin(event, event.target);
  if (!candidate) return;
  if (event.pointerType === "mouse") {
    drag = candidate;
  } else if (candidate.button) {
    // A finger scrolls; held still, it lifts the event.
    pressing = setTimeout(() => {
      drag = candidate;
      lift();
      follow(event);
      navigator.vibrate?.(15);
    }, LONG_PRESS);
  }
});

addEventListener("pointermove", (event) => {
  if (!drag) {
    if (event.pointerType !== "mouse" && (Math.abs(event.movementX) > SLACK || Math.abs(event.movementY) > SLACK)) clearTimeout(pressing);
    return;
  }
  if (event.pointerId !== drag.id) return;
  if (!drag.lifted) {
    if (Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < SLACK) return;
    lift();
  }
  follow(event);
});

addEventListener("pointerup", (event) => {
  clearTimeout(pressing);
  if (!drag || event.pointerId !== drag.id) return;
  if (drag.lifted) {
    swallowClick = true;
    finish();
  } else {
    drop();
  }
});
addEventListener("pointercancel", () => {
  clearTimeout(pressing);
  if (drag) drop();
});
stage?.addEventListener("touchmove", (event) => drag?.lifted && event.preventDefault(), { passive: false });
stage?.addEventListener("contextmenu", (event) => drag?.lifted && event.preventDefault());

// --- opening, saving

async function openForm(url) {
  const answer = await fetch(`${url}&fragment=1`).catch(() => null);
  if (!answer) return sayError((await post("/events/none", "")).error);
  dialog.innerHTML = await answer.text();
  if (!dialog.open) dialog.showModal();
  if (answer.status === 404) refresh().catch(() => {});
  if (!dialog.querySelector("[data-close]")) {
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = "Close";
    close.dataset.close = "";
    dialog.append(close);
  }
}

stage?.addEventListener("click", (event) => {
  if (swallowClick) {
    swallowClick = false;
    event.preventDefault();
    return;
  }
  const button = event.target.closest(".event");
  const link = event.target.closest("a[data-open]");
  const day = event.target.closest(".day");
  if (button) {
    event.preventDefault();
    openForm(address("/events/edit", { event: button.value }));
  } else if (link) {
    event.preventDefault();
    openForm(link.href);
  } else if (day && writable()) {
    const start = toMinutes(day.dataset.day) + Math.min(DAY - 60, Math.floor(minuteIn(day, event.clientY) / 30) * 30);
    openForm(address("/events/new", { start: toWall(start), end: toWall(start + 60) }));
  }
});

dialog?.addEventListener("click", (event) => {
  if (event.target.closest("[data-close]") || event.target === dialog) {
    event.preventDefault();
    dialog.close();
  }
});

// What Delete… unfolds is below the fold of a small window.
dialog?.addEventListener("toggle", (event) => event.target.open && event.target.scrollIntoView({ block: "end" }), true);

dialog?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const body = new URLSearchParams(new FormData(form, event.submitter));
  event.submitter?.setAttribute("disabled", "");
  const answer = await post(form.action, body);
  event.submitter?.removeAttribute("disabled");
  if (answer.ok) {
    dialog.close();
    say(answer.said);
  } else if (answer.error.field) {
    for (const one of dialog.querySelectorAll("[aria-invalid]")) one.removeAttribute("aria-invalid");
    const field = answer.error.field;
    const input = dialog.querySelector(`[name="${field}"], [name="${field}_time"]`);
    input?.setAttribute("aria-invalid", "true");
    dialog.querySelector("[data-problem]")?.replaceChildren(problem(answer.error));
    input?.focus();
    return;
  } else {
    dialog.close();
    sayError(answer.error);
  }
  refresh().catch(() => {});
});

// --- by keyboard

addEventListener("keydown", (event) => {
  if (event.key === "Escape" && drag) return drop();
  const button = event.target.closest?.(".event");
  const step = { ArrowUp: -SNAP, ArrowDown: SNAP, ArrowLeft: -DAY, ArrowRight: DAY }[event.key];
  if (!button || !event.shiftKey || !step || !writable()) return undefined;
  event.preventDefault();
  const day = button.classList.contains("band");
  if (day && Math.abs(step) < DAY) return undefined;
  return send(button, { start: toWall(toMinutes(button.dataset.start) + step, day) }).then(() => refresh().catch(() => {}));
});

// --- starting

for (const select of document.querySelectorAll(".choices select")) {
  select.addEventListener("change", () => {
    // Another owner has other calendars: let the server choose the first.
    const { calendar, zone } = select.form.elements;
    if (calendar && select.name === "account") calendar.disabled = true;
    if (zone && select.name !== "zone") zone.disabled = true;
    select.form.requestSubmit();
  });
}
if (week()) {
  // Open at the morning's first event, but never in the night.
  const tops = [...stage.querySelectorAll(".slot")].map((slot) => Number(slot.style.getPropertyValue("--top")));
  scroller().scrollTop = (Math.max(6 * 60, Math.min(8 * 60, ...tops)) - 30) * perMinute();
  setInterval(poll, POLL);
  setInterval(drawNow, 30000);
  document.addEventListener("visibilitychange", poll);
}
