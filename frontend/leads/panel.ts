// The panel beside the calendar: an appointment's page without leaving the grid. Escape or Close shuts it.
import { htmx } from "./part";

export function panel(): { open(address: string, from: HTMLElement): void } {
  const aside = document.getElementById("leads-panel") as HTMLElement;
  const body = document.getElementById("leads-panel-body") as HTMLElement;
  let back: { address: string; element: HTMLElement } | null = null;
  let revision = "";

  const close = (): void => {
    if (aside.hidden) return;
    aside.hidden = true;
    body.replaceChildren(); // its polling ends with it
    const again = document.querySelector<HTMLElement>(`a[href="${CSS.escape(back?.address ?? "")}"]`);
    (back?.element.isConnected ? back.element : again)?.focus();
    back = null;
  };

  document.getElementById("leads-panel-close")?.addEventListener("click", close);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !document.querySelector("dialog[open]")) close();
  });
  body.addEventListener("htmx:after:swap", () => {
    const live = body.querySelector<HTMLElement>("[data-live]");
    const now = live?.dataset.revision ?? "";
    if (live && revision && now !== revision) document.dispatchEvent(new Event("appointment-news"));
    revision = now;
  });

  return {
    open(address, element) {
      back = { address, element };
      revision = "";
      aside.hidden = false;
      void htmx()
        .ajax("GET", address, { target: body, swap: "innerHTML" })
        .then(() => body.querySelector<HTMLElement>(".visit-title")?.focus());
    },
  };
}
