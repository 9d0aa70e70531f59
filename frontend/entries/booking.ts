// The public booking page. It works without any of this; script adds the visitor's zone and saves page loads.
import "../styles/booking.css";
import htmx from "htmx.org";
import { start } from "../start";

/** Nobody said a zone yet: tell the server the browser's, once; the same page comes back in it. */
function guessZone(): void {
  const shown = document.querySelector<HTMLElement>("[data-zone]");
  if (!shown || "zoneChosen" in shown.dataset || /(^|; )zone=/.test(document.cookie)) return;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zone || !/^[\w+\/-]+$/.test(zone)) return;
  document.cookie = `zone=${zone}; path=/; max-age=31536000; samesite=lax`;
  // without cookies the page would reload for ever
  if (zone !== shown.dataset.zone && document.cookie.includes("zone=")) location.reload();
}

/** After a day was chosen the keyboard goes on at its times; what changed is said to those who do not see it. */
function follow(): void {
  let chosen: Element | null = null;
  document.addEventListener("click", (event) => {
    chosen = (event.target as Element).closest("[data-day], #earlier, #later");
  });
  document.addEventListener("htmx:after:swap", () => {
    const part = document.getElementById("choose");
    const said = document.getElementById("said");
    if (!part || !said || !chosen) return;
    said.textContent = part.dataset.said ?? "";
    if (chosen.matches("[data-day]")) part.querySelector<HTMLElement>("#times-title")?.focus();
    else (document.getElementById(chosen.id) ?? part.querySelector<HTMLElement>("#times-title"))?.focus();
    chosen = null;
  });
}

/** `<form data-once>`: a second click while the first is on its way sends nothing. */
function once(form: HTMLFormElement): void {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
    form.querySelector("button")?.setAttribute("aria-busy", "true");
  });
  window.addEventListener("pageshow", () => delete form.dataset.sent);
}

/**
 * `<div data-hold="release address">`: the chosen time is held while its form is open, and given back when the
 * page is left without booking. A page that is only fetched, previewed or rendered ahead holds nothing.
 */
function hold(): void {
  const box = document.querySelector<HTMLElement>("[data-hold]");
  const form = document.querySelector<HTMLFormElement>("#details");
  if (!box || !form) return;
  let over = 0;
  const ask = (): void => {
    if (document.visibilityState === "visible") htmx.trigger(box, "hold");
  };
  const look = (): void => {
    window.clearTimeout(over);
    const kept = box.querySelector<HTMLElement>("[data-kept]");
    if (!kept) return;
    over = window.setTimeout(() => {
      kept.hidden = true;
      box.querySelector<HTMLElement>("[data-kept-over]")?.removeAttribute("hidden");
    }, Number(kept.dataset.kept) * 1000);
  };
  box.addEventListener("htmx:after:swap", look);
  window.addEventListener("pageshow", (event) => event.persisted && ask());
  // what was opened in the background is asked for when it is looked at; so is what another page took over
  document.addEventListener("visibilitychange", ask);
  window.addEventListener("pagehide", () => {
    if (form.dataset.sent) return;
    const said = new FormData();
    for (const field of document.querySelectorAll<HTMLInputElement>("input[type=hidden]")) said.append(field.name, field.value);
    navigator.sendBeacon(box.dataset.hold ?? "", said);
  });
  look();
  window.setTimeout(ask); // htmx looks at the page in a task of its own, set before this one
}

start();
guessZone();
follow();
hold();
document.querySelectorAll<HTMLFormElement>("form[data-once]").forEach(once);
document.querySelector<HTMLElement>("[data-focus], [aria-invalid=true]")?.focus();
