// Small behaviours switched on by data attributes; without script each page works all the same.

/** `<button data-opens="dialog-id">` opens a `<dialog>`; `<button data-closes>` inside closes it. */
function dialogs(event: MouseEvent): void {
  const target = event.target as HTMLElement;
  const opener = target.closest<HTMLElement>("[data-opens]");
  const dialog = opener && document.getElementById(opener.dataset.opens ?? "");
  if (dialog instanceof HTMLDialogElement) {
    event.preventDefault();
    dialog.showModal();
    return;
  }
  if (target.closest("[data-closes]")) {
    const open = target.closest("dialog");
    if (open) {
      event.preventDefault();
      open.close();
    }
  }
  if (target instanceof HTMLDialogElement && event.target === target) target.close(); // click on the backdrop
}

/** `<form data-watch>`: says "Unsaved changes" in its `[data-unsaved]`, and asks before leaving. */
function unsaved(form: HTMLFormElement): void {
  const hint = form.querySelector<HTMLElement>("[data-unsaved]");
  const before = new URLSearchParams(new FormData(form) as never).toString();
  let changed = form.hasAttribute("data-changed");
  const look = (): void => {
    changed = new URLSearchParams(new FormData(form) as never).toString() !== before;
    if (hint) hint.hidden = !changed;
  };
  form.addEventListener("input", look);
  form.addEventListener("change", look);
  form.addEventListener("rows-changed", look);
  form.addEventListener("submit", () => (changed = false));
  window.addEventListener("beforeunload", (event) => {
    if (changed) event.preventDefault();
  });
}

/** `<select data-submits>` or checkbox: sends its form when changed (a button in `<noscript>` does it without script). */
function submits(event: Event): void {
  const field = event.target as HTMLElement;
  if (field.matches("[data-submits]")) field.closest("form")?.requestSubmit();
}

/**
 * Rows that can be added and removed: `[data-rows]` holds rows, a `<template>` and `[data-add-row]`;
 * each row has `[data-remove-row]`. `__n__` in the template becomes a number not used yet.
 */
function rows(event: MouseEvent): void {
  const target = event.target as HTMLElement;
  const remover = target.closest<HTMLElement>("[data-remove-row]");
  if (remover) {
    event.preventDefault();
    const form = remover.closest("form");
    const box = remover.closest<HTMLElement>("[data-rows]");
    remover.closest("[data-row]")?.remove();
    box?.querySelector<HTMLElement>("[data-add-row]")?.focus();
    form?.dispatchEvent(new CustomEvent("rows-changed"));
    return;
  }
  const adder = target.closest<HTMLElement>("[data-add-row]");
  const box = adder?.closest<HTMLElement>("[data-rows]");
  const template = box?.querySelector<HTMLTemplateElement>("template");
  if (!adder || !box || !template) return;
  event.preventDefault();
  const next = String(Date.now() % 1_000_000_000);
  const holder = document.createElement("template");
  holder.innerHTML = template.innerHTML.replaceAll("__n__", next);
  const row = holder.content.firstElementChild as HTMLElement | null;
  if (!row) return;
  (box.querySelector("[data-rows-here]") ?? box).append(row);
  row.querySelector<HTMLElement>("input, select")?.focus();
  box.closest("form")?.dispatchEvent(new CustomEvent("rows-changed"));
}

/** Two times in a row: says when the closing time is on the next day. */
function nextDay(event: Event): void {
  const row = (event.target as HTMLElement).closest<HTMLElement>("[data-row]");
  const note = row?.querySelector<HTMLElement>("[data-next-day]");
  if (!row || !note) return;
  const [opens, closes] = [...row.querySelectorAll<HTMLInputElement>("input[type=time]")].map((field) => field.value);
  if (!opens || !closes || closes > opens) note.textContent = "";
  else note.textContent = opens === closes && opens === "00:00" ? "open all day" : "closes the next day";
}

export function behaviours(): void {
  document.addEventListener("click", dialogs);
  document.addEventListener("click", rows);
  document.addEventListener("change", submits);
  document.addEventListener("input", nextDay);
  document.querySelectorAll<HTMLFormElement>("form[data-watch]").forEach(unsaved);
}
