// After a drag: ask, with the exact new time, before anything happens; put the block back unless it was done.
import type { EventApi } from "@fullcalendar/core";
import { htmx } from "./part";

type Ask = (event: EventApi, putBack: () => void) => void;

export function moving(wallOf: (event: EventApi) => string): Ask {
  const dialog = document.getElementById("move-dialog") as HTMLDialogElement;
  const body = document.getElementById("move-dialog-body") as HTMLElement;
  const trouble = document.getElementById("leads-trouble");
  let putBack: (() => void) | null = null;

  dialog.addEventListener("close", () => {
    putBack?.();
    putBack = null;
    body.replaceChildren();
  });
  document.addEventListener("appointment-changed", () => {
    putBack = null; // it was done
    if (dialog.open) dialog.close();
  });

  return (event, revert) => {
    putBack = revert;
    body.replaceChildren();
    const address = `${event.url}/move?grid=1&wall=${encodeURIComponent(wallOf(event))}`;
    void htmx()
      .ajax("GET", address, { target: body, swap: "innerHTML" })
      .then(() => {
        if (body.childElementCount > 0) {
          dialog.showModal();
          return;
        }
        putBack?.();
        putBack = null;
        if (trouble) trouble.hidden = false;
      });
  };
}
