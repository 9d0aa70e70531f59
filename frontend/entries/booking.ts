// The public booking page. It works without any of this; script adds the visitor's zone and saves page loads.
import "../styles/booking.css";
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

start();
guessZone();
follow();
document.querySelectorAll<HTMLFormElement>("form[data-once]").forEach(once);
document.querySelector<HTMLElement>("[data-focus], [aria-invalid=true]")?.focus();
